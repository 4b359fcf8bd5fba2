//! The application that the cases run: its handlers do as they are told, and write down that they were called.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use skyport_core::app::{
    App, Batch, Context, Declaration, HandlerError, HandlerResult, Message, Opener, Outcomes, Ref, Resource,
    ResourceOptions, Resources, ResultExt,
};
use skyport_core::blob::Bucket;
use skyport_core::event::{BlobChange, BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::queue::Queue;
use skyport_core::{Error, ErrorKind, Result, TraceContext};
use tokio::sync::watch;

use super::GRACE_MILLIS;

/// Deliveries of a message before it goes to the dead letters.
pub(crate) const MAX_ATTEMPTS: u32 = 2;

/// What a handler is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    Succeed,
    Fail,
    FailOnce,
    Fatal,
    Panic,
    Nap,
    Hang,
}

/// A message of the cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) act: Act,
}

impl Job {
    pub(crate) fn new(name: &str, act: Act) -> Self {
        Self { name: name.to_owned(), act }
    }
}

/// How long [`Act::Nap`] takes: less than the grace period.
const NAP: Duration = Duration::from_millis(GRACE_MILLIS / 2);

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) what: String,
    pub(crate) id: String,
    pub(crate) attempt: u32,
    pub(crate) remaining: Option<Duration>,
    pub(crate) cold_start: bool,
    pub(crate) trace_id: u128,
    pub(crate) at: tokio::time::Instant,
}

/// The calls so far, in order; anyone may wait for more.
#[derive(Clone, Debug)]
pub(crate) struct Journal(Arc<(Mutex<Vec<Call>>, watch::Sender<usize>)>);

impl Journal {
    fn new() -> Self {
        Self(Arc::new((Mutex::default(), watch::Sender::new(0))))
    }

    fn note<R>(&self, cx: &Context<R>, what: impl Into<String>) {
        let invocation = cx.invocation();
        let call = Call {
            function: invocation.function.to_string(),
            what: what.into(),
            id: invocation.id.clone(),
            attempt: invocation.attempt,
            remaining: invocation.remaining(),
            cold_start: invocation.cold_start,
            trace_id: TraceContext::current().map_or(0, |trace| trace.trace_id()),
            at: tokio::time::Instant::now(),
        };
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.0.1.send_modify(|count| *count += 1);
    }

    /// The calls of a function so far.
    pub(crate) fn of(&self, function: &str) -> Vec<Call> {
        let calls = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| call.function == function).cloned().collect()
    }

    /// The calls of a function, once there are so many.
    pub(crate) async fn wait(&self, function: &str, count: usize) -> Result<Vec<Call>> {
        let mut changes = self.0.1.subscribe();
        let enough = changes.wait_for(|_| self.of(function).len() >= count);
        if tokio::time::timeout(Duration::from_secs(15), enough).await.is_err() {
            let called = self.of(function);
            let late = format!("`{function}` was to be called {count} times, and was: {called:?}");
            return Err(Error::new(ErrorKind::Timeout, late));
        }
        Ok(self.of(function))
    }
}

/// What the application stores.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) bucket: Bucket,
    pub(crate) jobs: Queue<Job>,
    pub(crate) batches: Queue<Job>,
    pub(crate) ordered: Queue<Job>,
    pub(crate) journal: Journal,
}

const BUCKET: Ref<Bench, Bucket> = Ref::new("bucket", |bench| &bench.bucket);
const JOBS: Ref<Bench, Queue<Job>> = Ref::new("jobs", |bench| &bench.jobs);
const BATCHES: Ref<Bench, Queue<Job>> = Ref::new("batches", |bench| &bench.batches);
const ORDERED: Ref<Bench, Queue<Job>> = Ref::new("ordered", |bench| &bench.ordered);

fn declared(name: &'static str) -> Result<Declaration> {
    let options = ResourceOptions::new().max_attempts(MAX_ATTEMPTS);
    let kind = match name {
        "bucket" => Bucket::kind(ResourceOptions::new())?,
        "ordered" => <Queue<Job> as Resource>::kind(options.ordered(true))?,
        _ => <Queue<Job> as Resource>::kind(options)?,
    };
    Ok(Declaration::new(name, kind))
}

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        ["bucket", "jobs", "batches", "ordered"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            bucket: Resource::open(opener, &declared("bucket")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            batches: Resource::open(opener, &declared("batches")?)?,
            ordered: Resource::open(opener, &declared("ordered")?)?,
            journal: Journal::new(),
        })
    }
}

pub(crate) fn app() -> App<Bench> {
    App::new("bench")
        .http("status", route::get("/status/{how}"), status)
        .http("enqueue", route::post("/enqueue"), enqueue)
        .http("length", route::post("/length").body_limit(1000).accepts(["text/plain"]), length)
        .http("echo", route::post("/echo").body_limit(5 << 20), echo)
        .http("mirror", route::get("/mirror/{*rest}"), mirror)
        .on_message("job", JOBS.timeout(Duration::from_millis(400)), job)
        .on_batch("batch", BATCHES.batch_size(5), batch)
        .on_message("ordered", ORDERED, job)
        .on_blob_created("created", BUCKET, blob)
        .on_blob_deleted("deleted", BUCKET, blob)
        .on_schedule("nightly", "0 3 * * *", nightly)
}

/// Fails as the path says; every text that must not be seen holds the word `secret`.
async fn status(request: Request, cx: Context<Bench>) -> HandlerResult<Response> {
    let how: String = request.path_param("how")?;
    cx.journal.note(&cx, &how);
    let port = |kind| Error::new(kind, "secret").with_operation("kv.get");
    Err(match how.as_str() {
        "ok" => return Ok(Response::text("fine")),
        "missing-key" => port(ErrorKind::NotFound).with_key("k").into(),
        "missing-bucket" => port(ErrorKind::NotFound).into(),
        "exists" => port(ErrorKind::AlreadyExists).with_key("k").into(),
        "conflict" => port(ErrorKind::Conflict).with_key("k").into(),
        "stale" => port(ErrorKind::PreconditionFailed).with_key("k").into(),
        "large" => port(ErrorKind::TooLarge).into(),
        "wrong" => request.path_param::<u32>("how").err().map_or_else(|| "secret".into(), Into::into),
        "throttled" => port(ErrorKind::Throttled).into(),
        "absent" => port(ErrorKind::Unavailable).into(),
        "denied" => port(ErrorKind::PermissionDenied).into(),
        "said" => HandlerError::status(StatusCode::IM_A_TEAPOT, "short and stout"),
        "panic" => panic!("secret"),
        "hang" => std::future::pending().await,
        _ => "secret".into(),
    })
}

async fn enqueue(request: Request, cx: Context<Bench>) -> HandlerResult<StatusCode> {
    cx.journal.note(&cx, "request");
    let job: Job = request.json().await?;
    cx.jobs.send(&job).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn length(request: Request, _: Context<Bench>) -> HandlerResult<String> {
    Ok(request.bytes().await?.len().to_string())
}

async fn echo(request: Request, _: Context<Bench>) -> HandlerResult<Response> {
    Ok(Response::ok(request.bytes().await?))
}

async fn mirror(request: Request, _: Context<Bench>) -> HandlerResult<Response> {
    let many = request.headers().get_all("x-many").iter().filter_map(|value| value.to_str().ok());
    let text = format!("{}|{}", request.uri(), many.collect::<Vec<_>>().join("+"));
    let joined = request.fidelity().headers_joined.to_string();
    Ok(Response::text(text)
        .with_header("x-joined", joined)
        .with_header("set-cookie", "a=1")
        .with_header("set-cookie", "b=2; Path=/"))
}

async fn job(message: Message<Job>, cx: Context<Bench>) -> HandlerResult {
    cx.journal.note(&cx, &message.name);
    act(message.act, message.attempt()).await
}

async fn batch(batch: Batch<Job>, cx: Context<Bench>) -> HandlerResult<Outcomes> {
    let cx = &cx;
    Ok(batch
        .each(4, |message| async move {
            cx.journal.note(cx, &message.name);
            act(message.act, message.attempt()).await
        })
        .await)
}

async fn act(act: Act, attempt: u32) -> HandlerResult {
    match act {
        Act::Succeed => Ok(()),
        Act::FailOnce if attempt > 1 => Ok(()),
        Act::Fail | Act::FailOnce => Err("not now".into()),
        Act::Fatal => Err("this will never do").or_fatal(),
        Act::Panic => panic!("told to"),
        Act::Nap => {
            tokio::time::sleep(NAP).await;
            Ok(())
        }
        Act::Hang => std::future::pending().await,
    }
}

/// Fails once for keys that begin with `poor`, and for good for those that begin with `lost`.
async fn blob(event: BlobEvent, cx: Context<Bench>) -> HandlerResult {
    let change = if event.change == BlobChange::Created { '+' } else { '-' };
    cx.journal.note(&cx, format!("{change}{}", event.key));
    match cx.invocation().attempt {
        1 if event.key.starts_with("poor") => Err("not now".into()),
        _ if event.key.starts_with("lost") => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}

async fn nightly(event: ScheduleEvent, cx: Context<Bench>) -> HandlerResult {
    let scheduled = event.scheduled.duration_since(SystemTime::UNIX_EPOCH).or_fatal()?;
    cx.journal.note(&cx, scheduled.as_secs().to_string());
    Ok(())
}
