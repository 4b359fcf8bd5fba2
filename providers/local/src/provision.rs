//! Opening, creating and removing resources by URL.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

use crate::blob::{LocalBucket, objects};
use crate::collect::{self, Garbage};
use crate::config::LocalConfig;
use crate::endpoint::LocalEndpoint;
use crate::error::NAME;
use crate::folders::Folders;
use crate::kv::{LocalTable, items};
use crate::queue::{LocalQueue, rows};

/// The embedded provider. Resources of one data folder share its database connections; what is open closes with the last
/// handle. Cloned cheaply.
#[derive(Clone, Debug)]
pub struct Local(Arc<Folders>);

impl Local {
    /// A provider set up so; opens nothing.
    #[must_use]
    pub fn new(config: LocalConfig) -> Self {
        Self(Arc::new(Folders::new(config)))
    }

    /// Collects garbage now, in every data folder that was named so far: content files that no object refers to and that
    /// were not touched for `grace`, expired items, messages that nobody took for 14 days. It happens by itself at the
    /// start and every hour, with a grace time of an hour. Uploads of processes that live are never collected.
    ///
    /// # Errors
    /// As any operation on the folder.
    pub async fn collect_garbage(&self, grace: Duration) -> Result<Garbage> {
        let mut garbage = Garbage::default();
        for engine in self.0.all() {
            let contents = engine.contents().clone();
            garbage.files +=
                engine.read(move |connection| collect::files(&contents, connection, grace)).await?;
            loop {
                let (some, none_left) = engine.write(collect::rows).await?;
                garbage.items += some.items;
                garbage.messages += some.messages;
                if none_left {
                    break;
                }
            }
        }
        Ok(garbage)
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new(LocalConfig::default())
    }
}

#[async_trait]
impl Provider for Local {
    fn name(&self) -> &'static str {
        NAME
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        let (engine, name) = self.0.locate(url)?;
        Ok(Arc::new(LocalBucket::new(engine, name)))
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let (engine, name) = self.0.locate(url)?;
        let row = rows::declared(name);
        Ok(Arc::new(LocalQueue::new(engine, row, name, settings.clone())))
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        let (engine, name) = self.0.locate(url)?;
        Ok(Arc::new(LocalTable::new(engine, name)))
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let (engine, name) = self.0.locate(url)?;
        let (name, kind) = (name.to_owned(), kind.clone());
        engine
            .write(move |job| match &kind {
                ResourceKind::Bucket => objects::create(job, &name),
                ResourceKind::Queue(settings) => {
                    rows::create(job, &rows::declared(&name), settings).map(drop)
                }
                ResourceKind::Table(_) => items::create(job, &name),
                other => Err(other.unknown_to(NAME).into()),
            })
            .await
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let (engine, name) = self.0.locate(url)?;
        let (name, kind) = (name.to_owned(), kind.clone());
        engine
            .write(move |job| match &kind {
                ResourceKind::Bucket => objects::remove(job, &name),
                ResourceKind::Queue(_) => rows::remove(job, &rows::declared(&name)),
                ResourceKind::Table(_) => items::remove(job, &name),
                other => Err(other.unknown_to(NAME).into()),
            })
            .await
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        Some(Arc::new(LocalEndpoint::new(Arc::clone(&self.0))))
    }
}
