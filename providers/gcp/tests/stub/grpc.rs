//! A server of gRPC that answers as a test says: each call meets a function, or the next of a script, and all calls can be looked at.
//!
//! It listens on a port of its own, speaks HTTP/2 without TLS, and knows no service: messages are bytes, which the test decodes and
//! encodes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use gcloud_sdk::prost::Message;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::Code;

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// `Commit`, say.
    pub(crate) method: String,
    pub(crate) headers: HeaderMap,
    message: Bytes,
}

impl Call {
    /// Its message, which the test knows the type of.
    pub(crate) fn message<M: Message + Default>(&self) -> M {
        M::decode(self.message.clone()).expect("a message of this type")
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

/// What a call is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Messages, and a status after them; a unary call is answered with one message.
    Answered { messages: Vec<Bytes>, code: Code, details: Bytes },
    /// The connection breaks before an answer comes.
    Broken,
    /// Nothing ever comes.
    Silent,
    /// So much later.
    After(Duration, Box<Reply>),
}

/// One message, and that all is well.
pub(crate) fn ok(message: impl Message) -> Reply {
    stream([message])
}

/// Any number of messages, and that all is well.
pub(crate) fn stream<M: Message>(messages: impl IntoIterator<Item = M>) -> Reply {
    broken_off(messages, Code::Ok)
}

/// Some messages, and then this status.
pub(crate) fn broken_off<M: Message>(messages: impl IntoIterator<Item = M>, code: Code) -> Reply {
    let messages = messages.into_iter().map(|message| message.encode_to_vec().into()).collect();
    Reply::Answered { messages, code, details: Bytes::new() }
}

/// A status, and nothing else.
pub(crate) fn failed(code: Code) -> Reply {
    failed_with(code, Bytes::new())
}

/// A status with details: a `google.rpc.Status`, encoded.
pub(crate) fn failed_with(code: Code, details: Bytes) -> Reply {
    Reply::Answered { messages: Vec::new(), code, details }
}

/// Answers a call; it is told all calls so far, this one last.
type Answer = dyn Fn(&[Call]) -> Reply + Send + Sync;

/// The server; it stops when it is dropped.
pub(crate) struct Stub {
    endpoint: String,
    calls: Arc<Mutex<Vec<Call>>>,
    left: Arc<Mutex<VecDeque<Reply>>>,
    server: JoinHandle<()>,
}

impl Stub {
    /// Answers every call by a function, which is told all calls so far, this one last.
    pub(crate) async fn start(answer: impl Fn(&[Call]) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(answer), Arc::default()).await
    }

    /// Answers the calls in order, whatever they are; one more is answered with `DATA_LOSS`, which no provider repeats.
    pub(crate) async fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let left = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let rest = Arc::clone(&left);
        let answer = move |_: &[Call]| {
            let next = rest.lock().expect("unpoisoned").pop_front();
            next.unwrap_or_else(|| failed(Code::DataLoss))
        };
        Self::listen(Arc::new(answer), left).await
    }

    async fn listen(answer: Arc<Answer>, left: Arc<Mutex<VecDeque<Reply>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let server = tokio::spawn(serve(listener, Arc::clone(&calls), answer));
        Self { endpoint, calls, left, server }
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("unpoisoned").clone()
    }

    /// The methods of all calls so far; fails where a script has not been played to its end.
    pub(crate) fn methods(&self) -> Vec<String> {
        assert!(self.left.lock().expect("unpoisoned").is_empty(), "it stopped before the end of the script");
        self.calls().into_iter().map(|call| call.method).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, calls: Arc<Mutex<Vec<Call>>>, answer: Arc<Answer>) {
    // With the server its connections end.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        let (calls, answer) = (Arc::clone(&calls), Arc::clone(&answer));
        connections.spawn(async move {
            let broken = Arc::new(Notify::new());
            let service = service_fn(|request| {
                respond(request, Arc::clone(&calls), Arc::clone(&answer), Arc::clone(&broken))
            });
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::select! {
                // A client that goes away is no failure of a test.
                _ = http2.serve_connection(TokioIo::new(socket), service) => {}
                () = broken.notified() => {}
            }
        });
    }
}

type Frames = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

async fn respond(
    request: Request<Incoming>,
    calls: Arc<Mutex<Vec<Call>>>,
    answer: Arc<Answer>,
    broken: Arc<Notify>,
) -> Result<Response<StreamBody<Frames>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let method = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    // One byte says that it is not compressed, four how long it is.
    let message = body.collect().await?.to_bytes().slice(5..);
    let mut reply = {
        let mut calls = calls.lock().expect("unpoisoned");
        calls.push(Call { method, headers: parts.headers, message });
        answer(&calls)
    };
    while let Reply::After(time, later) = reply {
        tokio::time::sleep(time).await;
        reply = *later;
    }
    match reply {
        Reply::Answered { messages, code, details } => Ok(response(messages, code, &details)),
        Reply::Broken => {
            broken.notify_one();
            std::future::pending().await
        }
        Reply::Silent | Reply::After(..) => std::future::pending().await,
    }
}

fn response(messages: Vec<Bytes>, code: Code, details: &[u8]) -> Response<StreamBody<Frames>> {
    let mut frames: Vec<Result<Frame<Bytes>, Infallible>> =
        messages.iter().map(|message| Ok(Frame::data(framed(message)))).collect();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", (code as i32).into());
    if code != Code::Ok {
        trailers.insert("grpc-message", HeaderValue::from_static("told"));
    }
    if !details.is_empty() {
        let details = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, details);
        trailers.insert("grpc-status-details-bin", details.parse().expect("base64"));
    }
    frames.push(Ok(Frame::trailers(trailers)));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(body).expect("a response")
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("a small message"));
    framed.put_slice(message);
    framed.freeze()
}
