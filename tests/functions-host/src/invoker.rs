//! Calls of functions with data: `POST /{function}`.
//!
//! From `DefaultHttpWorkerService.cs` and `HttpScriptInvocationContextExtensions.cs` of azure-functions-host: JSON in a body without a length, under the content type
//! that `JsonMediaTypeFormatter` writes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::Notify;

use crate::answer::{self, Answer, Outcome};
use crate::fault::{Fault, Result};
use crate::trace::continued;
use crate::worker::{Worker, append_headers, new_id};

/// The most bytes of an answer. The host has no limit of its own.
const MOST_ANSWER: usize = 256 << 20;

/// So many calls are remembered.
const MOST_CALLS: usize = 10_000;

/// A call that has ended, or will not.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Called {
    /// The function.
    pub function: String,
    /// How it went; `None` where the program's answer ended nothing, and the host waits for the function's time to be over.
    pub ended: Option<Result<Outcome>>,
}

/// Calls functions, and remembers how it went.
#[derive(Clone, Debug)]
pub struct Invoker {
    worker: Worker,
    timeout: Option<Duration>,
    calls: Arc<Mutex<VecDeque<Called>>>,
    overdue: Arc<Notify>,
}

impl Invoker {
    /// Calls functions of this program, each for at most `timeout`.
    #[must_use]
    pub fn new(worker: Worker, timeout: Option<Duration>) -> Self {
        Self { worker, timeout, calls: Arc::default(), overdue: Arc::default() }
    }

    /// Calls a function.
    ///
    /// # Errors
    /// Where the call has failed.
    pub async fn call(&self, function: &str, payload: &Value, trace: Option<&str>) -> Result<Outcome> {
        let calling = async {
            match self.answer(function, payload, trace).await {
                Ok(Answer::Done(outcome)) => Ok(outcome),
                Err(fault) => Err(fault),
                Ok(Answer::Never) => {
                    tracing::error!(function, "an answer that never ends the call");
                    self.note(function, None);
                    std::future::pending().await
                }
            }
        };
        let ended = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, calling).await.unwrap_or_else(|_| {
                self.overdue.notify_one();
                Err(Fault::new(format!("the function's {timeout:?} are over")))
            }),
            None => calling.await,
        };
        if let Err(fault) = &ended {
            tracing::warn!(function, %fault, "a call has failed");
        }
        self.note(function, Some(ended.clone()));
        ended
    }

    /// Waits until a call has taken longer than it may.
    pub(crate) async fn overdue(&self) {
        self.overdue.notified().await;
    }

    /// The calls so far; of very many the last ones.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn note(&self, function: &str, ended: Option<Result<Outcome>>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == MOST_CALLS {
            calls.pop_front();
        }
        calls.push_back(Called { function: function.to_owned(), ended });
    }

    async fn answer(&self, function: &str, payload: &Value, trace: Option<&str>) -> Result<Answer> {
        let (status, headers, body) = self.post(function, payload, trace).await?;
        let body = whole(body).await?;
        let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        answer::read(status, content_type, &body)
    }

    async fn post(
        &self,
        function: &str,
        payload: &Value,
        trace: Option<&str>,
    ) -> Result<(StatusCode, HeaderMap, hyper::body::Incoming)> {
        let frame = Ok(Frame::data(Bytes::from(payload.to_string())));
        // A stream: its length is not told, as that of an `ObjectContent` is not.
        let body = BodyExt::boxed(StreamBody::new(stream::iter([frame])));
        let request = Request::post(format!("/{function}"))
            .header(http::header::HOST, self.worker.address().to_string())
            .header(http::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("traceparent", continued(trace));
        let mut request = request.body(body).map_err(|error| Fault::because("no request", error))?;
        append_headers(request.headers_mut(), &new_id())?;
        let answered = self.worker.send(request).await.map_err(|error| Fault::new(error.to_string()))?;
        let (parts, body) = answered.into_parts();
        Ok((parts.status, parts.headers, body))
    }
}

/// Reads the whole of a body.
pub(crate) async fn whole<B>(body: B) -> Result<Bytes>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(body, MOST_ANSWER).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| Fault::because("the body broke off", error))
}
