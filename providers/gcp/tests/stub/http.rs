//! Cloud Storage as a script, over a real socket: what it is asked, and what it answers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};
use tokio::net::TcpListener;

/// One request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// Method and target in one, for comparisons.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// All that was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().iter().map(Asked::line).collect()
    }
}

/// A bucket `bkt` whose every request is answered by `answer`, which is told where the server is.
pub(crate) async fn bucket<A>(answer: A) -> (Arc<dyn BlobStore>, Log)
where
    A: Fn(&Asked, &str) -> Response<Bytes> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (log, answer) = (Log::default(), Arc::new(answer));
    let store = open(&url);
    let seen = log.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, answer, url) = (seen.clone(), Arc::clone(&answer), url.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let (seen, answer, url) = (seen.clone(), Arc::clone(&answer), url.clone());
                    async move {
                        let asked = read(request).await;
                        let answer = answer(&asked, &url).map(Full::new);
                        seen.0.lock().unwrap().push(asked);
                        Ok::<_, Infallible>(answer)
                    }
                });
                // A client may hang up.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (store, log)
}

/// The bucket `bkt` at an endpoint.
pub(crate) fn open(endpoint: &str) -> Arc<dyn BlobStore> {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(endpoint.to_owned());
    Gcp::with(config).bucket(&ResourceUrl::new("gs", "bkt")).expect("opens")
}

async fn read(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    Asked { method: head.method, target, headers: head.headers, body }
}

/// An answer of this status and body.
pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().status(status).body(body.into()).unwrap()
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
