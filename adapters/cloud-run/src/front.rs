//! Requests on their way in: events are taken out, everything else goes to its route.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use http::{StatusCode, header};
use skyport_core::app::{Event, Functions, Invocation};
use skyport_core::event::ScheduleEvent;
use skyport_core::http::{Request, Response, problem};
use skyport_core::{Body, ErrorKind, Outcome, Result};
use skyport_server::{Intercept, Intercepted};

use crate::config::{CloudRunConfig, Signature};
use crate::event::{self, Kind, LARGEST_BODY, cloud, push, trace};
use crate::guard::Guard;
use crate::plan::{self, Carrier, Plan};
use crate::reply::Answer;
use crate::served::Served;
use crate::{blob, message, settle};

/// How many events of a batch are worked on at once.
const CONCURRENCY: usize = 16;

/// Takes events out of the requests.
#[derive(Debug)]
pub(crate) struct Front {
    served: Served,
    signature: Signature,
    events_path: Option<String>,
    guard: Guard,
}

/// What is to be done with the events of one request, or how each is answered for which nothing is.
type Plans<'s> = Vec<Result<Plan<'s>, Answer>>;

impl Front {
    pub(crate) fn new(functions: Arc<Functions>, config: &CloudRunConfig) -> Result<Self> {
        Ok(Self {
            served: Served::new(functions, config)?,
            signature: config.signature,
            events_path: config.events_path.clone(),
            guard: Guard::new(config.push.as_ref())?,
        })
    }

    /// Whether the request may be an event: by its headers, or by its body, where that is to be looked into.
    fn may_be_event(&self, kind: Kind, request: &Request, routed: bool) -> bool {
        match kind {
            Kind::Http => false,
            _ if !routed => true,
            // What is longer than any event is the route's, and goes there as a stream; as do events of its own.
            _ if is_too_long(request) => false,
            Kind::Json => self.is_events_path(request.path()),
            Kind::Binary => cloud::kind(request.headers()).is_some_and(plan::is_known),
            _ => true,
        }
    }

    /// Whether a route is there for it. A deployment of events has none.
    fn is_routed(&self, request: &Request) -> bool {
        self.signature != Signature::CloudEvent
            && self.served.functions.has_route(request.method(), request.path())
    }

    fn is_events_path(&self, path: &str) -> bool {
        self.events_path.as_deref() == Some(path)
    }

    /// Whether who sent it may send events, before its body is read. What is a route's else is no event without a good token. Of
    /// other JSON its body has to tell first: whoever sends no event is not asked for one.
    async fn known(&self, kind: Kind, request: &Request, routed: bool, id: &str) -> Result<bool, Response> {
        match kind {
            _ if routed => self.guard.knows(request.headers(), id).await,
            Kind::Json => Ok(true),
            _ => self.guard.admit(request.headers(), id).await.map(|()| true),
        }
    }

    /// Whether no function is for it. An event of a bucket that asks for nothing is one of the application's where it has functions
    /// for a bucket's events at all.
    fn is_nobodys(&self, plan: &Result<Plan<'_>, Answer>) -> bool {
        match plan {
            Err(_) => true,
            Ok(Plan::Nothing | Plan::Unreadable { .. }) => !self.served.has_buckets(),
            Ok(_) => false,
        }
    }

    /// What is to be done with the events in the request.
    fn plans(&self, kind: Kind, request: &Request, body: &Bytes, routed: bool) -> Plans<'_> {
        let (served, now) = (&self.served, SystemTime::now());
        let headers = request.headers();
        let one = |event| plan::of_event(served, event, now);
        let read = match kind {
            Kind::Structured => cloud::structured(body).map(|event| vec![one(event)]),
            Kind::Binary => cloud::binary(headers, body.clone()).map(|event| vec![one(event)]),
            Kind::Batch => cloud::batch(body).map(|events| {
                let each = |event: Result<_>| event.map_err(|error| Answer::malformed(&error)).and_then(one);
                events.into_iter().map(each).collect()
            }),
            Kind::Unwrapped => {
                push::unwrapped(headers, body.clone(), now).map(|push| vec![plan::of_push(served, push)])
            }
            Kind::Json => push::wrapped(body, now).map(|push| vec![plan::of_push(served, push)]),
            Kind::Schedule => {
                event::schedule::tick(headers, now).map(|tick| vec![plan::of_tick(served, &tick, routed)])
            }
            Kind::Unreadable => Ok(vec![Err(Answer::Refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send CloudEvents as JSON, or in binary mode".to_owned(),
            ))]),
            Kind::Http => Ok(Vec::new()),
        };
        read.unwrap_or_else(|error| vec![Err(Answer::malformed(&error))])
    }

    /// Does it; of several events the worst is told, so that one that was done may come again with one that was not.
    async fn run(&self, plans: Plans<'_>, invocation: &Invocation) -> Answer {
        let call = |plan| -> BoxFuture<'_, Answer> {
            Box::pin(async {
                match plan {
                    Ok(plan) => self.run_one(plan, invocation.clone()).await,
                    Err(answer) => answer,
                }
            })
        };
        let calls: Vec<BoxFuture<'_, Answer>> = plans.into_iter().map(call).collect();
        let answers = stream::iter(calls).buffer_unordered(CONCURRENCY);
        answers.fold(Answer::Done, async |worst, answer| worst.worse(answer)).await
    }

    async fn run_one(&self, plan: Plan<'_>, mut invocation: Invocation) -> Answer {
        let served = &self.served;
        invocation.cancellation = invocation.cancellation.child();
        match plan {
            Plan::Message { to, push } => {
                invocation.trace = push.trace.clone().unwrap_or(invocation.trace);
                message::deliver(served, to, push, invocation).await
            }
            Plan::Blob { to, notice, by: Carrier::Event { id, trace } } => {
                invocation.id = id;
                invocation.trace = trace.unwrap_or(invocation.trace);
                let outcome = blob::tell(served, to, &notice, 1, &invocation).await;
                settle::unattended(outcome, "a bucket's event")
            }
            Plan::Blob { to, notice, by: Carrier::Push(push) } => {
                push.message.id.as_str().clone_into(&mut invocation.id);
                invocation.trace = push.trace.clone().unwrap_or(invocation.trace);
                let outcome = blob::tell(served, to, &notice, push.message.attempt, &invocation).await;
                self.settle_carried(push, outcome).await
            }
            Plan::Unreadable { push, why } => self.settle_carried(push, Outcome::dead(why)).await,
            Plan::Schedule { to, scheduled } => {
                let event = Event::Schedule(ScheduleEvent::new(scheduled));
                let outcome = served.functions.event(to, event, invocation).await;
                let outcome = outcome.unwrap_or_else(|error| Outcome::retry(error.to_string()));
                settle::unattended(outcome, "a schedule's instant")
            }
            Plan::Nothing => Answer::Done,
        }
    }

    /// Settles a message that carried a bucket's event, through its queue where that can be opened.
    async fn settle_carried(&self, push: push::Push, outcome: Outcome) -> Answer {
        match self.served.carrier(push.subscription_name()) {
            Some(queue) => {
                let delivery = message::delivery(&*queue, push);
                settle::carried(&queue, &delivery, outcome).await
            }
            None => settle::unattended(outcome, "a bucket's event"),
        }
    }

    /// A request that is no event.
    fn pass(&self, request: Request, invocation: &Invocation) -> Intercepted {
        if self.signature == Signature::CloudEvent {
            let detail = "this deployment takes events: CloudEvents, pushes of Pub/Sub, Cloud Scheduler's";
            let refused = problem::response(StatusCode::BAD_REQUEST, Some(detail), Some(&invocation.id));
            return Intercepted::Answered(refused);
        }
        Intercepted::Passed(request)
    }
}

#[async_trait]
impl Intercept for Front {
    async fn intercept(&self, request: Request, invocation: &mut Invocation) -> Intercepted {
        if let Some(trace) = trace::of(request.headers()) {
            invocation.trace = trace;
        }
        if self.signature == Signature::Http {
            return Intercepted::Passed(request);
        }
        let (kind, routed) = (event::kind::kind(&request), self.is_routed(&request));
        if !self.may_be_event(kind, &request, routed) {
            return self.pass(request, invocation);
        }
        match self.known(kind, &request, routed, &invocation.id).await {
            Ok(true) => {}
            Ok(false) => return self.pass(request, invocation),
            Err(refused) => return Intercepted::Answered(refused),
        }
        if is_too_long(&request) {
            return Intercepted::Answered(too_long(&invocation.id));
        }
        let (request, body) = match whole(request, &invocation.id).await {
            Ok(read) => read,
            Err(refused) => return Intercepted::Answered(refused),
        };
        if kind == Kind::Json {
            if !push::is_wrapped(&body) {
                return self.pass(with_body(request, body), invocation);
            }
            if !routed && let Err(refused) = self.guard.admit(request.headers(), &invocation.id).await {
                return Intercepted::Answered(refused);
            }
        }
        let plans = self.plans(kind, &request, &body, routed);
        // What no function is for is the route's, where there is one.
        if routed && plans.iter().all(|plan| self.is_nobodys(plan)) {
            return self.pass(with_body(request, body), invocation);
        }
        let answer = self.run(plans, invocation).await;
        Intercepted::Answered(answer.into_response(&invocation.id))
    }

    fn is_platforms(&self, request: &Request) -> bool {
        self.signature != Signature::Http
            && self.may_be_event(event::kind::kind(request), request, self.is_routed(request))
    }
}

/// Whether the request says that its body is longer than an event may be.
fn is_too_long(request: &Request) -> bool {
    let length = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| length > LARGEST_BODY)
}

fn too_long(id: &str) -> Response {
    let detail = format!("the body of an event has at most {LARGEST_BODY} bytes");
    problem::response(StatusCode::PAYLOAD_TOO_LARGE, Some(&detail), Some(id))
}

/// The request without its body, and its body.
async fn whole(mut request: Request, id: &str) -> Result<(Request, Bytes), Response> {
    match request.take_body().collect(LARGEST_BODY).await {
        Ok(body) => Ok((request, body)),
        Err(error) if error.kind() == ErrorKind::TooLarge => Err(too_long(id)),
        Err(_) => {
            Err(problem::response(StatusCode::BAD_REQUEST, Some("the request's body broke off"), Some(id)))
        }
    }
}

/// The request with its body, which is whole now.
fn with_body(request: Request, body: Bytes) -> Request {
    let mut fidelity = request.fidelity();
    fidelity.buffered = true;
    let request = http::Request::from(request).map(|_: Body| Body::from(body));
    Request::from(request).with_fidelity(fidelity)
}

#[cfg(test)]
mod tests;
