//! Opening, creating and removing resources by URL.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

use crate::config::{Aws, Connection};

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
#[cfg(feature = "queue")]
pub(crate) mod queue;
#[cfg(feature = "kv")]
mod table;

/// The provider's name.
pub(crate) const NAME: &str = "aws";

/// The schemes of buckets, queues and tables.
const BUCKET: &str = "s3";
const QUEUE: &str = "sqs";
const TABLE: &str = "dynamodb";

#[async_trait]
impl Provider for Aws {
    fn name(&self) -> &'static str {
        NAME
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        bucket::open(self.place(url, BUCKET)?, url.name())
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        queue::open(self.place(url, QUEUE)?, url.name(), settings)
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        table::open(self.place(url, TABLE)?, url.name())
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let name = url.name();
        match kind {
            ResourceKind::Bucket => bucket::create(&self.place(url, BUCKET)?, name).await,
            ResourceKind::Queue(settings) => queue::create(&self.place(url, QUEUE)?, name, settings).await,
            ResourceKind::Table(_) => table::create(&self.place(url, TABLE)?, name).await,
            other => Err(other.unknown_to(NAME)),
        }
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let name = url.name();
        match kind {
            ResourceKind::Bucket => bucket::remove(&self.place(url, BUCKET)?, name).await,
            ResourceKind::Queue(settings) => queue::remove(&self.place(url, QUEUE)?, name, settings).await,
            ResourceKind::Table(_) => table::remove(&self.place(url, TABLE)?, name).await,
            other => Err(other.unknown_to(NAME)),
        }
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        None
    }
}

impl Aws {
    /// The clients for a resource: where its URL is of the service that keeps such resources.
    fn place(&self, url: &ResourceUrl, scheme: &str) -> Result<Arc<Connection>> {
        url.expect_scheme(scheme)?;
        self.connection(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_of_another_service_is_refused_before_anything_is_made_or_removed() {
        let aws = Aws::new();
        let queue = ResourceKind::Queue(QueueSettings::default());
        let table = ResourceKind::Table(TableSettings::default());
        for (url, kind, right) in [
            ("s3://x?region=eu-west-1", &queue, "sqs://x"),
            ("sqs://x?region=eu-west-1", &table, "dynamodb://x"),
            ("dynamodb://x?region=eu-west-1", &ResourceKind::Bucket, "s3://x"),
        ] {
            let url: ResourceUrl = url.parse().expect("a URL");
            for refused in [aws.create(&url, kind).await, aws.remove(&url, kind).await] {
                let error = refused.expect_err("another service's");
                assert_eq!(error.kind(), skyport_core::ErrorKind::InvalidArgument);
                assert!(error.message().contains(right), "{error}");
            }
        }
    }
}
