//! Skyport on Cloud Run and Cloud Run functions.

mod config;
mod front;
mod serve;

pub use config::{CloudRunConfig, PushIdentity, QueueOpener, Signature};
pub use serve::{CloudRun, run};
/// A server that has its address.
pub use skyport_server::Bound;
