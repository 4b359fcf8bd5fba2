//! Skyport's in-memory provider beside its peers: what is measured, on whom, and how.

pub mod blobs;
pub mod measure;
pub mod queues;

/// What every measured step returns.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
