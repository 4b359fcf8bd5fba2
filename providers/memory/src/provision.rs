//! Opening, creating and removing resources by URL.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::blob::SignedEndpoint;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use crate::blob::{BucketCell, MemoryBucket};
use crate::config::Memory;
use crate::kv::{MemoryTable, TableCell};
use crate::queue::{MemoryQueue, QueueCell};

/// The provider's name, and its URLs' scheme.
pub(crate) const NAME: &str = "memory";

impl Memory {
    pub(crate) fn bucket_cell(&self, name: &str) -> Arc<BucketCell> {
        let make = || Arc::new(BucketCell::new(name, self.shared.clock, Arc::clone(&self.shared.numbers)));
        self.shared.buckets.cell(name, make)
    }

    fn queue_cell(&self, name: &str) -> Arc<QueueCell> {
        let make = || QueueCell::new(name, self.shared.clock, Arc::clone(&self.shared.numbers));
        self.shared.queues.cell(name, make)
    }

    fn table_cell(&self, name: &str) -> Arc<TableCell> {
        let make = || Arc::new(TableCell::new(name, self.shared.clock));
        self.shared.tables.cell(name, make)
    }
}

#[async_trait]
impl Provider for Memory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        let cell = self.bucket_cell(resource_name(url)?);
        Ok(Arc::new(MemoryBucket::new(cell, self.clone())))
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let cell = self.queue_cell(resource_name(url)?);
        Ok(Arc::new(MemoryQueue::new(cell, settings, self.shared.faults.clone())))
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        let cell = self.table_cell(resource_name(url)?);
        Ok(Arc::new(MemoryTable::new(cell, self.shared.faults.clone())))
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let name = resource_name(url)?;
        match kind {
            ResourceKind::Bucket => self.bucket_cell(name).create(),
            ResourceKind::Queue(settings) => self.queue_cell(name).create(settings)?,
            ResourceKind::Table(_) => self.table_cell(name).create(),
            other => return Err(other.unknown_to(NAME)),
        }
        Ok(())
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let name = resource_name(url)?;
        match kind {
            ResourceKind::Bucket => self.bucket_cell(name).remove(),
            ResourceKind::Queue(_) => self.queue_cell(name).remove(),
            ResourceKind::Table(_) => self.table_cell(name).remove(),
            other => return Err(other.unknown_to(NAME)),
        }
        Ok(())
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        let (signer, memory) = (self.shared.signer.clone(), self.clone());
        let lookup = move |name: &str| memory.bucket(&ResourceUrl::new(NAME, name));
        Some(Arc::new(SignedEndpoint::new(signer, lookup)))
    }
}

fn resource_name(url: &ResourceUrl) -> Result<&str> {
    if url.scheme() != NAME {
        return Err(Error::invalid("the provider `memory` opens URLs of the form `memory://name`"));
    }
    url.expect_only(&[])?;
    Ok(url.name())
}
