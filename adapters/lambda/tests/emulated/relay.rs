//! The program that is deployed, and its other end in the test.
//!
//! It takes an invocation from the emulator's Runtime API, sends it to the test as it is, and brings back what the adapter
//! there has answered. The connection to the test stays open until the emulator has that: so the test knows what is still under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http1::{Failure, send};
use crate::support::runtime_api::{Answer, RuntimeApi};

/// Says to this program that it is the relay, and where the test listens.
pub(crate) const ADDRESS: &str = "SKYPORT_TEST_RELAY";

/// What the emulator starts: this program lies on the same machine, and is too large to be sent for each case.
pub(crate) const BOOTSTRAP: &str = "#!/bin/sh\nexec \"$SKYPORT_TEST_PROGRAM\"\n";

/// Says to [`BOOTSTRAP`] where this program is.
pub(crate) const PROGRAM: &str = "SKYPORT_TEST_PROGRAM";

const ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
const TRACE: &str = "lambda-runtime-trace-id";

/// How the invocation ended, by the name that the Runtime API has for it.
const ENDING: &str = "x-ending";

/// The relay as a program: until the emulator has no more for it.
pub(crate) fn main(test: &str) -> ExitCode {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the emulator's Runtime API");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { while pass_on(&api, test).await.is_ok() {} });
    ExitCode::SUCCESS
}

/// Brings one invocation to the test, and its end back.
async fn pass_on(api: &str, test: &str) -> Result<(), Failure> {
    let next = Request::get("/2018-06-01/runtime/invocation/next").body(Bytes::new())?;
    let invocation = send(api, next).await?;
    if invocation.status() != 200 {
        return Err("there is no more".into());
    }
    let (head, event) = invocation.into_parts();
    let id = text(&head.headers, ID).ok_or("an invocation without an id")?;
    let mut request = Request::post("/").body(Full::new(event))?;
    for name in [ID, DEADLINE, TRACE] {
        if let Some(value) = head.headers.get(name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let stream = TcpStream::connect(test).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let open = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let ending = text(&head.headers, ENDING).ok_or("an answer that does not say what it is")?;
    let body = body.collect().await?.to_bytes();
    send(api, Request::post(format!("/2018-06-01/runtime/invocation/{id}/{ending}")).body(body)?).await?;
    drop(sender);
    open.await??;
    Ok(())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Where relays bring their invocations; it ends with this.
#[derive(Debug)]
pub(crate) struct Exchange {
    address: SocketAddr,
    under_way: watch::Receiver<usize>,
    _serving: JoinSet<()>,
}

impl Exchange {
    pub(crate) async fn open(api: RuntimeApi) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (count, under_way) = watch::channel(0);
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, api, count));
        Ok(Self { address, under_way, _serving: serving })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the emulator knows the end of all that it has begun; whether that came in time.
    pub(crate) async fn quiet(&self, limit: Duration) -> bool {
        let mut under_way = self.under_way.clone();
        let quiet = under_way.wait_for(|count| *count == 0);
        matches!(tokio::time::timeout(limit, quiet).await, Ok(Ok(_)))
    }
}

async fn accept(listener: TcpListener, api: RuntimeApi, count: watch::Sender<usize>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                count.send_modify(|count| *count += 1);
                connections.spawn(serve(stream, api.clone()));
            }
            Some(ended) = connections.join_next() => {
                count.send_modify(|count| *count -= 1);
                ended.expect("no panic");
            }
        }
    }
}

async fn serve(stream: TcpStream, api: RuntimeApi) {
    let service = service_fn(move |request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(answer(&api, request).await) }
    });
    // A relay that the emulator has ended goes as it is.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(api: &RuntimeApi, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let header = |name| text(&head.headers, name);
    let event = body.collect().await.expect("an event").to_bytes();
    let (id, deadline) = (header(ID).expect("an id"), header(DEADLINE).expect("a deadline"));
    let (ending, body) = match api.relay(id, event, deadline, header(TRACE)).await {
        Some(Answer::Whole(answer)) => ("response", answer),
        Some(Answer::Failed(error)) => ("error", error),
        Some(Answer::Streamed(..)) => panic!("a stream, which nobody asked for"),
        None => ("error", json!({"errorType": "Test.Stopped", "errorMessage": "the function has stopped"})),
    };
    let response = Response::builder().header(ENDING, ending);
    response.body(Full::from(body.to_string())).expect("a response")
}
