//! The Runtime API of Lambda, over HTTP, on a thread of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

/// An invocation that waits for a function.
#[derive(Debug)]
struct Pending {
    id: String,
    event: Bytes,
    deadline: Deadline,
    trace: Option<String>,
}

/// By when a function has to answer.
#[derive(Debug)]
enum Deadline {
    /// So long after it was taken.
    After(Duration),
    /// In milliseconds since 1970, as another Runtime API has written it.
    At(String),
}

/// What a function answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// JSON.
    Whole(Value),
    /// A stream: its prelude, its body, and the trailers where it broke off.
    Streamed(Value, Bytes, Option<HeaderMap>),
    /// An error.
    Failed(Value),
}

#[derive(Debug)]
struct State {
    address: SocketAddr,
    /// Whether extensions are taken.
    extensions: bool,
    pending: mpsc::UnboundedSender<Pending>,
    next: tokio::sync::Mutex<mpsc::UnboundedReceiver<Pending>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    pollers: watch::Sender<usize>,
    init_errors: watch::Sender<Vec<Value>>,
    count: std::sync::atomic::AtomicU64,
}

/// A Runtime API.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeApi(Arc<State>);

impl RuntimeApi {
    /// Serves it at this address, for as long as the process lives.
    pub(crate) fn start(address: &str, extensions: bool) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let (pending, next) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            address: listener.local_addr()?,
            extensions,
            pending,
            next: tokio::sync::Mutex::new(next),
            waiting: Mutex::default(),
            pollers: watch::Sender::new(0),
            init_errors: watch::Sender::new(Vec::new()),
            count: std::sync::atomic::AtomicU64::new(0),
        });
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(listener, serving));
        });
        Ok(Self(state))
    }

    /// Invokes the function and waits for its answer; `None` where it was withdrawn.
    pub(crate) async fn invoke(&self, event: &Value, time: Duration, trace: Option<&str>) -> Option<Answer> {
        let number = self.0.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let id = format!("8476a536-e9f4-11e8-9739-{number:012}");
        let (event, deadline) = (event.to_string().into(), Deadline::After(time));
        self.hand_over(Pending { id, event, deadline, trace: trace.map(str::to_owned) }).await
    }

    /// The same for what another Runtime API gave out.
    pub(crate) async fn relay(
        &self,
        id: String,
        event: Bytes,
        deadline: String,
        trace: Option<String>,
    ) -> Option<Answer> {
        self.hand_over(Pending { id, event, deadline: Deadline::At(deadline), trace }).await
    }

    async fn hand_over(&self, pending: Pending) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.waiting().insert(pending.id.clone(), answer);
        self.0.pending.send(pending).expect("the API serves");
        answered.await.ok()
    }

    /// Withdraws all invocations, and waits until nobody polls any more.
    pub(crate) async fn reset(&self) {
        self.waiting().clear();
        let mut pollers = self.0.pollers.subscribe();
        let gone = pollers.wait_for(|count| *count == 0);
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("they go").expect("the API serves");
        while self.0.next.lock().await.try_recv().is_ok() {}
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Withdraws all invocations.
    pub(crate) fn withdraw(&self) {
        self.waiting().clear();
    }

    /// What was said to `init/error` so far.
    pub(crate) fn init_errors(&self) -> Vec<Value> {
        self.0.init_errors.borrow().clone()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, id: &str, answer: Answer) -> Response<Full<Bytes>> {
        match self.waiting().remove(id) {
            Some(waiting) => {
                // Whoever waited may have gone.
                let _ = waiting.send(answer);
                text(StatusCode::ACCEPTED, "{\"status\":\"OK\"}")
            }
            None => text(StatusCode::BAD_REQUEST, "{\"errorType\":\"InvalidRequestID\"}"),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let _polling = Polling::begin(&self.0.pollers);
        let mut next = self.0.next.lock().await;
        loop {
            let pending = next.recv().await.expect("the API serves");
            if !self.waiting().contains_key(&pending.id) {
                continue;
            }
            let deadline = match pending.deadline {
                Deadline::At(deadline) => deadline,
                Deadline::After(time) => {
                    let deadline = SystemTime::now() + time;
                    deadline.duration_since(UNIX_EPOCH).expect("after 1970").as_millis().to_string()
                }
            };
            let mut response = Response::builder()
                .header("content-type", "application/json")
                .header("lambda-runtime-aws-request-id", &pending.id)
                .header("lambda-runtime-invocation-id", format!("delivery-{}", pending.id))
                .header("lambda-runtime-deadline-ms", deadline)
                .header(
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:123456789012:function:bench",
                );
            if let Some(trace) = pending.trace {
                response = response.header("lambda-runtime-trace-id", trace);
            }
            return response.body(Full::from(pending.event)).expect("a response");
        }
    }
}

/// Somebody who polls.
struct Polling<'p>(&'p watch::Sender<usize>);

impl<'p> Polling<'p> {
    fn begin(pollers: &'p watch::Sender<usize>) -> Self {
        pollers.send_modify(|count| *count += 1);
        Self(pollers)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn serve(listener: std::net::TcpListener, state: Arc<State>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let api = RuntimeApi(Arc::clone(&state));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let api = api.clone();
                async move { Ok::<_, Infallible>(route(api, request).await) }
            });
            // A client that goes away in the midst of a poll is as it should be.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn route(api: RuntimeApi, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if let Some(path) = path.strip_prefix("/2020-01-01/extension/").filter(|_| api.0.extensions) {
        return extension(&parts.method, path).await;
    }
    let rest = path.strip_prefix("/2018-06-01/runtime/").unwrap_or(&path);
    let segments: Vec<&str> = rest.split('/').collect();
    match (&parts.method, &segments[..]) {
        (&Method::GET, ["invocation", "next"]) => api.next().await,
        (&Method::POST, ["invocation", id, end @ ("response" | "error")]) => {
            let delivery =
                parts.headers.get("lambda-runtime-invocation-id").and_then(|value| value.to_str().ok());
            if delivery != Some(&format!("delivery-{id}")) {
                return text(StatusCode::GONE, "{\"errorType\":\"StaleDelivery\"}");
            }
            match read(*end == "error", &parts.headers, body).await {
                Ok(answer) => api.answered(id, answer),
                Err(wrong) => text(StatusCode::BAD_REQUEST, wrong),
            }
        }
        (&Method::POST, ["init", "error"]) => {
            let error = json(body).await.unwrap_or(Value::Null);
            api.0.init_errors.send_modify(|errors| errors.push(error));
            text(StatusCode::ACCEPTED, "{\"status\":\"OK\"}")
        }
        _ => text(StatusCode::NOT_FOUND, "{\"errorType\":\"NotFound\"}"),
    }
}

/// An extension registers, and waits for events that it did not ask for.
async fn extension(method: &Method, path: &str) -> Response<Full<Bytes>> {
    match (method, path) {
        (&Method::POST, "register") => {
            let mut response = text(
                StatusCode::OK,
                r#"{"functionName":"bench","functionVersion":"$LATEST","handler":"bootstrap"}"#,
            );
            response
                .headers_mut()
                .insert("lambda-extension-identifier", http::HeaderValue::from_static("8d5c1d6f"));
            response
        }
        (&Method::GET, "event/next") => std::future::pending().await,
        _ => text(StatusCode::NOT_FOUND, "{\"errorType\":\"NotFound\"}"),
    }
}

async fn read(error: bool, headers: &HeaderMap, body: Incoming) -> Result<Answer, &'static str> {
    if error {
        let error = json(body).await.ok_or("an error that is not JSON")?;
        let named = error["errorType"].is_string() && error["errorMessage"].is_string();
        return named.then_some(Answer::Failed(error)).ok_or("an error without a type or a message");
    }
    if headers.get("lambda-runtime-function-response-mode").is_none_or(|mode| mode != "streaming") {
        return Ok(Answer::Whole(json(body).await.ok_or("a response that is not JSON")?));
    }
    if headers
        .get("content-type")
        .is_none_or(|kind| kind != "application/vnd.awslambda.http-integration-response")
    {
        return Err("a stream of another type");
    }
    let collected = body.collect().await.map_err(|_| "a stream that broke off")?;
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let end = bytes.windows(8).position(|window| window == [0; 8]).ok_or("a stream without its separator")?;
    let prelude = serde_json::from_slice(&bytes[..end]).map_err(|_| "a prelude that is not JSON")?;
    Ok(Answer::Streamed(prelude, bytes.slice(end + 8..), trailers))
}

async fn json(body: Incoming) -> Option<Value> {
    let bytes = body.collect().await.ok()?.to_bytes();
    serde_json::from_slice(&bytes).ok()
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
