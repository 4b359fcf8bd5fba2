//! A bucket that tells nobody of events by itself: where the platform brings them, as a cloud does that calls functions, its
//! functions are bound; who has to subscribe is told that it cannot.

#![allow(clippy::expect_used)]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::app::{App, Context, Declaration, HandlerResult, Opener, Ref, Resource, Resources};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::event::BlobEvent;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::runtime::{Triggers, TriggersConfig};
use skyport_core::{Error, ErrorKind, Result, Shutdown, Support};

#[derive(Debug)]
struct Silent(BlobInfo);

fn cannot<T>() -> Result<T> {
    Err(Error::unsupported("add the feature `tells`"))
}

#[async_trait]
impl BlobStore for Silent {
    fn info(&self) -> &BlobInfo {
        &self.0
    }
    async fn put(&self, _: &str, _: Bytes, _: PutOptions) -> Result<Written> {
        cannot()
    }
    async fn start_upload(&self, _: &str, _: PutOptions) -> Result<Box<dyn Upload>> {
        cannot()
    }
    async fn get(&self, _: &str, _: GetOptions) -> Result<GetResult> {
        cannot()
    }
    async fn head(&self, _: &str) -> Result<ObjectMeta> {
        cannot()
    }
    async fn copy(&self, _: &str, _: &str, _: CopyOptions) -> Result<Written> {
        cannot()
    }
    async fn delete(&self, _: &str, _: DeleteOptions) -> Result<()> {
        cannot()
    }
    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        keys.iter().map(|_| cannot()).collect()
    }
    async fn list(&self, _: ListOptions) -> Result<ListPage> {
        cannot()
    }
    async fn sign(&self, _: &str, _: SignOptions) -> Result<SignedRequest> {
        cannot()
    }
    async fn events(&self, _: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        cannot()
    }
}

struct Place;

impl Opener for Place {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        let mut info = BlobInfo::new("silent", &*declaration.name);
        info.capabilities.events = Support::Unsupported("it is silent");
        Ok(Arc::new(Silent(info)))
    }
    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        cannot()
    }
    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        cannot()
    }
}

struct Bench {
    files: Bucket,
}

const FILES: Ref<Bench, Bucket> = Ref::new("files", |bench| &bench.files);

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        Ok(vec![Declaration::new("files", <Bucket as Resource>::kind(Default::default())?)])
    }
    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self { files: Resource::open(opener, &Self::declarations()?[0])? })
    }
}

async fn created(_: BlobEvent, _: Context<Bench>) -> HandlerResult {
    Ok(())
}

#[tokio::test]
async fn functions_of_a_silent_bucket_are_bound_and_only_a_subscriber_is_refused() {
    let app = App::new("bench").on_blob_created("created", FILES, created);
    let (functions, _) = app.bind(&Place).expect("the platform may bring the events");
    let started = Triggers::start(Arc::new(functions), TriggersConfig::default(), Shutdown::new()).await;
    let error = started.map(drop).expect_err("nobody brings them here");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, Some("blob.events")));
    // What to do about it, the provider knows.
    assert!(error.message().contains("the feature `tells`"), "{error}");
}
