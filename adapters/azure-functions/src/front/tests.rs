use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
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
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement, Verdict,
};
use skyport_core::{Error, Raw, Result};
use skyport_memory::Memory;

use super::*;

mod events;
mod hostile;
mod messages;
mod requests;

/// What the functions work with.
struct Bench {
    photos: Bucket,
    jobs: Queue<String, Raw>,
    many: Queue<String, Raw>,
    calls: Mutex<Vec<String>>,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<String, Raw>> = Ref::new("jobs", |bench| &bench.jobs);
const MANY: Ref<Bench, Queue<String, Raw>> = Ref::new("many", |bench| &bench.many);

fn declared(name: &'static str) -> Result<Declaration> {
    Ok(match name {
        "photos" => Declaration::new(name, Bucket::kind(ResourceOptions::new())?),
        _ => Declaration::new(name, <Queue<String, Raw> as Resource>::kind(ResourceOptions::new())?),
    })
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        ["photos", "jobs", "many"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            photos: Resource::open(opener, &declared("photos")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            many: Resource::open(opener, &declared("many")?)?,
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
        _ if text.contains("later") => {
            Err(HandlerError::from("not now").with_retry_after(Duration::from_secs(77)))
        }
        _ if text.contains("fail") => Err("not now".into()),
        _ if text.contains("fatal") => Err(HandlerError::fatal("never")),
        _ if text.contains("panic") => panic!("as asked"),
        _ => Ok(()),
    }
}

async fn job(message: Message<String>, cx: Context<Bench>) -> HandlerResult {
    let attributes: Vec<String> =
        message.attributes().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let start: String = message.value().chars().take(9).collect();
    cx.note(format!("{start}#{}{}", message.attempt(), attributes.join(",")));
    if message.value() == "context" {
        let invocation = cx.invocation();
        let seconds = invocation.remaining().expect("limited").as_secs();
        let trace = format!("{:032x}", invocation.trace.trace_id());
        cx.note(format!("{} {} {seconds} {trace} {}", invocation.id, invocation.function, message.id()));
    }
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
    let etag = event.etag.as_ref().map(|etag| etag.as_str().to_owned());
    cx.note(format!(
        "{:?} {} {:?} {etag:?} {}",
        event.change,
        event.key,
        event.size,
        cx.invocation().attempt
    ));
    act(&event.key)
}

async fn tick(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
    let seconds = event.scheduled.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    cx.note(format!("{} {seconds} {}", cx.invocation().function, cx.invocation().attempt));
    act(match seconds {
        300 => "fail",
        600 => "fatal",
        _ => "",
    })
}

async fn own(request: Request, cx: Context<Bench>) -> HandlerResult<Response> {
    let invocation = cx.invocation();
    let seconds = invocation.remaining().expect("limited").as_secs();
    cx.note(format!("{} {} {} {seconds}", request.method(), request.uri(), invocation.id));
    let name: String = request.path_param("rest")?;
    act(&name)?;
    let body = request.bytes().await?;
    Ok(Response::created().with_header("x-path", name).with_body(body))
}

/// Under this prefix lie the objects, as the platform knows them.
const UNDER: &str = "team/app/";

/// A queue whose messages the host has received: their receipts are Queue Storage's.
#[derive(Debug)]
struct Handed {
    inner: Arc<dyn MessageQueue>,
    ends: Ends,
}

/// How messages were settled and sent, and what a settlement is answered with instead.
#[derive(Clone, Debug, Default)]
struct Ends(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    steps: Vec<String>,
    refusal: Option<ErrorKind>,
    /// The call that is never answered.
    hangs: Option<&'static str>,
}

impl Ends {
    fn refuse(&self, kind: Option<ErrorKind>) {
        self.0.lock().expect("sound").refusal = kind;
    }

    /// From now on the queue answers no such call.
    fn hang(&self, call: &'static str) {
        self.0.lock().expect("sound").hangs = Some(call);
    }

    async fn answering(&self, call: &str) {
        let hangs = self.0.lock().expect("sound").hangs == Some(call);
        if hangs {
            std::future::pending::<()>().await;
        }
    }

    fn note(&self, step: String) {
        self.0.lock().expect("sound").steps.push(step);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("sound").steps)
    }
}

#[async_trait]
impl MessageQueue for Handed {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        for message in &messages {
            if let Some(delay) = message.delay {
                let attempts = message.envelope.attempts_before();
                self.ends.note(format!("sent anew after {attempts}, in {}", delay.as_secs()));
            }
        }
        self.ends.answering("send").await;
        self.inner.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        self.inner.receive(options).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.ends.answering("adopt").await;
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        self.inner.extend(receipt, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        self.ends.answering("settle").await;
        let mut ends = self.ends.0.lock().expect("sound");
        let mut settle = |settlement: Settlement| {
            let verdict = match settlement.verdict {
                Verdict::Ack => "ack".to_owned(),
                Verdict::Retry(pause) => format!("retry {}", pause.as_secs()),
                Verdict::DeadLetter { reason, .. } => format!("dead {reason}"),
                other => format!("{other:?}"),
            };
            ends.steps.push(format!("{} {verdict}", settlement.receipt.as_str()));
            ends.refusal.map_or(Ok(()), |kind| Err(Error::new(kind, "as asked")))
        };
        settlements.into_iter().map(&mut settle).collect()
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        self.inner.dead_letters()
    }
}

struct Fakes<'m>(&'m Memory, Ends);

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn skyport_core::blob::port::BlobStore>> {
        let bucket = self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))?;
        Ok(Prefix::new(UNDER)?.blob(bucket))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)?;
        let claims = self.0.bucket(&ResourceUrl::new("memory", "photos"))?;
        Ok(ClaimCheck::new(claims, 1_000).queue(Arc::new(Handed { inner, ends: self.1.clone() })))
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
    ends: Ends,
}

impl Stage {
    async fn set() -> Self {
        Self::with(AzureFunctionsConfig::default()).await
    }

    async fn with(config: AzureFunctionsConfig) -> Self {
        let memory = Memory::new();
        for declaration in Bench::declarations().expect("sound") {
            let url = ResourceUrl::new("memory", &*declaration.name);
            memory.create(&url, &declaration.kind).await.expect("created");
        }
        let app = App::new("bench")
            .http("own", route::post("/own/{*rest}"), own)
            .http("jobs-by-name", route::post("/job"), own_job)
            .on_message("job", JOBS, job)
            .on_batch("many", MANY.batch_size(2), batch)
            .on_blob_created("created", PHOTOS, blob)
            .on_blob_deleted("deleted", PHOTOS, blob)
            .on_schedule("sweep", "*/5 * * * *", tick);
        let ends = Ends::default();
        let (functions, bench) = app.bind(&Fakes(&memory, ends.clone())).expect("binds");
        let front = Front::new(Arc::new(functions), &config);
        Self { front, bench, memory, ends }
    }

    async fn intercept(&self, request: Request) -> Intercepted {
        self.front.intercept(request, &mut Invocation::default()).await
    }

    /// The status and the JSON of the answer to a call.
    async fn answer(&self, request: Request) -> (u16, Value) {
        match self.intercept(request).await {
            Intercepted::Answered(response) => {
                let status = response.status().as_u16();
                assert_eq!(response.headers()["content-type"], "application/json");
                let body = response.into_body().collect(1 << 20).await.expect("small");
                let answer: Value = serde_json::from_slice(&body).expect("JSON");
                assert!(answer["Outputs"].is_object(), "{answer}");
                (status, answer)
            }
            Intercepted::Passed(request) => panic!("passed on: {request:?}"),
        }
    }

    async fn status(&self, request: Request) -> u16 {
        self.answer(request).await.0
    }

    /// A request that is passed on, and what it is called with.
    async fn passed(&self, request: Request) -> (Request, Invocation) {
        let mut invocation = Invocation::default();
        match self.front.intercept(request, &mut invocation).await {
            Intercepted::Passed(request) => (request, invocation),
            Intercepted::Answered(response) => panic!("answered: {response:?}"),
        }
    }

    async fn letters(&self) -> Vec<(String, String)> {
        let letters = self.bench.jobs.dead_letters().expect("has some");
        let received = letters.receive(10, Duration::ZERO, Duration::from_secs(60)).await.expect("received");
        let told = |letter: &skyport_core::queue::Delivery<String, Raw>| {
            (letter.value().expect("text"), letter.reason().unwrap_or_default().to_owned())
        };
        received.iter().map(told).collect()
    }
}

/// A route on the very path by which the host calls a queue's function.
async fn own_job(_: Request, cx: Context<Bench>) -> HandlerResult<&'static str> {
    cx.note("a request");
    Ok("the application's own")
}

const ID: &str = "6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11";

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request").into()
}

/// As the host calls.
fn called(name: &str, body: impl Into<Body>) -> Request {
    let headers = [
        ("host", "127.0.0.1:41234"),
        ("x-azure-functions-hostversion", "4.1037.0"),
        ("x-azure-functions-invocationid", ID),
        ("user-agent", "Azure-Functions-Host/4.1037.0"),
        ("traceparent", "00-11111111111111111111111111111111-00f067aa0ba902b7-01"),
        ("transfer-encoding", "chunked"),
        ("content-type", "application/json; charset=utf-8"),
    ];
    request("POST", &format!("/{name}"), &headers, body)
}

fn call(name: &str, data: &Value, metadata: &Value) -> Request {
    called(name, json!({"Data": {"event": data}, "Metadata": metadata}).to_string())
}

/// A text as the host writes it.
fn twice(text: &str) -> Value {
    Value::String(Value::from(text).to_string())
}
