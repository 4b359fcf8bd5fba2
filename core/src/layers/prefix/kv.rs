//! A part of a table.

use std::sync::Arc;

use async_trait::async_trait;

use super::Prefix;
use crate::Result;
use crate::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};

#[derive(Debug)]
pub(super) struct PrefixTable {
    inner: Arc<dyn KeyValueStore>,
    prefix: Prefix,
    info: TableInfo,
}

impl PrefixTable {
    pub(super) fn new(inner: Arc<dyn KeyValueStore>, prefix: Prefix) -> Self {
        let mut info = inner.info().clone();
        let limits = &mut info.limits;
        limits.partition_bytes = limits.partition_bytes.saturating_sub(prefix.prefix.len());
        Self { inner, prefix, info }
    }

    fn add(&self, key: &Key) -> Key {
        Key::new(self.prefix.add(&key.partition), key.sort.clone())
    }

    fn strip(&self, mut item: RawItem) -> Result<RawItem> {
        item.key.partition = self.prefix.strip(&item.key.partition)?.into();
        Ok(item)
    }

    fn added(&self, mut write: Write) -> Write {
        write.key = self.add(&write.key);
        write
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for PrefixTable {
    fn info(&self) -> &TableInfo {
        &self.info
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        let item = self.inner.get(&self.add(key)).await?;
        item.map(|item| self.strip(item)).transpose()
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let items = self.inner.get_many(keys.iter().map(|key| self.add(key)).collect()).await;
        items.into_iter().map(|item| item?.map(|item| self.strip(item)).transpose()).collect()
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        self.inner.write(self.added(write)).await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let writes = writes.into_iter().map(|write| self.added(write)).collect();
        self.inner.write_many(writes).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let writes = writes.into_iter().map(|write| self.added(write)).collect();
        self.inner.transact(writes).await
    }

    async fn increment(&self, mut increment: Increment) -> Result<Incremented> {
        increment.key = self.add(&increment.key);
        self.inner.increment(increment).await
    }

    async fn query(&self, mut options: QueryOptions) -> Result<QueryPage> {
        options.partition = self.prefix.add(&options.partition).into();
        let mut page = self.inner.query(options).await?;
        page.items = page.items.into_iter().map(|item| self.strip(item)).collect::<Result<_>>()?;
        Ok(page)
    }

    async fn sweep(&self) -> Result<u64> {
        self.inner.sweep().await
    }
}
