//! In-memory fakes of Skyport's three ports: fast, in virtual time, with injected faults.
//!
//! They keep the whole portable contract, so that a test which passes here passes for the right reason. All state
//! belongs to one [`Memory`] and its clones; two of them know nothing of each other.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
//! use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
//! use skyport_core::blob::port::{GetOptions, PutOptions};
//! use skyport_memory::Memory;
//!
//! let memory = Memory::new();
//! let photos: ResourceUrl = "memory://photos".parse()?;
//! memory.create(&photos, &ResourceKind::Bucket).await?;
//! let bucket = memory.bucket(&photos)?;
//! bucket.put("cat.jpg", "meow".into(), PutOptions::default()).await?;
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! `memory://name`, with no parameters. A name may be any text.
//!
//! # Time
//! [`Memory::new`] follows tokio's clock: where a test pauses it, leases, delays, expiry and signatures pass with
//! `tokio::time::advance`. Leases and delays always follow tokio's clock; [`MemoryBuilder::clock`] chooses what wall
//! time is stamped and compared.
//!
//! # Semantics
//! - Resources exist once [`Provider::create`](skyport_core::provider::Provider::create) made them; before, and after
//!   `remove`, every method answers `NotFound`. Handles of one name share what is in it.
//! - Every limit and capability of the contract's floor, and reverse queries, ordered queues, delays and deduplication.
//! - An etag and an item's version are numbers of one counter a store: they are never given twice.
//! - Expired items are hidden at once and removed by `sweep`.
//! - Signed URLs are made with a key that comes from the seed, and served by the provider's endpoint.
//! - A message whose last attempt ends unsettled moves to the dead letters at that moment, with the reason `attempts`.
//!
//! # Faults
//! [`Memory::faults`] makes calls fail, lose their answer, or take time, messages come twice or late, bodies break off, clocks jump, and
//! invocations crash: see [`Fault`] for each, and [`Chaos`] for all of them by a seed. None breaks the contract. On a thread that is
//! [`Determined`] the same seed is the same run.

mod blob;
mod config;
mod error;
mod faults;
mod kv;
mod provision;
mod queue;
mod support;
mod sync;

pub use config::{Memory, MemoryBuilder};
pub use skyport_core::Determined;

pub use faults::{Called, Chaos, Crashed, Fault, Faults, Held, Injected, Operation, Port};
