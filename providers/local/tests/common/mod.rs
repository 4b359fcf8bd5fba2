//! What the tests with several processes share: one resource of each kind in a folder.
#![allow(dead_code)] // Each test file uses a part of it.

use std::path::Path;
use std::sync::Arc;

use skyport_core::Result;
use skyport_core::blob::port::{BlobStore, Subscriber};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceKind, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_local::{Local, LocalConfig};

pub(crate) struct Resources {
    pub(crate) local: Local,
    pub(crate) bucket: Arc<dyn BlobStore>,
    /// What was created in the bucket.
    pub(crate) events: Arc<dyn MessageQueue>,
    pub(crate) queue: Arc<dyn MessageQueue>,
    pub(crate) table: Arc<dyn KeyValueStore>,
}

pub(crate) async fn open(folder: &Path) -> Result<Resources> {
    let local = Local::new(LocalConfig::new(folder));
    let (photos, jobs, rows) = ("local://photos".parse()?, "local://jobs".parse()?, "local://rows".parse()?);
    let (queued, tabled) = (QueueSettings::default(), TableSettings::default());
    local.create(&photos, &ResourceKind::Bucket).await?;
    local.create(&jobs, &ResourceKind::Queue(queued.clone())).await?;
    local.create(&rows, &ResourceKind::Table(tabled.clone())).await?;
    let bucket = local.bucket(&photos)?;
    let mut subscriber = Subscriber::new("index");
    subscriber.created = true;
    let events = bucket.events(&subscriber).await?;
    let (queue, table) = (local.queue(&jobs, &queued)?, local.table(&rows, &tabled)?);
    Ok(Resources { local, bucket, events, queue, table })
}
