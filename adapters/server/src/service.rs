//! Who answers a request: the server itself, a provider, or the application.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use skyport_core::app::{Functions, Invocation};
use skyport_core::http::{Request, Response, problem};
use skyport_core::provider::Endpoint;
use skyport_core::{Body, Shutdown};
use tokio::time::timeout;

use crate::gate::{self, Gate, Refusals};
use crate::intercept::{Intercept, Intercepted};
use crate::pulse::Busy;
use crate::reply::{self, Download};
use crate::{ServerConfig, event};

/// Where the server says whether it is well.
const HEALTH: &str = "/healthz";

/// What a cancelled handler has to answer before it is dropped.
pub(crate) const WIND_DOWN: Duration = Duration::from_secs(1);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) functions: Arc<Functions>,
    pub(crate) endpoints: Vec<Arc<dyn Endpoint>>,
    pub(crate) intercept: Option<Arc<dyn Intercept>>,
    pub(crate) config: ServerConfig,
    /// The requests of clients that are at work.
    pub(crate) gate: Gate,
    /// Those that the platform brings.
    pub(crate) platforms: Gate,
    /// The connections that were one too many.
    pub(crate) turned_away: Refusals,
    /// No new work.
    pub(crate) stop: Shutdown,
    /// The grace period is over.
    pub(crate) cut: Shutdown,
}

/// Answers one request. Always a response: what fails becomes one.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    request: http::Request<Incoming>,
    busy: Busy,
) -> http::Response<Download> {
    let method = request.method().clone();
    if request.uri().path() == HEALTH {
        let response = health(&method, &shared.stop).into();
        return reply::wire(response, &method, (busy, None));
    }
    let (request, is_platforms) = whose(&shared, request);
    let gate = if is_platforms { &shared.platforms } else { &shared.gate };
    let place = match gate.enter() {
        Ok(place) => place,
        Err(refused) => return refuse(request, *refused, &shared.config, busy),
    };
    // A handler's panics are caught by the dispatcher; this is for what is around it.
    let answered = AssertUnwindSafe(route(&shared, request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| {
        tracing::error!("answering a request panicked");
        problem::response(StatusCode::INTERNAL_SERVER_ERROR, None, None).into()
    });
    reply::wire(response, &method, (busy, Some(place)))
}

/// Whether the platform brings the request: who intercepts knows, and is asked by the head alone.
fn whose(shared: &Shared, request: http::Request<Incoming>) -> (http::Request<Incoming>, bool) {
    let Some(intercept) = &shared.intercept else { return (request, false) };
    if endpoint(shared, request.uri().path()).is_some() {
        return (request, false);
    }
    let (parts, body) = request.into_parts();
    let head = Request::from(http::Request::from_parts(parts, Body::empty()));
    let is_platforms = intercept.is_platforms(&head);
    (http::Request::from(head).map(|_: Body| body), is_platforms)
}

fn endpoint<'s>(shared: &'s Shared, path: &str) -> Option<&'s Arc<dyn Endpoint>> {
    shared.endpoints.iter().find(|endpoint| path.starts_with(endpoint.prefix()))
}

/// What the first request of a connection gets that is one too many.
pub(crate) fn turned_away(
    request: http::Request<Incoming>,
    config: &ServerConfig,
    busy: Busy,
) -> http::Response<Download> {
    let mut response = gate::refusal("this server has as many connections as it takes: try again later");
    if request.version() != http::Version::HTTP_2 {
        response = response.with_header("connection", "close");
    }
    refuse(request, response, config, busy)
}

/// Answers a request that nobody is called with.
fn refuse(
    request: http::Request<Incoming>,
    response: Response,
    config: &ServerConfig,
    busy: Busy,
) -> http::Response<Download> {
    let method = request.method().clone();
    event::refuse(request, config);
    reply::wire(response.into(), &method, (busy, None))
}

async fn route(shared: &Shared, request: http::Request<Incoming>) -> http::Response<Body> {
    let invocation = event::invocation(request.headers(), &shared.config);
    let cancellation = invocation.cancellation.clone();
    let request = event::request(request, &shared.config);
    let answering = async {
        match endpoint(shared, request.uri().path()) {
            Some(endpoint) => endpoint.serve(request).await,
            None => application(shared, Request::from(request), invocation).await.into(),
        }
    };
    let mut answering = pin!(answering);
    tokio::select! {
        biased;
        response = &mut answering => return response,
        () = shared.cut.triggered() => cancellation.trigger(),
    }
    timeout(WIND_DOWN, answering).await.unwrap_or_else(|_| {
        let detail = "the server shut down before the request was done";
        problem::response(StatusCode::SERVICE_UNAVAILABLE, Some(detail), None).into()
    })
}

/// Whoever intercepts comes first; what it passes on goes to the application.
async fn application(shared: &Shared, request: Request, mut invocation: Invocation) -> Response {
    let request = match &shared.intercept {
        None => request,
        Some(intercept) => match intercept.intercept(request, &mut invocation).await {
            Intercepted::Answered(response) => return response,
            Intercepted::Passed(request) => request,
        },
    };
    shared.functions.http(request, invocation).await
}

fn health(method: &Method, stop: &Shutdown) -> Response {
    match *method {
        Method::GET | Method::HEAD if stop.is_triggered() => {
            Response::text("shutting down").with_status(StatusCode::SERVICE_UNAVAILABLE)
        }
        Method::GET | Method::HEAD => Response::text("ok").with_header("cache-control", "no-store"),
        _ => problem::response(StatusCode::METHOD_NOT_ALLOWED, None, None).with_header("allow", "GET, HEAD"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_turns_to_503_once_the_server_shuts_down() {
        let stop = Shutdown::new();
        assert_eq!(health(&Method::GET, &stop).status(), 200);
        assert_eq!(health(&Method::HEAD, &stop).status(), 200);
        stop.trigger();
        assert_eq!(health(&Method::GET, &stop).status(), 503);
        let refused = health(&Method::POST, &stop);
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["allow"]),
            (405, &"GET, HEAD".parse().expect("sound"))
        );
    }
}
