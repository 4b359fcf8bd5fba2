//! Being made.
