//! Key-value tables: [`Table`], its entries, versions, queries and transactions.

mod batch;
mod entry;
mod key;
pub mod port;
mod query;
pub mod slots;
mod store;
mod table;
mod transact;
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
