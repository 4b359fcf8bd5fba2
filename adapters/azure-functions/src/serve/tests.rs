use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use skyport_core::app::{App, Context, Declaration, HandlerResult, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::event::ScheduleEvent;
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Has nothing to open.
struct Nothing;

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Err(Error::invalid("no bucket"))
    }

    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Err(Error::invalid("no queue"))
    }

    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Err(Error::invalid("no table"))
    }
}

async fn echo(request: Request, _: Context<()>) -> HandlerResult<Response> {
    Ok(Response::ok(request.into_body()))
}

async fn root(_: Request, _: Context<()>) -> HandlerResult<&'static str> {
    Ok("the application's own")
}

async fn tick(_: ScheduleEvent, _: Context<()>) -> HandlerResult {
    Ok(())
}

fn app() -> App<()> {
    App::new("bench")
        .http("root", route::get("/"), root)
        .http("echo", route::post("/sweep"), echo)
        .on_schedule("sweep", "*/5 * * * *", tick)
}

/// A handler that serves, and where.
async fn serving(shutdown: &Shutdown) -> (SocketAddr, tokio::task::JoinHandle<Result<()>>) {
    let (functions, _) = app().bind(&Nothing).expect("binds");
    let mut config = AzureFunctionsConfig::default();
    config.server.port = 0;
    config.server.host = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    config.server.grace = Duration::from_millis(50);
    let handler = AzureFunctions::new(Arc::new(functions)).config(config).signals(false);
    let bound = handler.shutdown(shutdown.clone()).bind().await.expect("bound");
    let address = bound.local_addr();
    assert!(address.ip().is_loopback(), "whatever the config says: {address}");
    (address, tokio::spawn(bound.run()))
}

/// Sends these bytes, and reads what comes until the connection ends.
async fn sent(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(bytes).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

/// As the host calls, in two chunks.
fn call(function: &str, extra: &str, body: &str) -> Vec<u8> {
    let (first, second) = body.split_at(body.len() / 2);
    let chunks: String =
        [first, second, ""].map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).concat();
    let head = "Host: 127.0.0.1:41234\r\nX-Azure-Functions-HostVersion: 4.1037.0\r\n\
                X-Azure-Functions-InvocationId: 6f1f7ae8\r\nUser-Agent: Azure-Functions-Host/4.1037.0\r\n\
                Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    format!("POST /{function} HTTP/1.1\r\n{head}{extra}\r\n{chunks}").into_bytes()
}

const TIMER: &str = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"sweep","UtcNow":"2026-11-26T13:05:00.0123456Z"}}}"#;

#[tokio::test]
async fn the_host_and_its_clients_are_told_apart_on_the_wire() {
    let (address, _handler) = serving(&Shutdown::new()).await;
    let ping = sent(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1:41234\r\nConnection: close\r\n\r\n").await;
    assert!(ping.starts_with("HTTP/1.1 204 "), "{ping}");
    let answer = sent(address, &call("sweep", "", TIMER)).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#);
    // The same, proxied: it is the route's, and streams back.
    let echoed = sent(address, &call("sweep", "x-ms-invocation-id: 6f1f7ae8\r\n", TIMER)).await;
    assert!(echoed.starts_with("HTTP/1.1 200 ") && echoed.contains("IsPastDue"), "{echoed}");
    let root = b"GET / HTTP/1.1\r\nHost: example.org\r\nX-Azure-Functions-InvocationId: 1\r\nx-ms-invocation-id: 1\r\nConnection: close\r\n\r\n";
    assert!(sent(address, root).await.ends_with("the application's own"));
}

#[tokio::test]
async fn nonsense_gets_a_sound_answer_and_the_next_call_is_served() {
    let (address, _handler) = serving(&Shutdown::new()).await;
    for body in ["", "null", "[]", "{\"Data\":{}}", "\u{0}"] {
        let answer = sent(address, &call("unknown", "", body)).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 40"), "{head}");
        assert!(serde_json::from_str::<Value>(body).expect("JSON")["Outputs"].is_object());
    }
    for bytes in [&b"\0\0\0\0\r\n\r\n"[..], b"NONSENSE\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"] {
        let answer = sent(address, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(sent(address, &call("sweep", "", TIMER)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let shutdown = Shutdown::new();
    let (address, handler) = serving(&shutdown).await;
    assert!(sent(address, &call("sweep", "", TIMER)).await.starts_with("HTTP/1.1 200 "));
    shutdown.trigger();
    handler.await.expect("no panic").expect("ended");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_name_that_the_host_does_not_take_is_refused_at_the_start() {
    let app = App::<()>::new("bench").on_schedule("Host", "* * * * *", tick);
    let (functions, _) = app.bind(&Nothing).expect("binds");
    let mut config = AzureFunctionsConfig::default();
    config.server.port = 0;
    let error = run(Arc::new(functions), config).await.expect_err("refused");
    assert!(error.message().contains("`Host`") && error.message().contains("call the function"), "{error}");
}

#[tokio::test]
async fn a_socket_that_others_reach_is_refused() {
    let mut server = AzureFunctionsConfig::default().server;
    (server.host, server.port) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let socket = Socket::bind(&server).await.expect("bound");
    let (functions, _) = app().bind(&Nothing).expect("binds");
    let error = AzureFunctions::new(Arc::new(functions)).socket(socket).bind().await.expect_err("refused");
    assert!(error.message().contains("127.0.0.1"), "{error}");
}
