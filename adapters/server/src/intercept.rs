//! Whoever looks at requests before they are routed.

use std::fmt::Debug;

use async_trait::async_trait;
use skyport_core::app::Invocation;
use skyport_core::http::{Request, Response};

/// Looks at requests before they are routed to the application: for a platform that brings messages, events and schedules as
/// requests. The server keeps what it promises of every request: limits for clients, panics caught, the grace period.
///
/// ```
/// use async_trait::async_trait;
/// use skyport_core::app::Invocation;
/// use skyport_core::http::{Request, Response};
/// use skyport_server::{Intercept, Intercepted};
///
/// /// Answers what is asked of the platform's own.
/// #[derive(Debug)]
/// struct Ready;
///
/// #[async_trait]
/// impl Intercept for Ready {
///     async fn intercept(&self, request: Request, _: &mut Invocation) -> Intercepted {
///         match request.path() {
///             "/ready" => Intercepted::Answered(Response::no_content()),
///             _ => Intercepted::Passed(request),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Intercept: Debug + Send + Sync + 'static {
    /// Answers the request, or passes it on to be routed. What the invocation says of its deadline and its cancellation holds
    /// for whatever is done here, too; what is said of it here (its trace, say) holds for the request that is passed on.
    ///
    /// Once the grace period is over the cancellation is triggered, and a second later the future is dropped.
    async fn intercept(&self, request: Request, invocation: &mut Invocation) -> Intercepted;

    /// Whether the platform brings this request, as far as its head tells; its body is not here yet. Such requests have places of their
    /// own, as many as those of clients: a 503 because clients ask for too much would cost messages their attempts. By default none is.
    fn is_platforms(&self, _request: &Request) -> bool {
        false
    }
}

/// What became of a request that was looked at.
#[derive(Debug)]
pub enum Intercepted {
    /// It is answered.
    Answered(Response),
    /// It is the application's, as it came or changed.
    Passed(Request),
}
