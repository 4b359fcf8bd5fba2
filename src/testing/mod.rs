//! A whole application on fakes, in virtual time.
//!
//! ```
//! use skyport::prelude::*;
//!
//! #[derive(Resources)]
//! struct Greetings {
//!     inbox: Queue<String>,
//!     seen: Table<u32>,
//! }
//!
//! async fn post(request: Request, cx: Context<Greetings>) -> Result<StatusCode> {
//!     cx.inbox.send(&request.text().await?).await?;
//!     Ok(StatusCode::ACCEPTED)
//! }
//!
//! async fn count(name: Message<String>, cx: Context<Greetings>) -> Result<()> {
//!     cx.seen.increment(name.as_str(), 1).await?;
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let app = App::new("greetings")
//!     .http("post", route::post("/"), post)
//!     .on_message("count", Greetings::INBOX, count);
//!
//! let test = skyport::testing::start(app).await;
//! test.post("/", "Ada").await.assert_status(202);
//! test.settle().await;
//! let seen = test.resources().seen.get("Ada").await.expect("a table").expect("an item");
//! assert_eq!(seen.value, 1);
//! # }
//! ```
//!
//! With [`Chaos`] the fakes fail as clouds do. [`Simulation`] does so with many seeds, checks what must hold of the application, and shows
//! the fewest faults that break it.

mod application;
mod crash;
mod exchange;
mod letters;
mod simulation;
mod start;

pub use application::Test;
pub use exchange::{Exchange, TestResponse};
pub use letters::dead_letters;
pub use simulation::{Driven, Phase, Report, Shrinking, Simulation, Undriven, Violation};
pub use skyport_core::Determined;
pub use skyport_memory::{Chaos, Fault, Injected, Operation, Port};
pub use start::{Start, start};
