//! Azure Functions, by the protocol of custom handlers: a program that the host of Functions starts, and calls over HTTP.

mod blob;
mod config;
mod event;
mod front;
mod logs;
mod message;
pub mod metadata;
mod names;
mod reply;
mod serve;
mod settle;

pub use config::AzureFunctionsConfig;
pub use logs::log_by_default;
pub use serve::{AzureFunctions, run};
/// A handler that has its address.
pub use skyport_server::Bound;
