//! Table Storage: to come.
