//! From an event to its function and back: what every adapter calls.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use tokio::time::Instant;
use tracing::Instrument;

use super::batch::failure;
use super::context::Invocation;
use super::function::{Function, FunctionRef, Trigger};
use super::handler_error::{HandlerError, HandlerResult};
use super::lanes;
use super::manifest::Manifest;
use crate::body::Body;
use crate::event::{BlobEvent, ScheduleEvent};
use crate::http::{Request, Response, Routed, Router, limited, problem};
use crate::outcome::Outcome;
use crate::queue::port::RawDelivery;
use crate::{Error, ErrorKind, Result, TraceContext};

/// What starts a function.
#[non_exhaustive]
#[derive(Debug)]
pub enum Event {
    /// A request. Boxed: the largest by far.
    Http(Box<Request>),
    /// A message.
    Message(Box<RawDelivery>),
    /// Several messages, for a batch handler.
    Batch(Vec<RawDelivery>),
    /// An object was created, overwritten or deleted.
    Blob(BlobEvent),
    /// A schedule's time has come.
    Schedule(ScheduleEvent),
}

/// What a function made of its event.
#[non_exhaustive]
#[derive(Debug)]
pub enum Reply {
    /// The response to a request.
    Http(Response),
    /// What becomes of each message or event, in order.
    Outcomes(Vec<Outcome>),
}

impl Event {
    pub(crate) fn http(request: http::Request<Body>) -> Self {
        Self::Http(Box::new(request.into()))
    }

    pub(crate) fn into_http(self) -> HandlerResult<Request> {
        match self {
            Self::Http(request) => Ok(*request),
            other => Err(other.misplaced("a request")),
        }
    }

    pub(crate) fn into_message(self) -> HandlerResult<RawDelivery> {
        match self {
            Self::Message(delivery) => Ok(*delivery),
            other => Err(other.misplaced("a message")),
        }
    }

    pub(crate) fn into_messages(self) -> HandlerResult<Vec<RawDelivery>> {
        match self {
            Self::Batch(deliveries) => Ok(deliveries),
            other => Err(other.misplaced("a batch of messages")),
        }
    }

    pub(crate) fn into_blob(self) -> HandlerResult<BlobEvent> {
        match self {
            Self::Blob(event) => Ok(event),
            other => Err(other.misplaced("a blob event")),
        }
    }

    pub(crate) fn into_schedule(self) -> HandlerResult<ScheduleEvent> {
        match self {
            Self::Schedule(event) => Ok(event),
            other => Err(other.misplaced("a schedule's event")),
        }
    }

    fn misplaced(&self, wanted: &str) -> HandlerError {
        let kind = match self {
            Self::Http(_) => "a request",
            Self::Message(_) => "a message",
            Self::Batch(_) => "a batch of messages",
            Self::Blob(_) => "a blob event",
            Self::Schedule(_) => "a schedule's event",
        };
        HandlerError::fatal(format!("the function is for {wanted} and got {kind}"))
    }
}

impl Reply {
    pub(crate) fn into_http(self) -> HandlerResult<Response> {
        match self {
            Self::Http(response) => Ok(response),
            Self::Outcomes(_) => Err(HandlerError::fatal("middleware answered a request with outcomes")),
        }
    }

    fn into_outcomes(self, expected: usize) -> HandlerResult<Vec<Outcome>> {
        match self {
            Self::Outcomes(outcomes) if outcomes.len() == expected => Ok(outcomes),
            _ => Err("middleware answered an event with something else than its outcomes".into()),
        }
    }
}

/// What became of a call, and which it was.
type Called = (HandlerResult<Reply>, Arc<Invocation>);

/// How many messages of one call run at once where neither the trigger nor a batch handler says.
const DEFAULT_CONCURRENCY: usize = 16;

/// How much of the platform's time is kept to report a call that outlived it.
const REPORT_TIME: Duration = Duration::from_millis(500);

/// An application's functions, bound to their resources: adapters hand it events.
#[derive(Debug)]
pub struct Functions {
    manifest: Manifest,
    router: Router,
    functions: Vec<Function>,
    warm: AtomicBool,
}

impl Functions {
    pub(crate) fn new(manifest: Manifest, router: Router, functions: Vec<Function>) -> Result<Self> {
        let missing: Vec<String> = functions.iter().filter_map(lacking).collect();
        if !missing.is_empty() {
            return Err(Error::unsupported(missing.join("; ")));
        }
        Ok(Self { manifest, router, functions, warm: AtomicBool::new(false) })
    }

    /// What the application consists of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every function.
    pub fn iter(&self) -> impl Iterator<Item = FunctionRef<'_>> {
        self.functions.iter().map(FunctionRef)
    }

    /// The function of that name.
    ///
    /// # Errors
    /// `NotFound` that names those there are.
    pub fn function(&self, name: &str) -> Result<FunctionRef<'_>> {
        self.iter().find(|function| function.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.iter().map(FunctionRef::name).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("no function is called `{name}`; there are {}", names.join(", ")),
            )
        })
    }

    /// Whether a request of this method and path has a function: one without gets a 404 or a 405.
    #[must_use]
    pub fn has_route(&self, method: &http::Method, path: &str) -> bool {
        matches!(self.router.find(method, path), Routed::Function(..))
    }

    /// Answers a request: finds its function by the route and calls it. Always a response: what fails becomes one.
    pub fn http(&self, request: Request, invocation: Invocation) -> impl Future<Output = Response> + Send {
        let begun = self.begin_http(request, invocation);
        async move {
            let (reply, invocation) = match begun {
                Ok(call) => call.await,
                Err(response) => return *response,
            };
            let response = reply.and_then(Reply::into_http);
            response.unwrap_or_else(|error| problem::of_error(&error, Some(&invocation.id)))
        }
    }

    /// Finds the function of a request and calls it, or says what is wrong with the request.
    fn begin_http(
        &self,
        mut request: Request,
        mut invocation: Invocation,
    ) -> Result<impl Future<Output = Called>, Box<Response>> {
        let function = match self.router.find(request.method(), request.path()) {
            Routed::Function(index, params) => {
                request.set_params(params);
                &self.functions[index]
            }
            Routed::NoSuchPath => {
                return Err(Box::new(problem::response(StatusCode::NOT_FOUND, None, None)));
            }
            Routed::NoSuchMethod(allow) => {
                let refused = problem::response(StatusCode::METHOD_NOT_ALLOWED, None, None);
                return Err(Box::new(refused.with_header("allow", allow)));
            }
        };
        if let Trigger::Http(route) = &function.trigger {
            request = admit(request, route.accepted(), route.limit())?;
        }
        if let Some(trace) = TraceContext::from_headers(request.headers()) {
            invocation.trace = trace;
        }
        Ok(self.call(function, Event::Http(Box::new(request)), invocation))
    }

    /// Hands messages to a function with a queue or blob trigger; what becomes of each, in order.
    ///
    /// A single handler is called for each message, side by side up to its concurrency but in order within a group; a
    /// batch handler once.
    ///
    /// # Errors
    /// `InvalidArgument` where the function has another trigger.
    pub async fn deliver(
        &self,
        function: FunctionRef<'_>,
        mut deliveries: Vec<RawDelivery>,
        invocation: Invocation,
    ) -> Result<Vec<Outcome>> {
        let batch = match function.trigger() {
            Trigger::Queue { batch_size, .. } => batch_size.is_some(),
            Trigger::Blob { .. } => false,
            _ => {
                return Err(Error::invalid(format!("the function `{}` is for no messages", function.name())));
            }
        };
        if batch {
            return Ok(self.deliver_batch(function, deliveries, invocation).await);
        }
        if deliveries.len() == 1
            && let Some(delivery) = deliveries.pop()
        {
            return Ok(lanes::caught(self.deliver_one(function, delivery, invocation)).await);
        }
        let items = deliveries.into_iter().map(|delivery| (delivery.group.clone(), delivery)).collect();
        let concurrency = function.concurrency().unwrap_or(DEFAULT_CONCURRENCY);
        let invocation = &invocation;
        Ok(lanes::run(items, concurrency, |delivery| async move {
            let mut invocation = invocation.clone();
            // One that takes too long does not cancel its neighbours.
            invocation.cancellation = invocation.cancellation.child();
            only(self.deliver_one(function, delivery, invocation).await)
        })
        .await)
    }

    /// Calls a single handler; one outcome.
    async fn deliver_one(
        &self,
        function: FunctionRef<'_>,
        delivery: RawDelivery,
        mut invocation: Invocation,
    ) -> Vec<Outcome> {
        invocation.attempt = delivery.attempt;
        if let Some(trace) = &delivery.envelope.trace {
            invocation.trace = trace.clone();
        }
        let event = match function.trigger() {
            Trigger::Blob { change, .. } => match serde_json::from_slice::<BlobEvent>(&delivery.body) {
                Ok(event) if event.change != *change => return vec![Outcome::Done],
                Ok(event) => Event::Blob(event),
                Err(error) => return vec![Outcome::dead(format!("not a blob event: {error}"))],
            },
            _ => Event::Message(Box::new(delivery)),
        };
        self.settle(function, event, invocation, 1).await
    }

    async fn deliver_batch(
        &self,
        function: FunctionRef<'_>,
        deliveries: Vec<RawDelivery>,
        mut invocation: Invocation,
    ) -> Vec<Outcome> {
        let count = deliveries.len();
        invocation.attempt = deliveries.iter().map(|delivery| delivery.attempt).max().unwrap_or(1);
        // Several traces meet in a batch: only a batch of one carries its own on.
        if let [delivery] = &deliveries[..]
            && let Some(trace) = &delivery.envelope.trace
        {
            invocation.trace = trace.clone();
        }
        self.settle(function, Event::Batch(deliveries), invocation, count).await
    }

    /// Hands a blob event or a schedule's event to its function.
    ///
    /// # Errors
    /// `InvalidArgument` where the function has another trigger.
    pub async fn event(
        &self,
        function: FunctionRef<'_>,
        event: Event,
        invocation: Invocation,
    ) -> Result<Outcome> {
        let fits = matches!(
            (function.trigger(), &event),
            (Trigger::Blob { .. }, Event::Blob(_)) | (Trigger::Schedule(_), Event::Schedule(_))
        );
        if !fits {
            return Err(Error::invalid(format!("the function `{}` is for other events", function.name())));
        }
        Ok(only(self.settle(function, event, invocation, 1).await))
    }

    /// Calls a function with an event of `count` parts; so many outcomes.
    fn settle(
        &self,
        function: FunctionRef<'_>,
        event: Event,
        invocation: Invocation,
        count: usize,
    ) -> impl Future<Output = Vec<Outcome>> {
        let call = self.call(function.0, event, invocation);
        async move {
            let (reply, _) = call.await;
            let outcomes = reply.and_then(|reply| reply.into_outcomes(count));
            outcomes.unwrap_or_else(|error| vec![failure(&error); count])
        }
    }

    /// Calls a function within its time, and catches what it throws. Not itself async, so that events are not moved from
    /// future to future.
    fn call(
        &self,
        function: &Function,
        event: Event,
        mut invocation: Invocation,
    ) -> impl Future<Output = Called> {
        let deadline = deadline(function.timeout, invocation.deadline);
        invocation.function = Arc::clone(&function.name);
        invocation.deadline = deadline;
        invocation.cold_start = !self.warm.swap(true, Ordering::Relaxed);
        invocation.trace = invocation.trace.child();
        let trace = invocation.trace.clone();
        // Of the highest level: a failure is found by it also where nothing else is logged.
        let span = tracing::error_span!(
            "function",
            name = &*function.name,
            invocation = invocation.id,
            attempt = invocation.attempt,
            trace_id = %format_args!("{:032x}", trace.trace_id()),
            cold_start = invocation.cold_start,
        );
        let invocation = Arc::new(invocation);
        let its = Arc::clone(&invocation);
        // Called at once, and not in a future of its own: moving an event about costs more than calling its function.
        let calling = AssertUnwindSafe(|| trace.scoped(|| (function.call)(event, its)));
        let called = span.in_scope(|| std::panic::catch_unwind(calling));
        async move {
            let result = match called {
                Err(panic) => Ok(Err(panic)),
                Ok(call) => {
                    let call = AssertUnwindSafe(trace.scope(call)).catch_unwind();
                    match deadline {
                        Some(deadline) => tokio::time::timeout_at(deadline, call).await,
                        None => Ok(call.await),
                    }
                }
            };
            let reply = match result {
                Ok(Ok(reply)) => reply,
                Ok(Err(_)) => Err("the handler panicked".into()),
                Err(_) => {
                    invocation.cancellation.trigger();
                    let late =
                        "the handler took longer than it may: raise its timeout, or make its work smaller";
                    Err(HandlerError::status(StatusCode::GATEWAY_TIMEOUT, late))
                }
            };
            // Here, inside the span: so that a failure is found by its trace.
            match &reply {
                Err(error) => log(error),
                Ok(Reply::Outcomes(outcomes)) => outcomes.iter().for_each(log_outcome),
                Ok(Reply::Http(_)) => {}
            }
            (reply, invocation)
        }
        .instrument(span)
    }
}

/// The outcome of a call that has one.
fn only(mut outcomes: Vec<Outcome>) -> Outcome {
    outcomes.pop().unwrap_or_else(|| Outcome::retry("no outcome"))
}

/// Checks what a route says of its requests, and holds the body to the limit.
fn admit(request: Request, accepts: &[String], limit: u64) -> Result<Request, Box<Response>> {
    if let Some(content_type) = request.content_type()
        && !accepts.is_empty()
        && !accepts.contains(&content_type)
    {
        let detail = format!("send one of {}", accepts.join(", "));
        return Err(Box::new(problem::response(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(&detail), None)));
    }
    let mut request = request;
    let body = limited(request.take_body(), limit)
        .map_err(|error| Box::new(problem::of_error(&error.into(), None)))?;
    Ok(request.map_body(|_| body))
}

/// The sooner of a function's own limit and the platform's, less the time to report.
fn deadline(timeout: Option<Duration>, platform: Option<Instant>) -> Option<Instant> {
    if timeout.is_none() && platform.is_none() {
        return None;
    }
    let now = Instant::now();
    // One that is too far off to be told is none.
    let own = timeout.and_then(|timeout| now.checked_add(timeout));
    let platforms = platform.map(|platform| {
        let left = platform.saturating_duration_since(now);
        platform - REPORT_TIME.min(left / 10)
    });
    match (own, platforms) {
        (Some(own), Some(platforms)) => Some(own.min(platforms)),
        (own, platforms) => own.or(platforms),
    }
}

/// What a function needs and its provider cannot do, on whatever platform. Who has to subscribe to a bucket finds out there
/// whether it tells of events: a platform may bring them by itself.
fn lacking(function: &Function) -> Option<String> {
    match &function.trigger {
        Trigger::Queue { queue, .. } if queue.info().settings.ordered => {
            let info = queue.info();
            let refusal = format!(
                "function `{}`: the queue `{}` on {} cannot be ordered",
                function.name, info.resource, info.provider
            );
            info.capabilities.ordered.demand(refusal).err().map(|error| error.message().to_owned())
        }
        _ => None,
    }
}

fn log(error: &HandlerError) {
    match error.said_status() {
        Some(status) if status.is_client_error() => {
            tracing::debug!(%error, %status, "the request was refused")
        }
        _ if problem::status(error).is_client_error() => tracing::debug!(%error, "the request was refused"),
        _ => tracing::warn!(%error, fatal = error.is_fatal(), source = source(error), "the function failed"),
    }
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Done => {}
        Outcome::Retry { error, .. } => tracing::warn!(error, "the function failed; its event comes again"),
        Outcome::Dead { reason } => tracing::warn!(reason, "the function failed for good"),
    }
}

fn source(error: &HandlerError) -> Option<String> {
    std::error::Error::source(error.error()).and_then(|source| crate::error::causes(source).next())
}
