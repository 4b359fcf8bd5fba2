//! Blob Storage: to come.
