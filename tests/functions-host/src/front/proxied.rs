//! The request itself, by a reverse proxy.
//!
//! From `DefaultHttpWorkerService.cs` (`ProxyInvocationRequest`, `AddProxyingHeaders`), `DefaultHttpProxyService.cs` and `RetryProxyHandler.cs` of azure-functions-host, and YARP's
//! `HttpForwarder`, `HttpTransformer` and `RequestUtilities`. Both bodies stream. Path, query and `Host` are the client's, as far as .NET keeps them; the host's three headers
//! replace what the client sent of those names. Headers that stand in several lines leave .NET's client in one, joined by commas.

use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;

use super::{Asked, is_hop_by_hop};
use crate::fault::{Fault, Result};
use crate::trace::continued;
use crate::uri::encode_path;
use crate::worker::{
    Body, HOST_VERSION, INVOCATION_ID, Unanswered, VERSION, Worker, empty, join_lines, new_id,
};

/// `ScriptConstants.HttpProxyCorrelationHeader`
const CORRELATION: HeaderName = HeaderName::from_static("x-ms-invocation-id");

/// `MaxRetries`, `InitialDelay` and `MaximumDelay`.
const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// `ActivityTimeout`
const QUIET: Duration = Duration::from_secs(240);

pub(super) async fn answer(worker: &Worker, asked: Asked<'_>) -> Result<Response<Body>> {
    let (mut parts, body) = asked.request.into_parts();
    let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let target = format!("{}{query}", encode_path(&asked.path));
    let trace = parts.headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let hops: Vec<HeaderName> = parts.headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in hops {
        parts.headers.remove(name);
    }
    let invocation = HeaderValue::from_str(&new_id()).map_err(|error| Fault::because("no id", error))?;
    parts.headers.insert(VERSION, HeaderValue::from_static(HOST_VERSION));
    parts.headers.insert(INVOCATION_ID, invocation.clone());
    parts.headers.insert(CORRELATION, invocation);
    let trace = HeaderValue::from_str(&continued(trace.as_deref()));
    parts.headers.insert("traceparent", trace.map_err(|error| Fault::because("no trace", error))?);
    let mut request = Request::builder().method(parts.method).uri(target);
    if let Some(headers) = request.headers_mut() {
        *headers = join_lines(&parts.headers);
    }
    let body = if hyper::body::Body::is_end_stream(&body) { empty() } else { body.boxed() };
    let request = request.body(body).map_err(|error| Fault::because("no request", error))?;
    let sending = send(worker, request);
    let answered = tokio::time::timeout(QUIET, sending).await;
    let answered = answered.map_err(|_| Fault::new("the program was quiet for too long"))??;
    let (mut parts, body) = answered.into_parts();
    let hops: Vec<HeaderName> = parts.headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in hops {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, body.boxed()))
}

/// Tries again while nobody listens: nothing has been sent then.
async fn send(worker: &Worker, request: Request<Body>) -> Result<Response<hyper::body::Incoming>> {
    let mut request = request;
    while let Some(sender) = worker.free() {
        match worker.send_over(sender, request).await {
            Ok(answered) => return Ok(answered),
            Err((_, Some(unsent))) => request = unsent,
            Err((error, None)) => return Err(Fault::because("the program broke off", error)),
        }
    }
    let mut pause = FIRST_PAUSE;
    let mut sender = None;
    for attempt in 1..=TRIES {
        match worker.connect().await {
            Ok(connected) => {
                sender = Some(connected);
                break;
            }
            Err(Unanswered::Refused(_)) if attempt < TRIES => tokio::time::sleep(pause).await,
            Err(error) => return Err(Fault::new(error.to_string())),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let sender = sender.ok_or_else(|| Fault::new("the program does not listen"))?;
    let answered = worker.send_over(sender, request).await;
    answered.map_err(|(error, _)| Fault::because("the program broke off", error))
}
