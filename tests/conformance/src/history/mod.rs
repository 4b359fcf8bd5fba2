//! What concurrent clients saw, held against what one client after the other could have seen.
//!
//! - Tables: a [`Recorder`] around any table notes when each operation was called and answered, and [`Checker`] decides whether the history is
//!   linearizable: whether every operation can have happened at one instant between its call and its answer. Keys are judged each for itself;
//!   those that a transaction has joined are judged together, so that half of one is seen.
//! - Queues: a [`Ledger`] around any queue notes what was sent, delivered and settled, and says in the end what was lost, forged, overtaken or
//!   delivered after its acknowledgement.
//!
//! The checker is our own. Those that were found want a table, a thread or a model checker of their own (stateright, lincheck), or know no operation whose answer was lost
//! and bound no work (todc-utils); and half of what is to be checked here are lost answers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::Arc;
//! # use skyport_core::kv::port::KeyValueStore;
//! use skyport_conformance::history::{Checker, Recorder};
//! use skyport_core::kv::Table;
//!
//! async fn check(table: Arc<dyn KeyValueStore>) -> Result<(), Box<dyn std::error::Error>> {
//!     let recorder = Recorder::around(table);
//!     let table: Table<u32> = Table::new(recorder.clone());
//!     let (one, other) = tokio::join!(table.increment("n", 1), table.increment("n", 1));
//!     assert_ne!(one?, other?);
//!     let checked = Checker::default().check(&recorder.history())?;
//!     assert_eq!(checked.operations, 2);
//!     Ok(())
//! }
//! # Ok(()) }
//! ```

mod account;
mod checker;
mod client;
mod ledger;
mod model;
mod operation;
mod probe;
mod recorder;
mod search;
#[cfg(test)]
mod tests;

pub use account::{Account, Imbalance, Promises, Wrong};
pub use checker::{Checked, Checker, Violation};
pub use client::{COUNTER, Client, KEYS, PARTITION, tolerate};
pub use ledger::Ledger;
pub use operation::{Answer, Call, Entry, History};
pub use recorder::Recorder;
