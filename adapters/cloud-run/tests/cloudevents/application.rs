//! The application that the events are for: it writes down what arrives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use skyport_cloud_run::{CloudRun, CloudRunConfig};
use skyport_core::app::{
    App, Context, Declaration, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions, Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{Attributes, MessageQueue, QueueSettings};
use skyport_core::{Raw, Result, Shutdown, TraceContext};
use skyport_memory::Memory;

/// What arrived at a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Came {
    Object {
        created: bool,
        key: String,
        size: Option<u64>,
        etag: Option<String>,
        /// In microseconds since 1970.
        time: u128,
        id: String,
    },
    Message {
        id: String,
        attributes: Attributes,
        body: Bytes,
        time: u128,
    },
}

#[derive(Debug)]
struct Bench {
    photos: Bucket,
    jobs: Queue<Bytes, Raw>,
    came: Arc<Mutex<Vec<(Came, u128)>>>,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<Bytes, Raw>> = Ref::new("jobs", |bench| &bench.jobs);

fn declared(name: &'static str) -> Result<Declaration> {
    let options = ResourceOptions::new();
    let kind =
        if name == "jobs" { <Queue<Bytes, Raw> as Resource>::kind(options)? } else { Bucket::kind(options)? };
    Ok(Declaration::new(name, kind))
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        ["photos", "jobs"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            photos: Resource::open(opener, &declared("photos")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            came: Arc::default(),
        })
    }
}

impl Bench {
    fn note(&self, came: Came) {
        let trace = TraceContext::current().map_or(0, |trace| trace.trace_id());
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push((came, trace));
    }
}

async fn object(event: BlobEvent, cx: Context<Bench>) -> HandlerResult {
    assert_eq!(event.bucket, "photos");
    cx.note(Came::Object {
        created: event.change == BlobChange::Created,
        key: event.key,
        size: event.size,
        etag: event.etag.map(|etag| etag.as_str().to_owned()),
        time: micros(event.time),
        id: cx.invocation().id.clone(),
    });
    Ok(())
}

async fn job(message: Message<Bytes>, cx: Context<Bench>) -> HandlerResult {
    assert_eq!(message.id(), cx.invocation().id);
    cx.note(Came::Message {
        id: message.id().to_owned(),
        attributes: message.attributes().clone(),
        body: message.value().clone(),
        time: micros(message.sent_at()),
    });
    Ok(())
}

fn micros(time: std::time::SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_micros()
}

struct Fakes<'m>(&'m Memory);

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.0.table(&ResourceUrl::new("memory", &*declaration.name), settings)
    }
}

/// The application, served on a free port in a thread of its own; it ends with this.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    came: Arc<Mutex<Vec<(Came, u128)>>>,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let (started, starting) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let memory = Memory::new();
                for declaration in Bench::declarations().expect("sound") {
                    let url = ResourceUrl::new("memory", &*declaration.name);
                    memory.create(&url, &declaration.kind).await.expect("created");
                }
                let app = App::new("bench")
                    .on_message("job", JOBS, job)
                    .on_blob_created("created", PHOTOS, object)
                    .on_blob_deleted("deleted", PHOTOS, object);
                let (functions, bench) = app.bind(&Fakes(&memory)).expect("binds");
                let mut config = CloudRunConfig::default();
                config.server.host = std::net::Ipv4Addr::LOCALHOST.into();
                config.server.port = 0;
                let server = CloudRun::new(Arc::new(functions)).config(config).shutdown(stop).signals(false);
                let bound = server.bind().await.expect("a free port");
                started.send((bound.local_addr(), Arc::clone(&bench.came))).expect("the test waits");
                bound.run().await.expect("served");
            });
        });
        let (address, came) = starting.recv().expect("the application starts");
        Self { address, came, shutdown, thread: Some(thread) }
    }

    /// What has arrived since the last call, each with the id of its trace.
    pub(crate) fn traced(&self) -> Vec<(Came, u128)> {
        std::mem::take(&mut self.came.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What has arrived since the last call.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.traced().into_iter().map(|(came, _)| came).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.trigger();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the application broke off");
        }
    }
}
