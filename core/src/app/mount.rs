//! Tower services as functions, and tower layers around functions.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};

use tower_service::Service;

use super::context::Context;
use super::dispatch::{Event, Reply};
use super::handler_error::{HandlerError, HandlerResult};
use super::middleware::{Call, Called};
use crate::BoxError;
use crate::body::Body;
use crate::http::Response;

/// A tower service as a function. Its requests have the [`Context`] among their extensions.
pub(crate) fn service_call<R, S, B>(service: S) -> Call<R>
where
    R: Send + Sync + 'static,
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    // A service need not be Sync: each request clones it under the lock and calls its own.
    let shared = Mutex::new(service);
    Arc::new(move |event, context| {
        let service = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(call_service(service, event, context))
    })
}

async fn call_service<R, S, B>(mut service: S, event: Event, context: Context<R>) -> HandlerResult<Reply>
where
    R: Send + Sync + 'static,
    S: Service<http::Request<Body>, Response = http::Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut request: http::Request<Body> = event.into_http()?.into();
    request.extensions_mut().insert(context);
    std::future::poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(|error| HandlerError::from_carried(error.into()))?;
    let response = service.call(request).await.map_err(|error| HandlerError::from_carried(error.into()))?;
    Ok(Reply::Http(Response::from(response.map(Body::from_http))))
}

/// A function as a tower service, for layers to wrap; its error is a carried [`HandlerError`].
pub struct FunctionService<R>(pub(crate) Call<R>);

impl<R> Clone for FunctionService<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> std::fmt::Debug for FunctionService<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FunctionService(..)")
    }
}

impl<R: Send + Sync + 'static> Service<http::Request<Body>> for FunctionService<R> {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = FunctionFuture;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> FunctionFuture {
        let context = request.extensions_mut().remove::<Context<R>>();
        FunctionFuture(match context {
            Some(context) => (self.0)(Event::http(request), context),
            None => Box::pin(std::future::ready(Err(HandlerError::fatal(
                "a layer took the context out of its request",
            )))),
        })
    }
}

/// The future of a [`FunctionService`].
pub struct FunctionFuture(Called);

impl std::fmt::Debug for FunctionFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FunctionFuture(..)")
    }
}

impl Future for FunctionFuture {
    type Output = Result<http::Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        let reply = ready!(self.0.as_mut().poll(cx));
        Poll::Ready(reply.and_then(Reply::into_http).map(Into::into).map_err(HandlerError::carry))
    }
}
