//! Key-value tables: items of DynamoDB behind the port [`KeyValueStore`].
//!
//! One small `get`, `write` or `increment` is one request. How items are laid out stands in [`item`]; what a repeated
//! increment finds in [`increment`]. A put is DynamoDB's UpdateItem, so that it keeps what a counter remembers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::TimeToLiveStatus;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error;
use crate::provision::NAME;

mod expression;
mod increment;
pub(crate) mod item;
mod pace;
mod query;
mod read;
mod transact;
mod write;
mod write_many;

/// A handle to a table.
pub(crate) struct DynamoTable {
    connection: Arc<Connection>,
    info: TableInfo,
}

impl DynamoTable {
    pub(crate) fn new(connection: Arc<Connection>, name: &str) -> Self {
        let mut info = TableInfo::new(NAME, name);
        (info.limits.get_many, info.limits.write_many) = (read::PIECES, write_many::PIECES);
        info.capabilities = crate::support::kv();
        Self { connection, info }
    }

    async fn client(&self) -> &aws_sdk_dynamodb::Client {
        self.connection.dynamodb().await
    }

    fn name(&self) -> &str {
        &self.info.resource
    }

    /// Now, in milliseconds, as expiries are kept.
    fn now(&self) -> u64 {
        self.info.clock.now_millis()
    }
}

impl fmt::Debug for DynamoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamoTable").field(&self.info.resource).finish()
    }
}

#[async_trait]
impl KeyValueStore for DynamoTable {
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

    /// DynamoDB deletes what has expired, and charges nothing for it; a scan would be paid by all that is stored. So
    /// this only makes sure that it does.
    async fn sweep(&self) -> Result<u64> {
        let request = self.client().await.describe_time_to_live().table_name(self.name());
        let answer = Box::pin(request.send()).await.map_err(error::of)?;
        let told = answer.time_to_live_description();
        let of_ours = told.and_then(|told| told.attribute_name()) == Some(item::EXPIRES_SECONDS);
        match told.and_then(|told| told.time_to_live_status()) {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) if of_ours => Ok(0),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "nothing deletes what expires in this table: turn DynamoDB's time to live on for the attribute \
                     `{}`, or create the table with Skyport, which does so",
                    item::EXPIRES_SECONDS
                ),
            )
            .with_provider(NAME)),
        }
    }
}
