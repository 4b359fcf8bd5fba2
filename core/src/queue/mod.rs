//! Queues.
pub mod envelope;
pub mod port;
