//! Stores that must not be asked for anything: what they cannot do is refused before any I/O, whatever the provider.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
};

/// A store of any port that tells this of itself, and fails the case when it is asked for more.
#[derive(Clone, Debug)]
pub(crate) struct Inert<I>(I);

impl<I: Clone> Inert<I> {
    /// As the provider's own, but for what `change` takes away.
    pub(crate) fn like(info: &I, change: impl FnOnce(&mut I)) -> Arc<Self> {
        let mut info = info.clone();
        change(&mut info);
        Arc::new(Self(info))
    }
}

/// Fails the case.
fn called(method: &str) -> ! {
    panic!("`{method}` of the port was called, although it was to be refused before")
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl BlobStore for Inert<BlobInfo> {
    fn info(&self) -> &BlobInfo {
        &self.0
    }

    async fn put(&self, _: &str, _: Bytes, _: PutOptions) -> Result<Written> {
        called("put")
    }

    async fn start_upload(&self, _: &str, _: PutOptions) -> Result<Box<dyn Upload>> {
        called("start_upload")
    }

    async fn get(&self, _: &str, _: GetOptions) -> Result<GetResult> {
        called("get")
    }

    async fn head(&self, _: &str) -> Result<ObjectMeta> {
        called("head")
    }

    async fn copy(&self, _: &str, _: &str, _: CopyOptions) -> Result<Written> {
        called("copy")
    }

    async fn delete(&self, _: &str, _: DeleteOptions) -> Result<()> {
        called("delete")
    }

    async fn delete_many(&self, _: Vec<String>) -> Vec<Result<()>> {
        called("delete_many")
    }

    async fn list(&self, _: ListOptions) -> Result<ListPage> {
        called("list")
    }

    async fn sign(&self, _: &str, _: SignOptions) -> Result<SignedRequest> {
        called("sign")
    }

    async fn events(&self, _: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        called("events")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for Inert<QueueInfo> {
    fn info(&self) -> &QueueInfo {
        &self.0
    }

    async fn send(&self, _: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        called("send")
    }

    async fn receive(&self, _: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        called("receive")
    }

    async fn adopt(&self, _: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        called("adopt")
    }

    async fn extend(&self, _: &Receipt, _: std::time::Duration) -> Result<Receipt> {
        called("extend")
    }

    async fn settle(&self, _: Vec<Settlement>) -> Vec<Result<()>> {
        called("settle")
    }

    async fn depth(&self) -> Result<Depth> {
        called("depth")
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        called("dead_letters")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for Inert<TableInfo> {
    fn info(&self) -> &TableInfo {
        &self.0
    }

    async fn get(&self, _: &Key) -> Result<Option<RawItem>> {
        called("get")
    }

    async fn get_many(&self, _: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        called("get_many")
    }

    async fn write(&self, _: Write) -> Result<Option<RawVersion>> {
        called("write")
    }

    async fn write_many(&self, _: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        called("write_many")
    }

    async fn transact(&self, _: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        called("transact")
    }

    async fn increment(&self, _: Increment) -> Result<Incremented> {
        called("increment")
    }

    async fn query(&self, _: QueryOptions) -> Result<QueryPage> {
        called("query")
    }

    async fn sweep(&self) -> Result<u64> {
        called("sweep")
    }
}
