//! Requests from outside.
//!
//! From `WebScriptHostHttpRoutesManager.cs`, `HomepageMiddleware.cs`, `HttpRequestBodySizeMiddleware.cs` and `DefaultHttpWorkerService.cs` (`InvokeAsync`: which form) of
//! azure-functions-host. Keys are not held: what is not anonymous is refused.

mod forwarded;
mod proxied;
mod wrapped;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fault::{Fault, Result};
use crate::host::HERE;
use crate::host_json::Form;
use crate::invoker::Invoker;
use crate::metadata::{Deployed, Function, Trigger};
use crate::uri::decode_path;
use crate::worker::{Body, Worker};

/// The default of `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`.
const MOST_BODY: u64 = 104_857_600;

/// A port on which requests are taken.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
    address: SocketAddr,
    site: Arc<Site>,
}

#[derive(Debug)]
pub(crate) struct Site {
    deployed: Arc<Deployed>,
    worker: Worker,
    invoker: Invoker,
}

/// A request and what is known of it.
struct Asked<'s> {
    request: Request<Incoming>,
    /// Decoded.
    path: String,
    function: &'s Function,
    parameters: serde_json::Map<String, serde_json::Value>,
}

impl Front {
    pub(crate) async fn bind(
        port: u16,
        deployed: Arc<Deployed>,
        worker: Worker,
        invoker: Invoker,
    ) -> Result<Self> {
        let unbound = |error| Fault::because("no port for requests", error);
        let listener = TcpListener::bind((HERE, port)).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        Ok(Self { listener, address, site: Arc::new(Site { deployed, worker, invoker }) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes requests until it is to stop; what is under way is waited for.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        continue;
                    }
                },
            };
            let (site, mut stop) = (Arc::clone(&self.site), stop.clone());
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let site = Arc::clone(&site);
                    async move { Ok::<_, std::convert::Infallible>(site.answer(request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    biased;
                    _ = connection.as_mut() => return,
                    _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
                }
                // A client that is gone is no concern of ours.
                let _ = connection.await;
            });
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(path) = decode_path(request.uri().path()) else { return plain(StatusCode::BAD_REQUEST, "") };
        let Some((function, parameters)) = self.route(request.method().as_str(), &path) else {
            return if path == "/" { home() } else { plain(StatusCode::NOT_FOUND, "") };
        };
        if matches!(function.trigger, Trigger::Http { anonymous: false, .. }) {
            return plain(StatusCode::UNAUTHORIZED, "");
        }
        if length(&request).is_some_and(|length| length > MOST_BODY) {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "");
        }
        let asked = Asked { request, path, function, parameters };
        let answered = match self.deployed.host.form {
            Form::Proxied => proxied::answer(&self.worker, asked).await,
            Form::Forwarded => forwarded::answer(&self.worker, asked).await,
            Form::Wrapped => wrapped::answer(&self.invoker, asked).await,
        };
        answered.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "a request has failed");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "")
        })
    }

    /// The function of a request: the one with the route whose text is longest, where several match.
    fn route(
        &self,
        method: &str,
        path: &str,
    ) -> Option<(&Function, serde_json::Map<String, serde_json::Value>)> {
        let prefix = &self.deployed.host.route_prefix;
        let rest = path.strip_prefix('/')?;
        let rest =
            if prefix.is_empty() { rest } else { rest.strip_prefix(prefix.as_str())?.strip_prefix('/')? };
        let matching = self.deployed.functions.iter().filter_map(|function| match &function.trigger {
            Trigger::Http { route, methods, .. } => {
                let allowed =
                    methods.as_ref().is_none_or(|methods| methods.iter().any(|known| known == method));
                Some((function, route.matches(rest).filter(|_| allowed)?))
            }
            _ => None,
        });
        // A route that leaves less to its parameters goes first.
        matching.min_by_key(|(_, parameters)| {
            parameters.values().filter_map(|value| value.as_str()).map(str::len).sum::<usize>()
        })
    }
}

/// What is told of a body's length.
fn length(request: &Request<Incoming>) -> Option<u64> {
    request.headers().get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The host's own page.
fn home() -> Response<Body> {
    let mut response =
        plain(StatusCode::OK, "<!DOCTYPE html><title>Your Azure Function App is up and running.</title>");
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/html"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// Headers that concern one connection, and go no further: `RequestUtilities.cs` of YARP.
fn is_hop_by_hop(name: &http::HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "transfer-encoding"
            | "keep-alive"
            | "upgrade"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-features"
            | "proxy-instruction"
            | "security-scheme"
            | "alpn"
            | "close"
            | "te"
            | "alt-svc"
    )
}
