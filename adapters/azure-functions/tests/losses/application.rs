//! An application that tells what it was called with.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use skyport_azure_functions::AzureFunctionsConfig;
use skyport_azure_functions::metadata::{Deployment, HttpForm};
use skyport_core::app::{
    App, Context, Declaration, HandlerError, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions,
    Resources, ResultExt,
};
use skyport_core::blob::Bucket;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::queue::Queue;
use skyport_core::{Error, Result};
use skyport_functions_host::Queues;
use tokio::sync::watch;

use crate::support::azure::Azure;
use crate::support::served::Served;

/// What it stores.
#[derive(Debug)]
pub(crate) struct Store {
    bucket: Bucket,
    jobs: Queue<Value>,
    called: watch::Sender<Vec<String>>,
}

const BUCKET: Ref<Store, Bucket> = Ref::new("bucket", |store| &store.bucket);
const JOBS: Ref<Store, Queue<Value>> = Ref::new("jobs", |store| &store.jobs);

pub(crate) fn declared(name: &'static str) -> Result<Declaration> {
    let kind = match name {
        "bucket" => Bucket::kind(ResourceOptions::new())?,
        _ => <Queue<Value> as Resource>::kind(ResourceOptions::new().max_attempts(3))?,
    };
    Ok(Declaration::new(name, kind))
}

impl Resources for Store {
    fn declarations() -> Result<Vec<Declaration>> {
        ["bucket", "jobs"].into_iter().map(declared).collect()
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self {
            bucket: Resource::open(opener, &declared("bucket")?)?,
            jobs: Resource::open(opener, &declared("jobs")?)?,
            called: watch::Sender::default(),
        })
    }
}

pub(crate) fn app() -> App<Store> {
    App::new("losses")
        .http("mirror", route::any("/mirror/{*rest}"), mirror)
        .http("echo", route::post("/echo").body_limit(5 << 20), echo)
        .http("problem", route::get("/problem"), problem)
        .on_blob_created("created", BUCKET, created)
        .on_message("job", JOBS, job)
        .on_schedule("sweep", "* * * * *", sweep)
}

/// Fails the first two times.
async fn sweep(event: ScheduleEvent, cx: Context<Store>) -> HandlerResult {
    let seconds = event.scheduled.duration_since(UNIX_EPOCH).or_fatal()?.as_secs();
    cx.called.send_modify(|called| called.push(format!("sweep {seconds}")));
    if cx.called.borrow().len() < 3 { Err("not now".into()) } else { Ok(()) }
}

/// Tells what came, and sends two cookies.
async fn mirror(request: Request, _: Context<Store>) -> HandlerResult<Response> {
    let headers = request.headers();
    let of = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join("+")
    };
    let fidelity = request.fidelity();
    let told = serde_json::json!({
        "uri": request.uri().to_string(),
        "many": of("x-many"),
        "agent": of("user-agent"),
        "joined": fidelity.headers_joined,
        "decoded": fidelity.path_decoded,
    });
    let response = Response::text(told.to_string()).with_header("x-joined", "yes, it may be");
    Ok(response.with_header("set-cookie", "a=1").with_header("set-cookie", "b=2; Path=/"))
}

async fn echo(request: Request, _: Context<Store>) -> HandlerResult<Response> {
    let media =
        request.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = request.bytes().await?;
    // What is no text is told as the sum of its bytes.
    match (media.as_deref(), std::str::from_utf8(&body)) {
        (Some("application/octet-stream"), _) => {
            let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
            Ok(Response::text(format!("{} bytes, {sum}", body.len())))
        }
        (_, Ok(text)) => Ok(Response::text(text.to_owned())),
        (_, Err(_)) => Ok(Response::ok(body)),
    }
}

async fn problem(_: Request, _: Context<Store>) -> HandlerResult<Response> {
    Err("secret".into())
}

/// Fails the first time for `poor`, and for good for `lost`.
async fn created(event: BlobEvent, cx: Context<Store>) -> HandlerResult {
    let before = cx.called.borrow().iter().filter(|called| **called == event.key).count();
    cx.called.send_modify(|called| called.push(event.key.clone()));
    match event.key.as_str() {
        "poor" if before == 0 => Err("not now".into()),
        "lost" => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}

/// Fails where it is told to.
async fn job(message: Message<Value>, cx: Context<Store>) -> HandlerResult {
    let told = format!("{} attempt {}", message["name"], message.attempt());
    cx.called.send_modify(|called| called.push(told));
    if message["fail"] == true { Err("not now".into()) } else { Ok(()) }
}

/// The application behind the host.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) served: Served,
    store: Arc<Store>,
}

impl Running {
    pub(crate) async fn start(form: HttpForm, queues: Arc<dyn Queues>) -> Result<Self> {
        Self::over(&Azure::new(), form, queues).await
    }

    /// With what it stores here.
    pub(crate) async fn over(azure: &Azure, form: HttpForm, queues: Arc<dyn Queues>) -> Result<Self> {
        let (functions, store) = app().bind(azure)?;
        let mut deployment = Deployment::new("handler").queue("jobs", "losses-jobs");
        deployment.http = form;
        deployment.retry_pause = std::time::Duration::from_secs(1);
        let manifest = functions.manifest().clone();
        let config = AzureFunctionsConfig::default();
        let served = Served::start(Arc::new(functions), &manifest, &deployment, config, queues).await?;
        Ok(Self { served, store })
    }

    /// What its handlers were called with, once there are so many.
    pub(crate) async fn called(&self, count: usize) -> Result<Vec<String>> {
        let mut called = self.store.called.subscribe();
        let enough = called.wait_for(|called| called.len() >= count);
        let enough = tokio::time::timeout(std::time::Duration::from_secs(10), enough).await;
        match enough {
            Ok(Ok(called)) => Ok(called.clone()),
            _ => Err(Error::internal(format!("there were not {count} calls"))),
        }
    }
}
