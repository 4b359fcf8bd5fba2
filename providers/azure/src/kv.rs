//! Key-value tables: entities of Table Storage behind the port [`KeyValueStore`].
//!
//! A small `get` or `write` is one request, an `increment` two. How items are laid out stands in [`entity`] and [`key`]. Writes that have
//! conditions are in [`transact`]: a single one is a transaction of one write.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};
use skyport_core::kv::turns::Turns;
use skyport_core::provider::TableSettings;

use crate::config::Connection;
use crate::provision::NAME;

use client::Client;
use entity::Stored;
use operation::Partition;
use pages::Fitting;
use waiting::Room;

mod batch;
pub(crate) mod client;
mod entity;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod increment;
mod key;
mod mirrors;
pub(crate) mod name;
mod notes;
mod operation;
mod pages;
mod plan;
mod query;
mod read;
mod row;
mod stamp;
mod sweep;
mod transact;
mod waiting;
mod write;
mod write_many;

/// How many requests of one call are under way at once.
const AT_ONCE: usize = 16;

/// A handle to a table.
pub(crate) struct AzureTable {
    client: Client,
    /// As Azure takes it.
    table: String,
    /// Each item has a mirror.
    mirrored: bool,
    info: TableInfo,
    /// It has been seen.
    is_there: AtomicBool,
    turns: Turns<Stored<'static>>,
    waiting: Room,
    /// How many whole rows fit into an answer.
    fitting: Fitting,
    /// How far the sweep of this handle has come.
    sweep: tokio::sync::Mutex<sweep::Progress>,
}

impl AzureTable {
    pub(crate) fn new(
        connection: Arc<Connection>,
        name: &str,
        table: String,
        settings: &TableSettings,
    ) -> Self {
        let mut info = TableInfo::new(NAME, name);
        info.limits.value_bytes = entity::VALUE_BYTES;
        info.capabilities = crate::support::kv(settings.reverse_index);
        let client = Client::new(connection);
        Self {
            client,
            table,
            mirrored: settings.reverse_index,
            info,
            is_there: AtomicBool::new(false),
            turns: Turns::default(),
            waiting: Room::default(),
            fitting: Fitting::default(),
            sweep: tokio::sync::Mutex::default(),
        }
    }

    /// A partition, as it is stored.
    fn partition<'t>(&'t self, key: &'t str) -> Partition<'t> {
        Partition { client: &self.client, table: &self.table, key }
    }

    /// Now, in milliseconds, as expiries are kept.
    fn now(&self) -> u64 {
        self.info.clock.now_millis()
    }
}

impl fmt::Debug for AzureTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AzureTable").field(&self.info.resource).finish()
    }
}

#[async_trait]
impl KeyValueStore for AzureTable {
    fn info(&self) -> &TableInfo {
        &self.info
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        self.read(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        self.read_many(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        self.write_one(write).await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        self.write_batches(writes).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        self.write_together(writes).await
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        self.add(&increment).await
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        self.read_page(&options).await
    }

    async fn sweep(&self) -> Result<u64> {
        self.sweep_up().await
    }
}
