//! A strict stand-in for the host of Azure Functions, as far as a custom handler sees it.
//!
//! The host itself is a .NET program with a bundle of extensions, and does not run in tests. This speaks its protocol, written to the sources of the host and of
//! its extensions, which the modules name (azure-functions-host as of late 2025, azure-webjobs-sdk, azure-sdk-for-net), and to nothing of Skyport's. It reads a folder as it is deployed, starts the
//! program, waits until it is ready, and hands it
//!
//! - requests, in the form that `host.json` asks for: proxied, forwarded or wrapped, each with its losses;
//! - messages of queues, from Queue Storage ([`queue::storage`]) or from what a test makes ([`QueueSource`]);
//! - timers and events of Event Grid, when it is told to.
//!
//! What the host would not start with is refused, and an answer that it would not take fails the call, as there. [`Host::calls`] tells how each went.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use skyport_functions_host::queue::storage::Storage;
//! use skyport_functions_host::{BlobChanged, Handler, Host, Options};
//!
//! # async fn example(connection: &str) -> skyport_functions_host::Result<()> {
//! let mut options = Options::new("target/deployed");
//! options.handler = Handler::Program("target/debug/examples/photos".into());
//! options.settings.insert("AZURE_STORAGE_CONNECTION_STRING".to_owned(), connection.to_owned());
//! options.queues = Arc::new(Storage::connect(connection)?);
//! let host = Host::start(options).await?;
//! println!("http://{}", host.address());
//! let mut changed = BlobChanged::new("devstoreaccount1", "photos", "a.jpg");
//! changed.created = Some(1_024);
//! host.event("on-upload", &changed.event()).await?;
//! host.stop().await
//! # }
//! ```
//!
//! It has no keys, no scaling, no logs of the portal, no extensions but these. A program that takes longer for a call than `functionTimeout` says is ended and started anew; one that has
//! ended by itself is not.

mod answer;
mod cron;
mod event_grid;
mod fault;
mod front;
mod host;
mod host_json;
mod invoker;
mod metadata;
mod payload;
mod process;
pub mod queue;
mod route;
mod time;
mod trace;
mod uri;
mod worker;

pub use answer::Outcome;
pub use cron::Cron;
pub use event_grid::BlobChanged;
pub use fault::{Fault, Result};
pub use host::{Handler, Host, Options};
pub use host_json::{Form, HostJson, QueueOptions};
pub use invoker::{Called, Invoker};
pub use metadata::{Deployed, Function, Retry, Trigger};
pub use queue::{QueueMessage, QueueSource, Queues};
pub use route::Template;
pub use worker::{HOST_VERSION, INVOCATION_ID, Worker};
