//! Key-value tables: rows behind the port [`KeyValueStore`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};

use crate::engine::{Engine, millis};
use crate::error::NAME;

pub(crate) mod items;
mod query;

/// A handle to a table.
pub(crate) struct LocalTable {
    engine: Arc<Engine>,
    name: Arc<str>,
    info: TableInfo,
}

impl LocalTable {
    pub(crate) fn new(engine: Arc<Engine>, name: &str) -> Self {
        let mut info = TableInfo::new(NAME, name);
        info.clock = engine.clock();
        info.capabilities = crate::support::kv();
        Self { engine, name: name.into(), info }
    }

    async fn read_all(&self, keys: Vec<Key>) -> Result<Vec<Option<RawItem>>> {
        let (name, now) = (Arc::clone(&self.name), self.engine.now());
        let read = self.engine.read(move |connection| {
            let table = items::find(connection, &name)?;
            keys.iter().map(|key| items::get(connection, table, key, now)).collect()
        });
        read.await
    }
}

impl fmt::Debug for LocalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalTable").field(&self.name).finish()
    }
}

#[async_trait]
impl KeyValueStore for LocalTable {
    fn info(&self) -> &TableInfo {
        &self.info
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        Ok(self.read_all(vec![key.clone()]).await?.pop().flatten())
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let count = keys.len();
        match self.read_all(keys).await {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(error) => error.of_each(count),
        }
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        let (name, clock) = (Arc::clone(&self.name), self.engine.clock());
        self.engine
            .write(move |job| {
                let table = items::find(job.connection, &name)?;
                items::apply(job.connection, table, &write, millis(clock.now_millis()))
            })
            .await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        // Each is a job of its own: one that is refused leaves the others, and they are committed together.
        futures_util::future::join_all(writes.into_iter().map(|write| self.write(write))).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let (name, clock) = (Arc::clone(&self.name), self.engine.clock());
        self.engine
            .write(move |job| {
                let table = items::find(job.connection, &name)?;
                items::transact(job.connection, table, &writes, millis(clock.now_millis()))
            })
            .await
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let (name, clock) = (Arc::clone(&self.name), self.engine.clock());
        self.engine
            .write(move |job| {
                let table = items::find(job.connection, &name)?;
                items::increment(job.connection, table, &increment, clock.now())
            })
            .await
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        let (name, now) = (Arc::clone(&self.name), self.engine.now());
        self.engine
            .read(move |connection| {
                let table = items::find(connection, &name)?;
                query::page(connection, table, &name, &options, now)
            })
            .await
    }

    async fn sweep(&self) -> Result<u64> {
        let mut swept = 0;
        loop {
            let (name, now) = (Arc::clone(&self.name), self.engine.now());
            let some = self
                .engine
                .write(move |job| items::sweep(job.connection, items::find(job.connection, &name)?, now))
                .await?;
            swept += some;
            if some < items::SWEPT {
                return Ok(swept);
            }
        }
    }
}
