//! placeholder

mod answer;
mod batch;
mod blob;
mod config;
mod event;
mod failure;
mod reply;
mod serve;
mod served;
mod settle;
mod source;
mod warm;

pub use config::{LambdaConfig, QueueOpener};
pub use serve::{refuse, run};
pub use warm::{Ports, Remembering};
