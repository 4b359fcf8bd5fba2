//! The local provider, through the handles: what the caller's thread takes. Its writer is a thread of its own.

use bytes::Bytes;
use skyport_core::Raw;
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_local::{Local, LocalConfig};
use skyport_measure::Outcome;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::memory::{cycle, get, put};
use crate::scenario::{Task, perform, runtime};

/// A data folder that goes with it.
fn local(runtime: &Runtime, kind: ResourceKind) -> Outcome<(TempDir, Local, ResourceUrl)> {
    let folder = tempfile::tempdir()?;
    let local = Local::new(LocalConfig::new(folder.path()));
    let url = ResourceUrl::new("local", "counted");
    runtime.block_on(local.create(&url, &kind))?;
    Ok((folder, local, url))
}

fn table(runtime: &Runtime) -> Outcome<(TempDir, Table<u64>)> {
    let settings = TableSettings::default();
    let (folder, local, url) = local(runtime, ResourceKind::Table(settings.clone()))?;
    let table = Table::new(local.table(&url, &settings)?);
    runtime.block_on(put(&table))?;
    Ok((folder, table))
}

pub fn kv_get(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let (_folder, table) = table(&runtime)?;
    perform(&runtime, async || get(&table).await, task)
}

pub fn kv_put(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let (_folder, table) = table(&runtime)?;
    perform(&runtime, async || put(&table).await, task)
}

pub fn queue_cycle(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let settings = QueueSettings::default();
    let (_folder, local, url) = local(&runtime, ResourceKind::Queue(settings.clone()))?;
    let queue: Queue<Bytes, Raw> = Queue::new(local.queue(&url, &settings)?);
    perform(&runtime, async || cycle(&queue).await, task)
}
