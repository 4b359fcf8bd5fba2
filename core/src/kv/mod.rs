//! Key-value tables.
pub mod port;
pub mod slots;
