//! What the tests of the layers share: resources in memory.
#![allow(dead_code)] // Each test file uses a part of it.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use skyport_core::blob::port::{BlobStore, Condition, GetOptions, GetResult, PutOptions};
use skyport_core::kv::port::{ItemCondition, Key, KeyValueStore, Write};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings, RawDelivery, ReceiveOptions};
use skyport_memory::Memory;
use std::time::Duration;

pub(crate) async fn bucket(memory: &Memory, name: &str) -> Arc<dyn BlobStore> {
    let url = ResourceUrl::new("memory", name);
    memory.create(&url, &ResourceKind::Bucket).await.expect("created");
    memory.bucket(&url).expect("opened")
}

pub(crate) async fn queue(memory: &Memory, name: &str) -> Arc<dyn MessageQueue> {
    let url = ResourceUrl::new("memory", name);
    let settings = QueueSettings::default();
    let kind = ResourceKind::Queue(settings.clone());
    memory.create(&url, &kind).await.expect("created");
    memory.queue(&url, &settings).expect("opened")
}

pub(crate) async fn table(memory: &Memory, name: &str) -> Arc<dyn KeyValueStore> {
    let url = ResourceUrl::new("memory", name);
    let settings = TableSettings::default();
    let kind = ResourceKind::Table(settings.clone());
    memory.create(&url, &kind).await.expect("created");
    memory.table(&url, &settings).expect("opened")
}

pub(crate) fn when(condition: Condition) -> PutOptions {
    let mut options = PutOptions::default();
    options.condition = condition;
    options
}

pub(crate) fn put_if(key: &Key, value: &'static str, condition: ItemCondition) -> Write {
    let mut write = Write::put(key.clone(), value.into());
    write.condition = condition;
    write
}

pub(crate) async fn receive(queue: &dyn MessageQueue) -> Vec<RawDelivery> {
    let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
    queue.receive(options).await.expect("received")
}

pub(crate) async fn text(bucket: &dyn BlobStore, key: &str) -> String {
    match bucket.get(key, GetOptions::default()).await.expect("found") {
        GetResult::Found { body, .. } => {
            String::from_utf8(body.collect(1 << 20).await.expect("read").to_vec()).expect("text")
        }
        _ => panic!("nothing was excluded"),
    }
}
