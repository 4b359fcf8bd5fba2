//! Key-value tables: [`Table`] for users, [`port::KeyValueStore`] for implementors.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
//! # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
//! # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "motto"));
//! # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
//! # let port = memory.table(&url, &TableSettings::default())?;
//! # let mottos = skyport_core::kv::Table::<String>::new(port);
//! mottos.put(("ada", "2026-11"), &"onwards".to_owned()).await?;
//! mottos.put(("ada", "2026-12"), &"upwards".to_owned()).if_absent().await?;
//! let newest = mottos.query("ada").reverse().limit(1).collect().await?;
//! assert_eq!(newest[0].as_str(), "upwards");
//! # Ok(()) }
//! ```

mod batch;
mod entry;
mod key;
pub mod port;
mod query;
mod raw_version;
pub mod rounds;
pub mod slots;
mod store;
pub mod stored;
mod table;
mod transact;
pub mod turns;
mod update;
mod version;
mod write;

pub use batch::{DeleteMany, PutMany};
pub use entry::Entry;
pub use key::IntoKey;
pub use port::Key;
pub use query::{Page, Query};
pub use table::Table;
pub use transact::Transaction;
pub use update::Update;
pub use version::Version;
pub use write::{Delete, IncrementBy, Put};
