//! Skyport's handles on a data folder, set up as they are by default: `sync=normal`.

use std::path::Path;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::codec::Raw;
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_local::{Local, LocalConfig};
use skyport_measure::Outcome;

/// A queue of bytes.
pub type Messages = Queue<Bytes, Raw>;
/// A table of bytes.
pub type Items = Table<Bytes, Raw>;

/// A new queue in this folder.
///
/// # Errors
/// What the provider says.
pub async fn queue(folder: &Path) -> Outcome<Messages> {
    let (local, url, settings) = (local(folder), ResourceUrl::new("local", "jobs"), QueueSettings::default());
    local.create(&url, &ResourceKind::Queue(settings.clone())).await?;
    Ok(Queue::new(local.queue(&url, &settings)?))
}

/// A new table in this folder.
///
/// # Errors
/// What the provider says.
pub async fn table(folder: &Path) -> Outcome<Items> {
    let (local, url, settings) =
        (local(folder), ResourceUrl::new("local", "items"), TableSettings::default());
    local.create(&url, &ResourceKind::Table(settings.clone())).await?;
    Ok(Table::new(local.table(&url, &settings)?))
}

/// A new bucket in this folder.
///
/// # Errors
/// What the provider says.
pub async fn bucket(folder: &Path) -> Outcome<Bucket> {
    let (local, url) = (local(folder), ResourceUrl::new("local", "objects"));
    local.create(&url, &ResourceKind::Bucket).await?;
    Ok(Bucket::new(local.bucket(&url)?))
}

fn local(folder: &Path) -> Local {
    Local::new(LocalConfig::new(folder))
}
