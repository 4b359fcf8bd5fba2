//! Opening, creating and removing resources by URL.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use crate::blob::{LocalBucket, objects};
use crate::collect::{self, Garbage};
use crate::config::LocalConfig;
use crate::engine::Engine;
use crate::error::NAME;
use crate::kv::{LocalTable, items};
use crate::queue::{LocalQueue, rows};

/// The embedded provider. Resources of one data folder share its database connections; what is open closes with the last
/// handle.
#[derive(Debug)]
pub struct Local {
    config: LocalConfig,
    engines: Mutex<HashMap<PathBuf, Arc<Engine>>>,
}

impl Local {
    /// A provider set up so; opens nothing.
    #[must_use]
    pub fn new(config: LocalConfig) -> Self {
        Self {
            config,
            engines: Mutex::default(),
        }
    }

    /// Collects garbage now, in every data folder that was named so far: content files that no object refers to and that
    /// were not touched for `grace`, expired items, messages that nobody took for 14 days. It happens by itself at the
    /// start and every hour, with a grace time of an hour. Uploads of processes that live are never collected.
    ///
    /// # Errors
    /// As any operation on the folder.
    pub async fn collect_garbage(&self, grace: Duration) -> Result<Garbage> {
        let engines: Vec<_> = {
            let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
            engines.values().cloned().collect()
        };
        let mut garbage = Garbage::default();
        for engine in engines {
            let contents = engine.contents().clone();
            garbage.files += engine
                .read(move |connection| collect::files(&contents, connection, grace))
                .await?;
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

    /// The folder that a URL names, and the resource's name in it.
    fn locate<'u>(&self, url: &'u ResourceUrl) -> Result<(Arc<Engine>, &'u str)> {
        if url.scheme() != NAME {
            return Err(Error::invalid(
                "the provider `local` opens URLs of the form `local://name?data=/path&sync=normal`",
            ));
        }
        url.expect_only(&["data", "sync"])?;
        let folder = url
            .parameter("data")
            .map_or_else(|| self.config.data.clone(), PathBuf::from);
        if folder.as_os_str().is_empty() {
            return Err(Error::invalid("the data folder's path is empty: name one"));
        }
        let durability = url.parameter("sync").map(str::parse).transpose()?;
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = engines.entry(folder).or_insert_with_key(|folder| {
            let durability = durability.unwrap_or(self.config.durability);
            Arc::new(Engine::new(folder, durability, self.config.database_limit))
        });
        if durability.is_some_and(|asked| asked != engine.durability()) {
            return Err(Error::invalid(
                "this data folder is open with another `sync`: give all its resources the same",
            ));
        }
        Ok((Arc::clone(engine), url.name()))
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
        let (engine, name) = self.locate(url)?;
        Ok(Arc::new(LocalBucket::new(engine, name)))
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let (engine, name) = self.locate(url)?;
        let row = rows::declared(name);
        Ok(Arc::new(LocalQueue::new(engine, row, name, settings.clone())))
    }

    fn table(&self, url: &ResourceUrl, _settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        let (engine, name) = self.locate(url)?;
        Ok(Arc::new(LocalTable::new(engine, name)))
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let (engine, name) = self.locate(url)?;
        let (name, kind) = (name.to_owned(), kind.clone());
        engine
            .write(move |job| match &kind {
                ResourceKind::Bucket => objects::create(job, &name),
                ResourceKind::Queue(settings) => {
                    rows::create(job, &rows::declared(&name), settings).map(drop)
                }
                ResourceKind::Table(_) => items::create(job, &name),
                other => Err(unknown_kind(other).into()),
            })
            .await
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        let (engine, name) = self.locate(url)?;
        let (name, kind) = (name.to_owned(), kind.clone());
        engine
            .write(move |job| match &kind {
                ResourceKind::Bucket => objects::remove(job, &name),
                ResourceKind::Queue(_) => rows::remove(job, &rows::declared(&name)),
                ResourceKind::Table(_) => items::remove(job, &name),
                other => Err(unknown_kind(other).into()),
            })
            .await
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        None
    }
}

fn unknown_kind(kind: &ResourceKind) -> Error {
    Error::unsupported(format!(
        "the provider `local` has no resources of kind `{}`",
        kind.as_str()
    ))
}
