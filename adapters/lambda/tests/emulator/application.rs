//! The application of the tests that run it as a process.

use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;

use skyport_core::app::{
    App, Context, Declaration, HandlerError, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions,
    Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Body, Error, ErrorKind, Raw, Result, TraceContext};
use skyport_lambda::{LambdaConfig, Remembering};
use skyport_memory::Memory;

struct Bench {
    photos: Bucket,
    jobs: Queue<String, Raw>,
}

const PHOTOS: Ref<Bench, Bucket> = Ref::new("photos", |bench| &bench.photos);
const JOBS: Ref<Bench, Queue<String, Raw>> = Ref::new("jobs", |bench| &bench.jobs);

impl Resources for Bench {
    fn declarations() -> Result<Vec<Declaration>> {
        let options = ResourceOptions::new;
        Ok(vec![
            Declaration::new("photos", Bucket::kind(options())?),
            Declaration::new("jobs", <Queue<String, Raw> as Resource>::kind(options())?),
        ])
    }

    fn open(opener: &dyn Opener) -> Result<Self> {
        let declared = Self::declarations()?;
        Ok(Self {
            photos: Resource::open(opener, &declared[0])?,
            jobs: Resource::open(opener, &declared[1])?,
        })
    }
}

#[derive(Debug)]
struct Fakes(Memory);

impl Opener for Fakes {
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

pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve() -> Result<()> {
    let app = App::new("bench")
        .http("echo", route::post("/echo/{*rest}"), echo)
        .http("panic", route::get("/panic"), panics)
        .http("hang", route::get("/hang"), hangs)
        .http("broken", route::get("/broken"), broken)
        .http("trace", route::get("/trace"), trace)
        .on_message("job", JOBS, job)
        .on_blob_created("created", PHOTOS, created)
        .on_schedule("sweep", "*/5 * * * *", sweep);
    let memory = Memory::new();
    for declaration in Bench::declarations()? {
        memory.create(&ResourceUrl::new("memory", &*declaration.name), &declaration.kind).await?;
    }
    let fakes = Fakes(memory);
    let remembering = Remembering::new(&fakes);
    let (functions, _) = app.bind(&remembering)?;
    let mut config = LambdaConfig::from_env(|name| std::env::var(name).ok())?;
    config.ports = remembering.into_ports();
    skyport_lambda::run(Arc::new(functions), config).await
}

async fn echo(request: Request, cx: Context<Bench>) -> HandlerResult<Response> {
    let (uri, many) = (request.uri().to_string(), request.header("x-many").unwrap_or_default().to_owned());
    let left = cx.invocation().remaining().map_or(0, |left| left.as_millis()).to_string();
    let first = cx.invocation().cold_start.to_string();
    let body = request.bytes().await?;
    let response = Response::ok(body).with_header("x-uri", uri).with_header("x-many", many);
    let response = response.with_header("x-left", left).with_header("x-first", first);
    Ok(response.with_header("set-cookie", "a=1").with_header("set-cookie", "b=2"))
}

async fn panics(_: Request, _: Context<Bench>) -> HandlerResult {
    panic!("secret")
}

/// Says that it has begun to whoever listens at the address in the query.
async fn hangs(request: Request, _: Context<Bench>) -> HandlerResult {
    if let Some(address) = request.query_param::<SocketAddr>("tell")? {
        TcpStream::connect(address)?;
    }
    std::future::pending().await
}

async fn broken(_: Request, _: Context<Bench>) -> HandlerResult<Response> {
    let chunks = [Ok("half"), Err(Error::new(ErrorKind::Unavailable, "secret"))];
    Ok(Response::ok(Body::from_stream(futures_util::stream::iter(chunks))))
}

async fn trace(_: Request, _: Context<Bench>) -> HandlerResult<String> {
    Ok(TraceContext::current().map(|trace| format!("{:032x}", trace.trace_id())).unwrap_or_default())
}

async fn job(message: Message<String>, _: Context<Bench>) -> HandlerResult {
    act(message.value())
}

async fn created(event: BlobEvent, _: Context<Bench>) -> HandlerResult {
    act(&event.key)
}

async fn sweep(event: ScheduleEvent, _: Context<Bench>) -> HandlerResult {
    if event.scheduled == std::time::SystemTime::UNIX_EPOCH { Ok(()) } else { Err("another instant".into()) }
}

fn act(text: &str) -> HandlerResult {
    match text {
        "fail" => Err("not now".into()),
        "fatal" => Err(HandlerError::fatal("never")),
        _ => Ok(()),
    }
}
