//! Skyport's memory provider, through the handle that users hold.

use bytes::Bytes;
use skyport_core::codec::Raw;
use skyport_core::kv::{Table, Version};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_measure::Outcome;
use skyport_memory::Memory;

use super::Tables;

/// A table of bytes: keys are checked, versions bound to their keys, operations named and traced.
#[derive(Clone, Debug)]
pub struct Handle(pub Table<Bytes, Raw>);

impl Handle {
    /// A new table.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        let (memory, url) = (Memory::new(), ResourceUrl::new("memory", "items"));
        let settings = TableSettings::default();
        memory.create(&url, &ResourceKind::Table(settings.clone())).await?;
        Ok(Self(Table::new(memory.table(&url, &settings)?)))
    }
}

impl Tables for Handle {
    type Version = Version;

    async fn get(&self, partition: &str, sort: &str) -> Outcome<(Bytes, Version)> {
        let entry = self.0.get((partition, sort)).await?.ok_or("no such item")?;
        let version = entry.version().clone();
        Ok((entry.into_value(), version))
    }

    async fn put(&self, partition: &str, sort: &str, value: Bytes) -> Outcome<Version> {
        Ok(self.0.put((partition, sort), &value).await?)
    }

    async fn swap(&self, partition: &str, sort: &str, value: Bytes, version: &Version) -> Outcome<Version> {
        Ok(self.0.put((partition, sort), &value).if_version(version).await?)
    }

    async fn query(&self, partition: &str, items: usize) -> Outcome<(usize, usize)> {
        let page = self.0.query(partition).page_size(items).page().await?;
        Ok((page.entries.len(), page.entries.iter().map(|entry| entry.len()).sum()))
    }

    async fn transact(
        &self,
        partition: &str,
        items: &[(String, Version)],
        value: Bytes,
    ) -> Outcome<Vec<Version>> {
        let mut transaction = self.0.transact();
        for (sort, version) in items {
            transaction = transaction.put((partition, sort), &value).if_version(version);
        }
        Ok(transaction.await?.into_iter().flatten().collect())
    }
}
