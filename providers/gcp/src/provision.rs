//! Opening, creating and removing resources by URL.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

use crate::config::endpoint::Service;
use crate::config::{Connection, Gcp};

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
pub(crate) const NAME: &str = "gcp";

/// The schemes of buckets, queues and tables.
const BUCKET: &str = "gs";
const QUEUE: &str = "pubsub";
const TABLE: &str = "firestore";

#[async_trait]
impl Provider for Gcp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        bucket::open(self.place(url, BUCKET)?, url)
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        queue::open(self.place(url, QUEUE)?, url, settings)
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        table::open(self.place(url, TABLE)?, url)
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        match kind {
            ResourceKind::Bucket => bucket::create(&self.place(url, BUCKET)?, url).await,
            ResourceKind::Queue(settings) => queue::create(&self.place(url, QUEUE)?, url, settings).await,
            ResourceKind::Table(_) => table::create(&self.place(url, TABLE)?, url).await,
            other => Err(other.unknown_to(NAME)),
        }
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        match kind {
            ResourceKind::Bucket => bucket::remove(&self.place(url, BUCKET)?, url).await,
            ResourceKind::Queue(settings) => queue::remove(&self.place(url, QUEUE)?, url, settings).await,
            ResourceKind::Table(_) => table::remove(&self.place(url, TABLE)?, url).await,
            other => Err(other.unknown_to(NAME)),
        }
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        None
    }
}

impl Gcp {
    /// The connection for a resource: where its URL is of the service that keeps such resources.
    fn place(&self, url: &ResourceUrl, scheme: &str) -> Result<Arc<Connection>> {
        url.expect_scheme(scheme)?;
        let (service, own): (Service, &[&str]) = match scheme {
            BUCKET => (Service::Storage, &["location"]),
            QUEUE => (Service::PubSub, &["subscription"]),
            _ => (Service::Firestore, &["database"]),
        };
        self.connection(service, url, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_of_another_service_is_refused_before_anything_is_made_or_removed() {
        let gcp = Gcp::new();
        let queue = ResourceKind::Queue(QueueSettings::default());
        let table = ResourceKind::Table(TableSettings::default());
        for (url, kind, right) in [
            ("gs://x", &queue, "pubsub://x"),
            ("pubsub://x", &table, "firestore://x"),
            ("firestore://x", &ResourceKind::Bucket, "gs://x"),
        ] {
            let url: ResourceUrl = url.parse().expect("a URL");
            for refused in [gcp.create(&url, kind).await, gcp.remove(&url, kind).await] {
                let error = refused.expect_err("another service's");
                assert_eq!(error.kind(), skyport_core::ErrorKind::InvalidArgument);
                assert!(error.message().contains(right), "{error}");
            }
        }
    }
}
