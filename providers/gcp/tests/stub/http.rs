//! Cloud Storage as a script, over a real socket: what it is asked, and what it answers.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};
pub(crate) use skyport_stub::{Asked, Log, answer, served};

/// A bucket `bkt` whose every request is answered by `answer`, which is told where the server is.
pub(crate) async fn bucket<A>(answer: A) -> (Arc<dyn BlobStore>, Log)
where
    A: Fn(&Asked, &str) -> Response<Bytes> + Send + Sync + 'static,
{
    let (url, log) = served(answer).await;
    (open(&url), log)
}

/// The bucket `bkt` at an endpoint.
pub(crate) fn open(endpoint: &str) -> Arc<dyn BlobStore> {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(endpoint.to_owned());
    Gcp::with(config).bucket(&ResourceUrl::new("gs", "bkt")).expect("opens")
}

/// A refusal, as the JSON API writes it.
pub(crate) fn refusal(status: u16, reason: &str) -> Response<Bytes> {
    let text = serde_json::json!({
        "error": { "code": status, "message": "It says no.", "errors": [{ "reason": reason, "domain": "global" }] },
    });
    answer(status, text.to_string())
}

/// An object's resource.
pub(crate) fn resource(generation: &str, size: &str, token: &str) -> Response<Bytes> {
    let text = serde_json::json!({
        "name": "k", "generation": generation, "size": size, "timeCreated": "2026-11-26T13:03:16.192Z",
        "metadata": { "skyport_w": token },
    });
    answer(200, text.to_string())
}

/// A download of `body`, which has this generation.
pub(crate) fn download(generation: &str, token: &str, body: &'static str) -> http::response::Builder {
    Response::builder()
        .header("x-goog-generation", generation)
        .header("x-goog-stored-content-length", body.len())
        .header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("content-type", "text/plain")
        .header("x-goog-meta-skyport_w", token)
}
