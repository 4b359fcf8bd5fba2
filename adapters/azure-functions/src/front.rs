//! Requests on their way in: the host's calls are taken out, a client's requests go to their routes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::value::RawValue;
use skyport_core::app::{Event, FunctionRef, Functions, Invocation, Trigger};
use skyport_core::event::ScheduleEvent;
use skyport_core::http::{Request, Response};
use skyport_core::schedule::Schedule;
use skyport_core::{Body, ErrorKind, Outcome, TraceContext};
use skyport_server::{Intercept, Intercepted};
use tokio::time::Instant;

use crate::blob::{self, Listener};
use crate::config::{AzureFunctionsConfig, settled_within};
use crate::event::{Envelope, Kind, LARGEST_BODY, kind, timer};
use crate::reply::{self, Answer};
use crate::{event, message, settle};

/// Tells the host's calls from its clients' requests.
#[derive(Debug)]
pub(crate) struct Front {
    functions: Arc<Functions>,
    http_deadline: Duration,
    event_deadline: Option<Duration>,
}

impl Front {
    pub(crate) fn new(functions: Arc<Functions>, config: &AzureFunctionsConfig) -> Self {
        Self { functions, http_deadline: config.http_deadline, event_deadline: config.event_deadline }
    }

    /// The function that a call is for; none where a call of this name can only bring a request in the wrapped form.
    fn called(&self, name: &str) -> Option<FunctionRef<'_>> {
        let function = self.functions.function(name).ok()?;
        (!matches!(function.trigger(), Trigger::Http(_) | Trigger::Mount(_))).then_some(function)
    }

    /// Answers a call of the host. Always an answer that it understands.
    async fn call(&self, name: String, request: Request, mut invocation: Invocation) -> Answer {
        let function = self.called(&name);
        let end = self.event_deadline.map(settled_within).and_then(|time| Instant::now().checked_add(time));
        let deadline = if function.is_some() { self.event_deadline } else { Some(self.http_deadline) };
        limit(&mut invocation, deadline);
        if let Some(trace) = TraceContext::from_headers(request.headers()) {
            invocation.trace = trace;
        }
        let body = match request.into_body().collect(LARGEST_BODY).await {
            Ok(body) => body,
            Err(error) => return unread(error.kind(), function.is_some(), &invocation.id).await,
        };
        let envelope = match Envelope::read(&body) {
            Ok(envelope) => envelope,
            Err(error) => return Answer::malformed(&error),
        };
        match function {
            Some(function) => self.event(function, &envelope, invocation, end).await,
            None => self.wrapped(&name, envelope.data, invocation).await,
        }
    }

    /// A call with an event, which is to be answered by the end of the host's time.
    async fn event(
        &self,
        function: FunctionRef<'_>,
        envelope: &Envelope<'_>,
        invocation: Invocation,
        end: Option<Instant>,
    ) -> Answer {
        match function.trigger() {
            Trigger::Queue { queue, .. } => {
                message::deliver(&self.functions, (function, queue), envelope, invocation, end).await
            }
            Trigger::Blob { bucket, change } => {
                let listener = Listener { function, bucket, change: *change };
                blob::deliver(&self.functions, listener, envelope, &invocation).await
            }
            Trigger::Schedule(schedule) => self.tick(function, schedule, envelope, invocation).await,
            other => {
                Answer::Nobody(format!("the function `{}` is for no events: {other:?}", function.name()))
            }
        }
    }

    async fn tick(
        &self,
        function: FunctionRef<'_>,
        schedule: &Schedule,
        envelope: &Envelope<'_>,
        mut invocation: Invocation,
    ) -> Answer {
        let called = timer::called_at(envelope.metadata.sys).unwrap_or_else(SystemTime::now);
        invocation.attempt = envelope.metadata.attempt();
        let told = timer::told(envelope.data, schedule, called);
        let instant = told.unwrap_or_else(|| timer::instant(schedule, called));
        let event = Event::Schedule(ScheduleEvent::new(instant));
        let outcome = self.functions.event(function, event, invocation).await;
        let outcome = outcome.unwrap_or_else(|error| Outcome::retry(error.to_string()));
        settle::unattended(outcome, "a schedule's instant")
    }

    /// A call with a request in the wrapped form.
    async fn wrapped(&self, name: &str, data: Option<&RawValue>, invocation: Invocation) -> Answer {
        let Some(wrapped) = data.and_then(event::http::wrapped) else {
            let there = self.functions.function(name).map_or_else(
                |error| error.message().to_owned(),
                |function| format!("the function `{}` is for requests", function.name()),
            );
            return Answer::Nobody(format!("a call of `{name}` came that is no request: {there}"));
        };
        let (method, id) = (wrapped.method(), invocation.id.clone());
        match wrapped.request() {
            Ok(request) => {
                let response = self.functions.http(request, invocation).await;
                reply::http::answer(response, method.as_ref(), &id).await
            }
            Err(why) => reply::http::refused(StatusCode::BAD_REQUEST, why, &id).await,
        }
    }
}

#[async_trait]
impl Intercept for Front {
    async fn intercept(&self, request: Request, invocation: &mut Invocation) -> Intercepted {
        if let Some(id) = kind::id(request.headers()) {
            id.clone_into(&mut invocation.id);
        }
        let kind = kind::kind(&request);
        match kind {
            Kind::Ping => return Intercepted::Answered(Response::no_content()),
            Kind::Call(name) => {
                let name = name.to_owned();
                let answer = self.call(name, request, invocation.clone()).await;
                return Intercepted::Answered(answer.into_response());
            }
            Kind::Proxied | Kind::Forwarded | Kind::Direct => {}
        }
        if let Some(function) = kind::nearly_called(&request).and_then(|name| self.called(name)) {
            tracing::error!(
                function = function.name(),
                length = request.headers().contains_key(header::CONTENT_LENGTH),
                query = request.uri().query().is_some(),
                "a request looks like a call of the host for this function, and is not made as the host makes them: it is taken for a client's. If no client \
                 sends it, the host is of a version that this program does not know: set FUNCTIONS_EXTENSION_VERSION to ~4, or report it to Skyport"
            );
        }
        limit(invocation, Some(self.http_deadline));
        let (direct, forwarded) = (kind == Kind::Direct, kind == Kind::Forwarded);
        Intercepted::Passed(if direct { request } else { as_sent(request, forwarded) })
    }

    fn is_platforms(&self, request: &Request) -> bool {
        match kind::kind(request) {
            Kind::Ping => true,
            // In the wrapped form it is a client's.
            Kind::Call(name) => self.called(name).is_some(),
            Kind::Proxied | Kind::Forwarded | Kind::Direct => false,
        }
    }
}

/// Sets the time for a call, where nothing has set a shorter one.
fn limit(invocation: &mut Invocation, time: Option<Duration>) {
    let ours = time.and_then(|time| Instant::now().checked_add(time));
    invocation.deadline = match (invocation.deadline, ours) {
        (Some(set), Some(ours)) => Some(set.min(ours)),
        (set, ours) => set.or(ours),
    };
}

/// A request that came through the host as its client sent it, as far as that can be known, and with what cannot.
fn as_sent(request: Request, forwarded: bool) -> Request {
    let mut fidelity = request.fidelity();
    // The host decodes a path and encodes it anew, and its HTTP client writes repeated headers into one.
    fidelity.path_decoded = true;
    fidelity.headers_joined = true;
    let mut request = http::Request::<Body>::from(request);
    if forwarded {
        without_agent(request.headers_mut());
    }
    Request::from(request).with_fidelity(fidelity)
}

/// Takes the host's own name out of the client's, behind which it stands.
fn without_agent(headers: &mut HeaderMap) {
    let Some(agent) = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()) else { return };
    let Some(start) = agent.rfind("Azure-Functions-Host/") else { return };
    match HeaderValue::from_str(agent[..start].trim_end_matches([' ', ','])) {
        Ok(own) if !own.is_empty() => {
            headers.insert(header::USER_AGENT, own);
        }
        _ => {
            headers.remove(header::USER_AGENT);
        }
    }
}

/// The answer to a call whose body cannot be read. A client whose request it was is told by a status of its own.
async fn unread(kind: ErrorKind, event: bool, id: &str) -> Answer {
    let (status, why) = match kind {
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body of a call has at most 32 MiB"),
        _ => (StatusCode::BAD_REQUEST, "the body of a call broke off"),
    };
    if event || status == StatusCode::BAD_REQUEST {
        return Answer::Refused(status, why.to_owned());
    }
    reply::http::refused(status, why, id).await
}

#[cfg(test)]
mod tests;
