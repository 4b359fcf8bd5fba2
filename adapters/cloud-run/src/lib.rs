//! Skyport on Cloud Run and Cloud Run functions.

mod blob;
mod config;
mod event;
mod front;
mod guard;
mod message;
#[cfg(feature = "oidc")]
mod oidc;
mod plan;
mod reply;
mod serve;
mod served;
mod settle;

pub use config::{CloudRunConfig, PushIdentity, QueueOpener, Signature};
pub use serve::{CloudRun, run};
/// A server that has its address.
pub use skyport_server::Bound;
