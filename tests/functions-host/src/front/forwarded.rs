//! The request, written anew: the older setting, `enableForwardingHttpRequest`.
//!
//! From `DefaultHttpWorkerService.cs` (`ProcessHttpInAndOutInvocationRequest`, `GetPathValue`, `AddHeaders`) and `HttpRequestExtensions.cs` (`ToHttpRequestMessage`) of
//! azure-functions-host. The path is whole, with the prefix of routes, decoded and read once more as a URL; the query is taken apart and joined; a body without
//! a length is left out; of the headers that speak of a body only its type and its length come along, and only with one. The host's own
//! headers stand behind what the client sent of those names. The answer is read to its end before it is passed on.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Request, Response};

use super::{Asked, full, is_hop_by_hop, length};
use crate::fault::{Fault, Result};
use crate::invoker::whole;
use crate::trace::continued;
use crate::uri::{pairs, reread_path, write_query};
use crate::worker::{Body, Worker, append_headers, empty, join_lines, new_id};

pub(super) async fn answer(worker: &Worker, asked: Asked<'_>) -> Result<Response<Body>> {
    let with_body = length(&asked.request).is_some_and(|length| length > 0);
    let (parts, body) = asked.request.into_parts();
    let query = parts.uri.query().map_or_else(String::new, |query| write_query(&pairs(query)));
    let target = format!("{}{query}", reread_path(&asked.path));
    let mut headers = HeaderMap::new();
    for (name, value) in &parts.headers {
        let kept = if is_of_content(name) {
            with_body && (*name == CONTENT_TYPE || *name == CONTENT_LENGTH)
        } else {
            !is_hop_by_hop(name)
        };
        if kept {
            headers.append(name.clone(), value.clone());
        }
    }
    let trace = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let trace =
        http::HeaderValue::from_str(&continued(trace)).map_err(|error| Fault::because("no trace", error))?;
    headers.insert("traceparent", trace);
    append_headers(&mut headers, &new_id())?;
    let mut request = Request::builder().method(parts.method).uri(target);
    if let Some(written) = request.headers_mut() {
        *written = join_lines(&headers);
    }
    let body = if with_body { http_body_util::BodyExt::boxed(body) } else { empty() };
    let request = request.body(body).map_err(|error| Fault::because("no request", error))?;
    let answered = worker.send(request).await.map_err(|error| Fault::new(error.to_string()))?;
    let (mut parts, body) = answered.into_parts();
    let body = whole(body).await?;
    let hops: Vec<HeaderName> = parts.headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in hops {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, full(body)))
}

/// Headers that .NET keeps with the content: `TryAddWithoutValidation` does not take them for a request's.
fn is_of_content(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "allow"
            | "content-disposition"
            | "content-encoding"
            | "content-language"
            | "content-length"
            | "content-location"
            | "content-md5"
            | "content-range"
            | "content-type"
            | "expires"
            | "last-modified"
    )
}
