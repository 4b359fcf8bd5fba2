//! A proxy between a service's client and the service, on a free port of this machine, that strikes requests by a plan.
//!
//! It speaks HTTP/1.1, and HTTP/2 without TLS to the services of gRPC. Bodies are streamed, and nothing of a request is changed, its `Host`
//! among it, so that signatures hold. What it does to a request is a [`Fault`]; which requests, a [`Plan`] says, by a seed or as
//! a script; how often it did what, a [`Tally`] counts.
//!
//! It knows of each service no more than its [`Dialect`]: which of its requests are reads, writes, sends or settlements, and in which
//! words it asks for a slower pace.
//!
//! ```
//! use std::sync::Arc;
//! use skyport_proxy::{Class, Dialect, Fault, Plan, Proxy, Tally};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let plan = Plan::quiet(7).rate(Class::Read, Fault::TruncateAnswer, 0.2).at_most_in_a_row(2);
//! let proxy = Proxy::start("http://127.0.0.1:9000", Dialect::Aws, plan, Arc::new(Tally::default())).await?;
//! assert!(proxy.url().starts_with("http://127.0.0.1:"));
//! proxy.calm(); // from now on it only passes on
//! # Ok(())
//! # }
//! ```

mod answers;
mod body;
mod dialect;
mod exchange;
mod plan;
mod proxy;
mod tally;
mod upstream;

pub use dialect::{Class, Dialect};
pub use plan::{Fault, Plan};
pub use proxy::Proxy;
pub use tally::Tally;
