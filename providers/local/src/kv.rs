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
use crate::error::{Fault, NAME};
use crate::lookups::FEW;
use items::Writes;

pub(crate) mod items;
mod query;

/// How many of many writes are one step: others come between.
const TOGETHER: usize = 256;

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
        self.engine.read(move |connection| items::get(connection, &name, keys, now)).await
    }

    /// Writes in one step, of which each may be refused by itself.
    async fn write_together(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let (name, clock, count) = (Arc::clone(&self.name), self.engine.clock(), writes.len());
        let written = self.engine.write(move |job| {
            let mut all = Writes::new(job.connection, &name, millis(clock.now_millis()))?;
            let apply = |write| match all.apply(write) {
                // A refusal of this write alone; a fault of the database fails them all.
                Err(Fault::Ours(refusal)) => Ok(Err(refusal)),
                other => other.map(Ok),
            };
            writes.iter().map(apply).collect()
        });
        match written.await {
            Ok(results) => results,
            Err(error) => error.of_each(count),
        }
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
        let now = self.engine.now();
        let one = || vec![key.clone()];
        let looked = self.engine.look_up(|connection| items::get(connection, &self.name, one(), now)).await?;
        let mut items = match looked {
            Some(items) => items,
            None => self.read_all(one()).await?,
        };
        Ok(items.pop().flatten())
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
            .write_once(move |job| {
                Writes::new(job.connection, &name, millis(clock.now_millis()))?.apply(&write)
            })
            .await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let mut left = writes.into_iter();
        let chunk = || {
            let chunk: Vec<Write> = left.by_ref().take(TOGETHER).collect();
            (!chunk.is_empty()).then(|| self.write_together(chunk))
        };
        let written = std::iter::from_fn(chunk).collect::<Vec<_>>();
        futures_util::future::join_all(written).await.into_iter().flatten().collect()
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let (name, clock) = (Arc::clone(&self.name), self.engine.clock());
        self.engine
            .write(move |job| {
                Writes::new(job.connection, &name, millis(clock.now_millis()))?.transact(&writes)
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
        let now = self.engine.now();
        if options.page_size <= FEW {
            let few = |connection: &_| query::page(connection, &self.name, &options, now);
            if let Some(page) = self.engine.look_up(few).await? {
                return Ok(page);
            }
        }
        let name = Arc::clone(&self.name);
        self.engine.read(move |connection| query::page(connection, &name, &options, now)).await
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
