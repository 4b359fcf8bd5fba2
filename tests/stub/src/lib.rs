//! A service as a script, over a real socket: what it is asked, and what it answers. For tests of what no emulator does: answers that are lost,
//! that break off, that never end.

#![allow(clippy::expect_used, clippy::unwrap_used)] // All of this is for tests.

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// One request that was made.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: Bytes,
}

impl Asked {
    /// Method and target in one, for comparisons.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A header's text; empty where there is none.
    ///
    /// # Panics
    /// Where it is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// All that was asked so far.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    /// Every request, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    /// The [`line`](Asked::line) of each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.all().iter().map(Asked::line).collect()
    }
}

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    /// This.
    Whole(Response<Bytes>),
    /// This, whose headers promise more: after its body the connection is closed.
    Cut(Response<Bytes>),
    /// The body of this again and again, until the client hangs up.
    Endless(Response<Bytes>),
    /// Nothing: the connection is closed.
    Lost,
    /// Nothing, and the connection stays open.
    Never,
}

impl From<Response<Bytes>> for Answer {
    fn from(answer: Response<Bytes>) -> Self {
        Self::Whole(answer)
    }
}

/// What ends a connection that is not to be answered.
#[derive(Debug)]
struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for Unanswered {}

/// The URL of a server whose every request is answered by `answer`, which is told that URL. It ends with the runtime.
///
/// # Panics
/// Where there is no port.
pub async fn served<A, R>(answer: A) -> (String, Log)
where
    A: Fn(&Asked, &str) -> R + Send + Sync + 'static,
    R: Into<Answer>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (log, answer) = (Log::default(), Arc::new(answer));
    let (seen, told) = (log.clone(), url.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, answer, url) = (seen.clone(), Arc::clone(&answer), url.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let (seen, answer, url) = (seen.clone(), Arc::clone(&answer), url.clone());
                    async move {
                        let asked = read(request).await;
                        let answer = answer(&asked, &url).into();
                        seen.0.lock().unwrap().push(asked);
                        if matches!(answer, Answer::Never) {
                            std::future::pending::<()>().await;
                        }
                        sent(answer)
                    }
                });
                // A client may hang up.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (told, log)
}

/// An answer of this status and body.
///
/// # Panics
/// Where it is no status.
#[must_use]
pub fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn sent(answer: Answer) -> Result<Response<BoxBody<Bytes, Unanswered>>, Unanswered> {
    match answer {
        Answer::Whole(answer) => {
            Ok(answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed()))
        }
        Answer::Cut(answer) => Ok(answer.map(|body| {
            let end = stream::once(async {
                // What is there is sent before.
                tokio::task::yield_now().await;
                Err(Unanswered)
            });
            BodyExt::boxed(StreamBody::new(stream::iter([Ok(Frame::data(body))]).chain(end)))
        })),
        Answer::Endless(answer) => Ok(answer.map(|body| {
            let again = move || Ok(Frame::data(body.clone()));
            BodyExt::boxed(StreamBody::new(stream::repeat_with(again)))
        })),
        Answer::Lost | Answer::Never => Err(Unanswered),
    }
}

async fn read(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    Asked { method: head.method, target, headers: head.headers, body }
}
