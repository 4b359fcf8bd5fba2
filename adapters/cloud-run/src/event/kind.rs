//! What a request is. Its headers tell, in an order in which none is taken for another; of a wrapped push only the body does.

use http::{HeaderMap, Method, header};
use skyport_core::http::Request;

/// The header by which a binary CloudEvent is known.
const BINARY: &str = "ce-specversion";

/// The header by which an unwrapped push is known.
const UNWRAPPED: &str = "x-goog-pubsub-message-id";

/// The header by which a schedule of Cloud Scheduler is known.
pub(crate) const JOB: &str = "x-cloudscheduler-jobname";

/// What a request is, as its headers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A CloudEvent as JSON.
    Structured,
    /// Several of them.
    Batch,
    /// A CloudEvent in a format that is not JSON.
    Unreadable,
    /// A CloudEvent in headers and body.
    Binary,
    /// A message as the body of a push.
    Unwrapped,
    /// A schedule's instant.
    Schedule,
    /// JSON: perhaps a wrapped push.
    Json,
    /// Anything else.
    Http,
}

/// What the request is.
pub(crate) fn kind(request: &Request) -> Kind {
    let headers = request.headers();
    if request.method() != Method::POST {
        return Kind::Http;
    }
    let content_type = request.content_type().unwrap_or_default();
    match content_type.as_str() {
        "application/cloudevents+json" => Kind::Structured,
        "application/cloudevents-batch+json" => Kind::Batch,
        other if other.starts_with("application/cloudevents") => Kind::Unreadable,
        _ if headers.contains_key(BINARY) => Kind::Binary,
        _ if headers.contains_key(UNWRAPPED) => Kind::Unwrapped,
        _ if headers.contains_key(JOB) => Kind::Schedule,
        // A compressed body is nothing that Pub/Sub sends.
        "application/json" if !is_encoded(headers) => Kind::Json,
        _ => Kind::Http,
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, headers: &[(&str, &str)]) -> Kind {
        let mut request = http::Request::builder().method(method).uri("/any");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        kind(&request.body(skyport_core::Body::empty()).expect("a request").into())
    }

    #[test]
    fn requests_are_told_apart_by_what_only_they_have() {
        let structured = ("content-type", "Application/CloudEvents+JSON; charset=UTF-8");
        let binary = ("ce-specversion", "1.0");
        let unwrapped = ("x-goog-pubsub-message-id", "1");
        let schedule = ("X-CloudScheduler-JobName", "nightly");
        let json = ("content-type", "application/json");
        for (headers, expected) in [
            // The one that comes first in the order wins.
            (vec![structured, binary, unwrapped, schedule], Kind::Structured),
            (vec![("content-type", "application/cloudevents-batch+json"), binary], Kind::Batch),
            (vec![("content-type", "application/cloudevents+xml"), binary], Kind::Unreadable),
            (vec![json, binary, unwrapped, schedule], Kind::Binary),
            (vec![json, unwrapped, schedule], Kind::Unwrapped),
            (vec![json, schedule], Kind::Schedule),
            (vec![json], Kind::Json),
            (vec![json, ("content-encoding", "gzip")], Kind::Http),
            (vec![("content-type", "application/problem+json")], Kind::Http),
            (vec![], Kind::Http),
        ] {
            assert_eq!(of("POST", &headers), expected, "{headers:?}");
            for method in ["GET", "PUT", "OPTIONS"] {
                assert_eq!(of(method, &headers), Kind::Http, "only a POST is an event");
            }
        }
    }
}
