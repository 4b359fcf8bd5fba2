//! Blob Storage: to come.

pub(crate) mod sign;
