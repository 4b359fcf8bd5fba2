use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyport_core::app::{
    App, Batch, Context, Declaration, HandlerError, HandlerResult, Message, Opener, Outcomes, Ref, Resource,
    ResourceOptions, Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::event::BlobEvent;
use skyport_core::http::route;
use skyport_core::layers::{ClaimCheck, Layer, Prefix};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Raw};
use skyport_memory::Memory;

use super::*;

mod events;
mod guarded;
mod hostile;
mod messages;
mod requests;

/// What the functions work with.
struct Bench {
    photos: Bucket,
    jobs: Queue<String, Raw>,
    ordered: Queue<String, Raw>,
    calls: Mutex<Vec<String>>,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<String, Raw>> = Ref::new("jobs", |bench| &bench.jobs);
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
        ["photos", "jobs", "ordered"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            photos: Resource::open(opener, &declared("photos")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            ordered: Resource::open(opener, &declared("ordered")?)?,
            calls: Mutex::default(),
        })
    }
}

impl Bench {
    fn note(&self, what: impl Into<String>) {
        self.calls.lock().expect("sound").push(what.into());
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().expect("sound"))
    }
}

/// Does as the text says.
fn act(text: &str) -> HandlerResult {
    match text {
        _ if text.contains("fail") => Err("not now".into()),
        _ if text.contains("fatal") => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}

async fn job(message: Message<String>, cx: Context<Bench>) -> HandlerResult {
    let attributes: Vec<String> =
        message.attributes().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let start: String = message.value().chars().take(9).collect();
    cx.note(format!("{start}#{}{}", message.attempt(), attributes.join(",")));
    act(message.value())
}

async fn batch(batch: Batch<String>, cx: Context<Bench>) -> HandlerResult<Outcomes> {
    let cx = &cx;
    Ok(batch
        .each(1, |message| async move {
            cx.note(message.value().as_str());
            act(message.value())
        })
        .await)
}

async fn blob(event: BlobEvent, cx: Context<Bench>) -> HandlerResult {
    let invocation = cx.invocation();
    cx.note(format!("{:?} {} {}", event.change, event.key, invocation.attempt));
    if event.key == "trace" {
        cx.note(format!("{:032x} {}", invocation.trace.trace_id(), invocation.id));
    }
    act(&event.key)
}

async fn tick(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
    let seconds = event.scheduled.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    cx.note(format!("{} {seconds}", cx.invocation().function));
    act(match seconds {
        60 => "fail",
        120 => "fatal",
        _ => "",
    })
}

async fn own(_: Request, _: Context<Bench>) -> HandlerResult<&'static str> {
    Ok("the application's own")
}

/// Under this prefix lie the objects, as the platform knows them.
const UNDER: &str = "team/app/";

struct Fakes<'m>(&'m Memory);

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn skyport_core::blob::port::BlobStore>> {
        let bucket = self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))?;
        Ok(Prefix::new(UNDER)?.blob(bucket))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let queue = self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)?;
        let claims = self.0.bucket(&ResourceUrl::new("memory", "photos"))?;
        Ok(ClaimCheck::new(claims, 1_000).queue(queue))
    }

    fn table(
        &self,
        declaration: &Declaration,
        settings: &TableSettings,
    ) -> Result<Arc<dyn skyport_core::kv::port::KeyValueStore>> {
        self.0.table(&ResourceUrl::new("memory", &*declaration.name), settings)
    }
}

/// The application on the fakes, with large bodies of jobs in the bucket.
struct Stage {
    front: Front,
    bench: Arc<Bench>,
    memory: Memory,
}

impl Stage {
    async fn set(change: impl FnOnce(&mut CloudRunConfig)) -> Self {
        let memory = Memory::new();
        for declaration in Bench::declarations().expect("sound") {
            let url = ResourceUrl::new("memory", &*declaration.name);
            memory.create(&url, &declaration.kind).await.expect("created");
        }
        let app = App::new("bench")
            .http("own", route::post("/own/{*rest}"), own)
            .on_message("job", JOBS, job)
            .on_batch("ordered", ORDERED.batch_size(2), batch)
            .on_blob_created("created", PHOTOS, blob)
            .on_blob_deleted("deleted", PHOTOS, blob)
            .on_schedule("sweep", "*/5 * * * *", tick)
            .on_schedule("report", "0 3 * * *", tick);
        let (functions, bench) = app.bind(&Fakes(&memory)).expect("binds");
        let mut config = CloudRunConfig::default();
        let settings = QueueSettings::default();
        let carriers = memory.clone();
        config.queues = Some(Arc::new(move |name| match name {
            "photo-events" => carriers.queue(&ResourceUrl::new("memory", name), &settings),
            _ => Err(Error::invalid("no such queue")),
        }));
        change(&mut config);
        let front = Front::new(Arc::new(functions), &config).expect("serves");
        Self { front, bench, memory }
    }

    async fn intercept(&self, request: Request) -> Intercepted {
        self.front.intercept(request, &mut Invocation::default()).await
    }

    /// The status and the text of the answer.
    async fn answer(&self, request: Request) -> (u16, String) {
        match self.intercept(request).await {
            Intercepted::Answered(response) => {
                let status = response.status().as_u16();
                let body = response.into_body().collect(1 << 20).await.expect("small");
                (status, String::from_utf8(body.to_vec()).expect("text"))
            }
            Intercepted::Passed(request) => panic!("passed on: {request:?}"),
        }
    }

    async fn status(&self, request: Request) -> u16 {
        self.answer(request).await.0
    }

    /// The text of the body of a request that is passed on.
    async fn passed(&self, request: Request) -> String {
        match self.intercept(request).await {
            Intercepted::Passed(request) => {
                let body = request.into_body().collect(usize::MAX).await.expect("whole");
                String::from_utf8(body.to_vec()).expect("text")
            }
            Intercepted::Answered(response) => panic!("answered: {response:?}"),
        }
    }

    async fn letters(&self, queue: &Queue<String, Raw>) -> Vec<(String, String)> {
        let letters = queue.dead_letters().expect("has some");
        let received = letters.receive(10, Duration::ZERO, Duration::from_secs(60)).await.expect("received");
        let told = |letter: &skyport_core::queue::Delivery<String, Raw>| {
            (letter.value().expect("text"), letter.reason().unwrap_or_default().to_owned())
        };
        received.iter().map(told).collect()
    }
}

fn request(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = http::Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request").into()
}

fn post(path: &str, body: &Value) -> Request {
    request(path, &[("content-type", "application/json")], body.to_string())
}

/// A push as Pub/Sub writes it.
fn wrapped(subscription: &str, body: &str, attempt: u32, attributes: &Value) -> Value {
    json!({
        "deliveryAttempt": attempt,
        "message": {
            "data": STANDARD.encode(body),
            "attributes": attributes,
            "messageId": "17",
            "message_id": "17",
            "publishTime": "2026-11-26T13:03:16.192Z",
        },
        "subscription": format!("projects/p/subscriptions/{subscription}"),
    })
}

fn push(subscription: &str, body: &str, attempt: u32) -> Request {
    post("/", &wrapped(subscription, body, attempt, &json!({})))
}
