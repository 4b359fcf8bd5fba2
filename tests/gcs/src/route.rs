//! Which call a request is.

use http::Method;

use crate::account::Accounts;
use crate::conditions::Conditions;
use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::store::Store;
use crate::{buckets, download, list, notifications, rewrite, upload, xml};

/// Answers it.
pub(crate) fn answer(store: &mut Store, request: &Request, accounts: &Accounts) -> Reply {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let (api, rest) = match segments[..] {
        ["storage", "v1", ref rest @ ..] => ("", rest),
        [api @ ("upload" | "download"), "storage", "v1", ref rest @ ..] => (api, rest),
        ["_health"] => return Reply::no_content(),
        _ => return xml::object(store, request, accounts).unwrap_or_else(|failure| failure.xml()),
    };
    let is_session = api == "upload" && request.parameter("upload_id").is_some();
    if !request.whole && !is_session {
        return Failure::invalid("The body is not whole.").json();
    }
    let is_media = api == "download" || request.parameter("alt") == Some("media");
    let reply = json(store, request, api, rest);
    reply.unwrap_or_else(|failure| {
        // So does the service: bytes are answered without JSON, and so is a place that a session has not come to.
        let as_text = is_media || (is_session && failure.status == 503);
        if as_text { failure.text() } else { failure.json() }
    })
}

fn json(store: &mut Store, request: &Request, api: &str, path: &[&str]) -> Result<Reply> {
    match (api, path) {
        ("upload", ["b", bucket, "o"]) => upload::upload(store, request, bucket),
        ("", ["b"]) => buckets::all(store, request),
        ("", ["b", bucket]) => buckets::one(store, request, bucket),
        ("", ["b", bucket, "notificationConfigs"]) => notifications::all(store, request, bucket),
        ("", ["b", bucket, "notificationConfigs", id]) => notifications::one(store, request, bucket, id),
        ("", ["b", bucket, "o"]) if request.method == Method::GET => list::list(store, request, bucket),
        ("" | "download", ["b", bucket, "o", name]) => object(store, request, (bucket, name), api),
        ("", ["b", from_bucket, "o", from, "rewriteTo", "b", to_bucket, "o", to]) => {
            rewrite::rewrite(store, request, (from_bucket, from), (to_bucket, to))
        }
        _ => Err(Failure::no_such_call()),
    }
}

/// `/storage/v1/b/<bucket>/o/<name>`
fn object(store: &mut Store, request: &Request, (bucket, name): (&str, &str), api: &str) -> Result<Reply> {
    let conditions = Conditions::of(request)?;
    let generation = request.number("generation")?;
    match request.method {
        Method::GET => {
            let object = store.object(bucket, name, generation)?;
            conditions.for_read(object)?;
            match request.parameter("alt") {
                Some("media") => download::media(request, object, &object.etag()),
                _ if api == "download" => download::media(request, object, &object.etag()),
                None | Some("json") => Ok(Reply::json(&object.resource(&store.url))),
                Some(other) => Err(Failure::invalid(format!("Invalid value for alt: {other}"))),
            }
        }
        Method::PATCH => {
            let object = store.patch((bucket, name, generation), &request.json()?, &conditions)?;
            Ok(Reply::json(&object.resource(&store.url)))
        }
        Method::DELETE => {
            store.delete(bucket, name, generation, &conditions)?;
            Ok(Reply::no_content())
        }
        _ => Err(Failure::no_such_call()),
    }
}
