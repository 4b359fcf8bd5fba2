//! The memory provider, through the handles.

use std::time::Duration;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Clock, Raw};
use skyport_measure::Outcome;
use skyport_memory::Memory;
use tokio::runtime::Runtime;

use crate::scenario::{Task, perform, runtime};

/// A body.
const BODY: Bytes = Bytes::from_static(&[b'x'; 1_024]);

/// How many objects there are.
const OBJECTS: usize = 1_000;

/// How many of them a page tells.
const PAGE: usize = 100;

/// How long messages are leased.
pub const LEASE: Duration = Duration::from_secs(30);

fn memory(runtime: &Runtime, kind: ResourceKind) -> Outcome<(Memory, ResourceUrl)> {
    let memory = Memory::builder().clock(Clock::system()).build();
    let url = ResourceUrl::new("memory", "counted");
    runtime.block_on(memory.create(&url, &kind))?;
    Ok((memory, url))
}

fn bucket(runtime: &Runtime) -> Outcome<Bucket> {
    let (memory, url) = memory(runtime, ResourceKind::Bucket)?;
    let bucket = Bucket::new(memory.bucket(&url)?);
    for index in 0..OBJECTS {
        let key = format!("photos/{index:08}");
        runtime.block_on(async { bucket.put(&key, BODY).await })?;
    }
    Ok(bucket)
}

pub fn blob_put(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let bucket = bucket(&runtime)?;
    let operation = async || {
        bucket.put("photos/00000500", BODY).await?;
        Ok(())
    };
    perform(&runtime, operation, task)
}

pub fn blob_get(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let bucket = bucket(&runtime)?;
    let operation = async || {
        let body = bucket.get("photos/00000500").bytes().await?;
        if body.len() == BODY.len() { Ok(()) } else { Err("another body".into()) }
    };
    perform(&runtime, operation, task)
}

pub fn blob_list(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let bucket = bucket(&runtime)?;
    let operation = async || {
        let page = bucket.list().prefix("photos/").page_size(PAGE).page().await?;
        if page.entries.len() == PAGE { Ok(()) } else { Err("another page".into()) }
    };
    perform(&runtime, operation, task)
}

/// Sends a message, receives it and is done with it.
///
/// # Errors
/// Where it does not come.
pub async fn cycle(queue: &Queue<Bytes, Raw>) -> Outcome {
    queue.send(&BODY).await?;
    let delivery = queue.receive(1, Duration::ZERO, LEASE).await?.pop().ok_or("no message")?;
    Ok(delivery.ack().await?)
}

pub fn queue_cycle(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let settings = QueueSettings::default();
    let (memory, url) = memory(&runtime, ResourceKind::Queue(settings.clone()))?;
    let queue = Queue::new(memory.queue(&url, &settings)?);
    perform(&runtime, async || cycle(&queue).await, task)
}

/// Puts an item, whatever there is.
///
/// # Errors
/// Where it cannot be written.
pub async fn put(table: &Table<u64>) -> Outcome {
    table.put(("counts", "one"), &7).await?;
    Ok(())
}

/// Reads what [`put`] has put.
///
/// # Errors
/// Where it is not there.
pub async fn get(table: &Table<u64>) -> Outcome {
    match table.get(("counts", "one")).await? {
        Some(entry) if *entry == 7 => Ok(()),
        _ => Err("another item".into()),
    }
}

fn table(runtime: &Runtime) -> Outcome<Table<u64>> {
    let settings = TableSettings::default();
    let (memory, url) = memory(runtime, ResourceKind::Table(settings.clone()))?;
    let table = Table::new(memory.table(&url, &settings)?);
    runtime.block_on(put(&table))?;
    Ok(table)
}

pub fn kv_get(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let table = table(&runtime)?;
    perform(&runtime, async || get(&table).await, task)
}

pub fn kv_put(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let table = table(&runtime)?;
    perform(&runtime, async || put(&table).await, task)
}

pub fn kv_put_if_version(task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let table = table(&runtime)?;
    let mut version = runtime.block_on(async { table.put(("counts", "one"), &7).await })?;
    let operation = async || {
        version = table.put(("counts", "one"), &7).if_version(&version).await?;
        Ok(())
    };
    perform(&runtime, operation, task)
}
