//! Key-value tables: documents of Firestore behind the port [`KeyValueStore`].
//!
//! A small `get` or `write` is one request, an `increment` two. How items are laid out stands in [`item`] and [`place`]. Writes
//! that have conditions are in [`transact`]: a single one is a transaction of one write.
//!
//! Firestore has no tables: a document, the marker, stands for one, and is looked for at the first use.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};
use skyport_core::kv::turns::Turns;
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};
use tokio::sync::OnceCell;

use crate::config::Connection;
use crate::provision::NAME;

use database::{Database, Found, Within};
use place::Place;

pub(crate) mod database;
pub(crate) mod fields;
mod increment;
pub(crate) mod item;
pub(crate) mod place;
mod query;
mod read;
mod sweep;
mod transact;
mod write;
mod write_many;

/// The largest value: Firestore's document of 1 MiB, less the room for names, keys and what a counter remembers.
pub(crate) const VALUE_BYTES: usize = 1_000 << 10;

/// A handle to a table.
pub(crate) struct FirestoreTable {
    connection: Arc<Connection>,
    place: Place,
    info: TableInfo,
    database: OnceCell<Database>,
    /// The marker has been seen.
    is_there: AtomicBool,
    turns: Turns,
}

impl FirestoreTable {
    pub(crate) fn new(connection: Arc<Connection>, place: Place, name: &str) -> Self {
        let mut info = TableInfo::new(NAME, name);
        info.limits.value_bytes = VALUE_BYTES;
        (info.limits.get_many, info.limits.write_many) = (read::PIECES, write_many::PIECES);
        info.capabilities = crate::support::kv();
        Self {
            connection,
            place,
            info,
            database: OnceCell::new(),
            is_there: AtomicBool::new(false),
            turns: Turns::default(),
        }
    }

    async fn database(&self) -> Result<&Database> {
        self.database.get_or_try_init(|| Database::open(&self.connection, &self.place)).await
    }

    /// The database, once it is known that the table is there.
    async fn there(&self) -> Result<&Database> {
        let database = self.database().await?;
        if !self.is_there.load(Ordering::Relaxed) {
            self.look(Vec::new(), item::STATE).await?;
        }
        Ok(database)
    }

    /// Looks at documents, and at the marker with them as long as nobody has seen it.
    async fn look(&self, mut names: Vec<String>, fields: &[&'static str]) -> Result<Found> {
        let database = self.database().await?;
        let marker = (!self.is_there.load(Ordering::Relaxed)).then(|| database.names().marker());
        names.extend(marker.clone());
        let mut found = database.look(names, fields, Within::None).await;
        if let Some(marker) = marker {
            if found.take(&marker)?.is_none() {
                return Err(Error::from(Refusal::NoTable).with_provider(NAME));
            }
            self.is_there.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// Now, in milliseconds, as expiries are kept.
    fn now(&self) -> u64 {
        self.info.clock.now_millis()
    }
}

impl fmt::Debug for FirestoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FirestoreTable").field(&self.place).finish()
    }
}

#[async_trait]
impl KeyValueStore for FirestoreTable {
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
