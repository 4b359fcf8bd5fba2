//! A platform that brings what is not HTTP as requests.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::StatusCode;
use skyport_core::app::{
    App, Context, Declaration, Functions, HandlerResult, Invocation, Opener, Ref, Resource, ResourceOptions,
    Resources,
};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::event::{BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response, problem, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{ErrorKind, Result, Shutdown};
use skyport_memory::Memory;
use skyport_server::{Intercept, Intercepted, Server};
use tokio::sync::Notify;

use super::support::{Nothing, body, config, run, status};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Answers `/event`, says more of `/traced`, waits in `/slow` until it is told to stop, and panics when asked to.
#[derive(Debug, Default)]
struct Platform {
    /// A request to `/slow` has begun.
    begun: Notify,
}

#[async_trait]
impl Intercept for Platform {
    async fn intercept(&self, mut request: Request, invocation: &mut Invocation) -> Intercepted {
        match request.path() {
            "/event" => {
                let sent = request.take_body().collect(1000).await.expect("small");
                Intercepted::Answered(Response::ok(sent).with_status(StatusCode::ACCEPTED))
            }
            "/slow" => {
                self.begun.notify_one();
                invocation.cancelled().await;
                let detail = Some("it comes again");
                Intercepted::Answered(problem::response(StatusCode::SERVICE_UNAVAILABLE, detail, None))
            }
            "/panic" => panic!("told to"),
            "/traced" => {
                invocation.trace = TRACE.parse().expect("a trace");
                Intercepted::Passed(request)
            }
            _ => Intercepted::Passed(request),
        }
    }
}

async fn trace(request: Request, cx: Context<()>) -> HandlerResult<String> {
    let sent = request.text().await?;
    Ok(format!("{:032x} {sent}", cx.invocation().trace.trace_id()))
}

fn server(platform: &Arc<Platform>) -> Server {
    let app = App::new("web").http("trace", route::any("/{*path}"), trace);
    let (functions, _) = app.bind(&Nothing).expect("a sound application");
    Server::new(Arc::new(functions)).config(config()).intercept(Arc::clone(platform) as Arc<dyn Intercept>)
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn a_request_is_answered_before_it_is_routed_or_passed_on_as_it_came() {
    let server = run(server(&Arc::default())).await;
    let answered = server.exchange(&post("/event", "an event")).await;
    assert_eq!((status(&answered), body(&answered)), (202, "an event"));
    let passed = server.exchange(&post("/anything", "a body")).await;
    assert!(body(&passed).ends_with(" a body"), "{passed}");
    let traced = server.exchange(&post("/traced", "x")).await;
    assert_eq!(body(&traced), "4bf92f3577b34da6a3ce929d0e0e4736 x");
    // The server's own is not looked at by anybody else.
    assert_eq!(body(&server.get("/healthz").await), "ok");
    server.stop().await;
}

#[tokio::test]
async fn what_intercepts_is_held_to_what_the_server_promises() {
    let mut config = config();
    config.grace = Duration::from_millis(50);
    let platform = Arc::default();
    let server = run(server(&platform).config(config)).await;
    assert_eq!(status(&server.exchange(&post("/panic", "")).await), 500);
    let mut slow = server.connect().await;
    slow.send(&post("/slow", "")).await;
    platform.begun.notified().await;
    server.shutdown.trigger();
    let told = slow.read_to_end().await;
    assert!(status(&told) == 503 && told.contains("it comes again"), "{told}");
    server.stop().await;
}

struct Files {
    files: Bucket,
}

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

fn files() -> Result<Declaration> {
    Ok(Declaration::new("files", Bucket::kind(ResourceOptions::new())?))
}

impl Resources for Files {
    fn declarations() -> Result<Vec<Declaration>> {
        Ok(vec![files()?])
    }
    fn open(opener: &dyn Opener) -> Result<Self> {
        Ok(Self { files: Resource::open(opener, &files()?)? })
    }
}

#[tokio::test]
async fn a_server_told_so_starts_no_triggers_and_still_fires_schedules_by_hand() {
    async fn index(_: BlobEvent, _: Context<Files>) -> HandlerResult {
        Ok(())
    }
    async fn sweep(event: ScheduleEvent, _: Context<Files>) -> HandlerResult {
        if event.scheduled == SystemTime::UNIX_EPOCH { Ok(()) } else { Err("another instant".into()) }
    }
    let bucket: Ref<Files, Bucket> = Ref::new("files", |files| &files.files);
    let server = |made: fn(Arc<Functions>) -> Server| {
        let app =
            App::new("web").on_blob_created("index", bucket, index).on_schedule("sweep", "* * * * *", sweep);
        let (functions, _) = app.bind(&Fakes(Memory::new())).expect("a sound application");
        made(Arc::new(functions)).config(config()).shutdown(Shutdown::new()).signals(false)
    };
    // The bucket is not there: who subscribes to it finds out.
    let missing = server(Server::new).bind().await.expect_err("no such bucket");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let bound = server(Server::without_triggers).bind().await.expect("nothing is subscribed to");
    assert!(bound.triggers().queues().is_empty());
    let fired = bound.triggers().fire("sweep", SystemTime::UNIX_EPOCH).await.expect("is called");
    assert!(fired.is_done(), "{fired:?}");
}
