//! The implementors' face of key-value tables: [`KeyValueStore`], one options struct a method.
//!
//! Users never see this: they hold a [`Table`](super::Table), which validates, encodes and decodes, checks that versions
//! belong to their key, and names the operation in errors. A provider may therefore rely on valid input.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use super::raw_version::RawVersion;
use crate::pieces::Pieces;
use crate::support::capabilities;
use crate::{Clock, Result, Token};

/// What a table is and what it can do; made once, when it is opened.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct TableInfo {
    /// The provider's name in errors and spans.
    pub provider: &'static str,
    /// The table's name as the provider knows it.
    pub resource: String,
    /// The clock by which items expire.
    pub clock: Clock,
    /// Sizes.
    pub limits: TableLimits,
    /// What it can do, and how it comes by it.
    pub capabilities: TableCapabilities,
}

impl TableInfo {
    /// A table with the limits that the contract promises everywhere, and every capability, built.
    #[must_use]
    pub fn new(provider: &'static str, resource: impl Into<String>) -> Self {
        Self {
            provider,
            resource: resource.into(),
            clock: Clock::system(),
            limits: TableLimits::default(),
            capabilities: TableCapabilities::default(),
        }
    }
}

/// Sizes of a table, in bytes unless said otherwise.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableLimits {
    /// The longest partition key; the shortest is 1.
    pub partition_bytes: usize,
    /// The longest sort key; the shortest is 0.
    pub sort_bytes: usize,
    /// The largest value.
    pub value_bytes: usize,
    /// The most writes of one transaction.
    pub transact_items: usize,
    /// All values of one transaction.
    pub transact_bytes: usize,
    /// The most items of one page of a query.
    pub page_items: usize,
    /// How a layer that has limits of time hands over a large `get_many`.
    pub get_many: Pieces,
    /// How it hands over a large `write_many`.
    pub write_many: Pieces,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self {
            partition_bytes: 255,
            sort_bytes: 255,
            value_bytes: 384 << 10,
            transact_items: 100,
            transact_bytes: 2 << 20,
            page_items: 1_000,
            get_many: Pieces::new(800),
            write_many: Pieces::new(1_600),
        }
    }
}

capabilities! {
    /// How a table comes by what it offers; what the contract promises everywhere stands first.
    pub struct TableCapabilities;
    everywhere {
        /// `if_absent` and `if_version` on put, delete and in transactions.
        conditions,
        /// A new version with every write, never used twice for its key.
        versions,
        /// What became of a write whose answer was lost.
        lost_answers,
        /// Reads see the last write.
        consistent_reads,
        /// Items of a partition in the UTF-8 order of their sort keys.
        key_order,
        /// All or nothing, within a partition.
        transactions,
        /// Counters that no lost answer increments twice.
        increment,
        /// Reading many items.
        get_many,
        /// Writing or deleting many items, each on its own.
        write_many,
        /// What has expired is absent at once.
        expiry,
    }
    where_told {
        /// Queries backwards.
        reverse,
        /// What has expired is deleted without being asked; else by `sweep`.
        deletes_expired,
    }
}

/// Names an item: a partition, and a sort key within it (possibly empty).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// 1 to 255 bytes of any UTF-8.
    pub partition: Arc<str>,
    /// 0 to 255 bytes of any UTF-8; items of a partition are ordered by these bytes.
    pub sort: Arc<str>,
}

impl Key {
    /// The item `sort` of `partition`.
    #[must_use]
    pub fn new(partition: impl Into<Arc<str>>, sort: impl Into<Arc<str>>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.sort.is_empty() {
            write!(f, "{}", self.partition)
        } else {
            write!(f, "{} {}", self.partition, self.sort)
        }
    }
}

/// A stored item that has not expired.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawItem {
    /// Its key.
    pub key: Key,
    /// Its value; a counter reads as its decimal digits, which is JSON.
    pub value: Bytes,
    /// Its version.
    pub version: RawVersion,
    /// When it expires, in whole seconds where the cloud knows no finer.
    pub expires: Option<SystemTime>,
    /// The write that made it, where the provider keeps one apart from the version.
    pub token: Option<Token>,
}

impl RawItem {
    /// An item that does not expire.
    #[must_use]
    pub fn new(key: Key, value: Bytes, version: RawVersion) -> Self {
        Self { key, value, version, expires: None, token: None }
    }
}

/// What must hold for a write to be applied. An expired item is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ItemCondition {
    /// Nothing.
    #[default]
    None,
    /// There is no such item. Else `AlreadyExists`.
    IfAbsent,
    /// The item has this version. Else `PreconditionFailed`, also where there is no item.
    IfVersion(RawVersion),
}

/// One write.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Write {
    /// The item.
    pub key: Key,
    /// What to do with it.
    pub change: Change,
    /// What must hold.
    pub condition: ItemCondition,
    /// Names this call, for ever: kept with the item, or as its version.
    pub token: Token,
}

/// What a write does to its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Creates or replaces it.
    Put {
        /// The value.
        value: Bytes,
        /// When it is to expire; `None` never.
        expires: Option<SystemTime>,
    },
    /// Deletes it; a missing one is Ok, unless a condition names a version.
    Delete,
    /// Changes nothing: in a transaction, only the condition counts.
    Check,
}

impl Write {
    /// Creates or replaces an item.
    #[must_use]
    pub fn put(key: Key, value: Bytes) -> Self {
        Self::new(key, Change::Put { value, expires: None })
    }

    /// Deletes an item.
    #[must_use]
    pub fn delete(key: Key) -> Self {
        Self::new(key, Change::Delete)
    }

    /// Changes an item so, without a condition.
    #[must_use]
    pub fn new(key: Key, change: Change) -> Self {
        Self { key, change, condition: ItemCondition::None, token: Token::new() }
    }
}

/// Options of [`KeyValueStore::increment`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Increment {
    /// The counter.
    pub key: Key,
    /// By how much; may be negative.
    pub by: i64,
    /// When a counter that this call creates is to expire; that of an existing one stays.
    pub expires: Option<SystemTime>,
    /// Names this call: a repetition with the same token is not applied twice.
    pub token: Token,
    /// This repeats a call whose answer was lost: where the token's trace may be gone, the error is `Indeterminate`.
    pub repeated: bool,
    /// When the call began, by the table's clock.
    pub started: SystemTime,
}

impl Increment {
    /// Adds `by` to the counter.
    #[must_use]
    pub fn new(key: Key, by: i64, started: SystemTime) -> Self {
        Self { key, by, expires: None, token: Token::new(), repeated: false, started }
    }
}

/// What an increment made of its counter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incremented {
    /// The value after it.
    pub value: i64,
    /// The version after it.
    pub version: RawVersion,
}

impl Incremented {
    /// The counter stands at `value`.
    #[must_use]
    pub fn new(value: i64, version: RawVersion) -> Self {
        Self { value, version }
    }
}

/// An end of a range of sort keys.
pub use std::ops::Bound;

/// Options of [`KeyValueStore::query`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// The partition.
    pub partition: Arc<str>,
    /// From here. A prefix arrives here as a range.
    pub start: Bound<Arc<str>>,
    /// To here.
    pub end: Bound<Arc<str>>,
    /// At most so many items a page; between 1 and [`TableLimits::page_items`].
    pub page_size: usize,
    /// From the end backwards.
    pub reverse: bool,
    /// Where the last page ended: [`QueryPage::next`] of the same query.
    pub token: Option<String>,
}

impl QueryOptions {
    /// All of a partition, `page_size` items a page.
    #[must_use]
    pub fn new(partition: impl Into<Arc<str>>, page_size: usize) -> Self {
        Self {
            partition: partition.into(),
            start: Bound::Unbounded,
            end: Bound::Unbounded,
            page_size,
            reverse: false,
            token: None,
        }
    }
}

/// One page of a query, in UTF-8 byte order of the sort keys.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryPage {
    /// The items; may be fewer than asked, or none, and yet have a next page.
    pub items: Vec<RawItem>,
    /// Where the next page begins; `None` where there is no more.
    pub next: Option<String>,
}

/// A table of one provider.
///
/// Keys, values and options are valid when they arrive here. Opening does no I/O: a missing table is `NotFound` at first
/// use. An item past its expiry is absent to every method, by the clock of [`TableInfo`].
#[async_trait]
pub trait KeyValueStore: Debug + Send + Sync + 'static {
    /// What this table is and can do.
    fn info(&self) -> &TableInfo;

    /// Reads an item, seeing the last write.
    ///
    /// # Errors
    /// `NotFound` for a missing table.
    async fn get(&self, key: &Key) -> Result<Option<RawItem>>;

    /// Reads any number of items; one result a key, in order. What the cloud left unprocessed is asked for again.
    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>>;

    /// Applies one write; the new version for a put, `None` for a delete or a check.
    ///
    /// # Errors
    /// `AlreadyExists` and `PreconditionFailed` as [`ItemCondition`] says; `Conflict` where a concurrent transaction was
    /// in the way; `NotFound` for a missing table.
    async fn write(&self, write: Write) -> Result<Option<RawVersion>>;

    /// Applies any number of writes without conditions on distinct keys, each on its own; one result each, in order.
    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>>;

    /// Applies writes on distinct keys of one partition, all or nothing; the new version of each put, in order.
    ///
    /// # Errors
    /// As [`write`](Self::write), with [`Error::item`](crate::Error::item) naming the write whose condition failed.
    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>>;

    /// Adds to a counter: an item whose value is an integer in JSON; an absent one counts as 0.
    ///
    /// # Errors
    /// `InvalidArgument` where the value is something else or would leave an `i64`; `Indeterminate` as
    /// [`Increment::repeated`] says.
    async fn increment(&self, increment: Increment) -> Result<Incremented>;

    /// One page of a partition's items.
    ///
    /// # Errors
    /// `InvalidArgument` for a token that is not of this query; `Unsupported` for `reverse` where capabilities say so.
    async fn query(&self, options: QueryOptions) -> Result<QueryPage>;

    /// Deletes what has expired and says how many items that were.
    ///
    /// # Errors
    /// What the service says.
    async fn sweep(&self) -> Result<u64>;
}
