//! An application with every trigger, on the fakes: what events reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skyport_core::app::{
    App, Batch, Context, Declaration, Functions, HandlerError, HandlerResult, Message, Opener, Outcomes, Ref,
    Resource, ResourceOptions, Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::layers::{ClaimCheck, Layer, Prefix};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Raw, Result};
use skyport_memory::Memory;

/// What the functions work with.
pub(crate) struct Bench {
    photos: Bucket,
    jobs: Queue<String, Raw>,
    json: Queue<serde_json::Value>,
    ordered: Queue<String, Raw>,
    calls: AtomicUsize,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<String, Raw>> = Ref::new("jobs", |bench| &bench.jobs);
const JSON: Ref<Bench, Queue<serde_json::Value>> = Ref::new("json", |bench| &bench.json);
const ORDERED: Ref<Bench, Queue<String, Raw>> = Ref::new("ordered", |bench| &bench.ordered);

fn declared(name: &'static str) -> Result<Declaration> {
    Ok(match name {
        "photos" => Declaration::new(name, Bucket::kind(ResourceOptions::new())?),
        _ => {
            let options = ResourceOptions::new().ordered(name == "ordered");
            Declaration::new(name, <Queue<String, Raw> as Resource>::kind(options)?)
        }
    })
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        ["photos", "jobs", "json", "ordered"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            photos: Resource::open(opener, &declared("photos")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            json: Resource::open(opener, &declared("json")?)?,
            ordered: Resource::open(opener, &declared("ordered")?)?,
            calls: AtomicUsize::new(0),
        })
    }
}

impl Bench {
    fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// Does as the text says, so that each outcome has an answer.
fn act(text: &str) -> HandlerResult {
    match text {
        _ if text.contains("fail") => Err("not now".into()),
        _ if text.contains("fatal") => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}

async fn job(message: Message<String>, cx: Context<Bench>) -> HandlerResult {
    cx.called();
    assert!(message.attempt() > 0);
    act(message.value())
}

async fn parsed(message: Message<serde_json::Value>, cx: Context<Bench>) -> HandlerResult {
    cx.called();
    act(&message.value().to_string())
}

async fn batch(batch: Batch<String>, cx: Context<Bench>) -> HandlerResult<Outcomes> {
    cx.called();
    Ok(batch.each(1, |message| async move { act(message.value()) }).await)
}

async fn blob(event: BlobEvent, cx: Context<Bench>) -> HandlerResult {
    cx.called();
    assert!(!event.to_json().is_empty());
    act(&event.key)
}

async fn tick(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
    cx.called();
    let even =
        event.scheduled.duration_since(std::time::UNIX_EPOCH).is_ok_and(|since| since.as_secs() % 2 == 0);
    act(if even { "" } else { "fail" })
}

async fn own(request: Request, cx: Context<Bench>) -> HandlerResult<Response> {
    cx.called();
    let name: String = request.path_param("rest")?;
    let number: Option<u64> = request.query_param("n")?;
    let body = request.bytes().await?;
    act(&name)?;
    Ok(Response::created()
        .with_header("x-name", name)
        .with_header("x-number", format!("{number:?}"))
        .with_body(body))
}

async fn json(request: Request, cx: Context<Bench>) -> HandlerResult<Response> {
    cx.called();
    let value: serde_json::Value = request.json().await?;
    Response::json(&value)
}

/// Under this prefix lie the objects, as the platform knows them.
const UNDER: &str = "team/app/";

/// Longer bodies go to the bucket.
const CLAIM_BYTES: usize = 1_000;

struct Fakes<'m>(&'m Memory);

impl Fakes<'_> {
    fn url(declaration: &Declaration) -> ResourceUrl {
        ResourceUrl::new("memory", &*declaration.name)
    }
}

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Ok(Prefix::new(UNDER)?.blob(self.0.bucket(&Self::url(declaration))?))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let claims = self.0.bucket(&ResourceUrl::new("memory", "photos"))?;
        Ok(ClaimCheck::new(claims, CLAIM_BYTES).queue(self.0.queue(&Self::url(declaration), settings)?))
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.0.table(&Self::url(declaration), settings)
    }
}

/// The application on fakes of its own: new ones for each input, so that one that found something finds it again by itself.
pub(crate) struct Stage {
    pub(crate) functions: Arc<Functions>,
    pub(crate) memory: Memory,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let memory = Memory::builder().seed(7).build();
        for declaration in Bench::declarations().expect("sound") {
            memory.create(&Fakes::url(&declaration), &declaration.kind).await.expect("created");
        }
        let app = App::new("bench")
            .http("own", route::post("/own/{*rest}"), own)
            .http("json", route::put("/json").body_limit(1 << 20), json)
            .on_message("job", JOBS, job)
            .on_message("parsed", JSON, parsed)
            .on_batch("ordered", ORDERED.batch_size(2), batch)
            .on_blob_created("created", PHOTOS, blob)
            .on_blob_deleted("deleted", PHOTOS, blob)
            .on_schedule("sweep", "*/5 * * * *", tick)
            .on_schedule("report", "0 3 * * *", tick);
        let (functions, _) = app.bind(&Fakes(&memory)).expect("binds");
        Self { functions: Arc::new(functions), memory }
    }

    /// Opens a queue by its name, for those who open the carriers of a bucket's events.
    pub(crate) fn opener(&self) -> impl Fn(&str) -> Result<Arc<dyn MessageQueue>> + Send + Sync + 'static {
        let memory = self.memory.clone();
        move |name| memory.queue(&ResourceUrl::new("memory", name), &QueueSettings::default())
    }
}
