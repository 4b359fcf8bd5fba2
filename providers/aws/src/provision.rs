//! Opening, creating and removing resources by URL.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use crate::config::Aws;

#[cfg(not(feature = "blob"))]
use absent::bucket;
#[cfg(not(feature = "queue"))]
use absent::queue;
#[cfg(not(feature = "kv"))]
use absent::table;

#[cfg(not(all(feature = "blob", feature = "queue", feature = "kv")))]
mod absent;
#[cfg(feature = "blob")]
mod bucket;
#[cfg(any(feature = "blob", feature = "queue"))]
mod patience;
#[cfg(feature = "queue")]
pub(crate) mod queue;
#[cfg(feature = "kv")]
mod table;

/// The provider's name.
pub(crate) const NAME: &str = "aws";

#[async_trait]
impl Provider for Aws {
    fn name(&self) -> &'static str {
        NAME
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        expect(url, "s3")?;
        bucket::open(self.connection(url)?, url.name())
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        expect(url, "sqs")?;
        queue::open(self.connection(url)?, url.name(), settings)
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        expect(url, "dynamodb")?;
        table::open(self.connection(url)?, url.name())
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let connection = self.connection(url)?;
        match kind {
            ResourceKind::Bucket => bucket::create(&connection, url.name()).await,
            ResourceKind::Queue(settings) => queue::create(&connection, url.name(), settings).await,
            ResourceKind::Table(_) => table::create(&connection, url.name()).await,
            other => Err(unknown_kind(other)),
        }
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let connection = self.connection(url)?;
        match kind {
            ResourceKind::Bucket => bucket::remove(&connection, url.name()).await,
            ResourceKind::Queue(settings) => queue::remove(&connection, url.name(), settings).await,
            ResourceKind::Table(_) => table::remove(&connection, url.name()).await,
            other => Err(unknown_kind(other)),
        }
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        None
    }
}

fn expect(url: &ResourceUrl, scheme: &str) -> Result<()> {
    if url.scheme() == scheme {
        return Ok(());
    }
    Err(Error::invalid(format!("`{}://` is not for this: use `{scheme}://{}`", url.scheme(), url.name())))
}

fn unknown_kind(kind: &ResourceKind) -> Error {
    Error::unsupported(format!("the provider `{NAME}` has no resources of kind `{}`", kind.as_str()))
}
