//! From an invocation to its answer.

use std::sync::Arc;

use lambda_runtime::Context;
use serde_json::Value;
use skyport_aws_wire::s3::{self, Notice};
use skyport_aws_wire::sqs::SqsMessage;
use skyport_core::Outcome;
use skyport_core::app::{Event, FunctionRef, Invocation};
use skyport_core::event::ScheduleEvent;
use skyport_core::http::problem;

use crate::batch::{self, Handed};
use crate::event::{self, Kind};
use crate::failure::Failure;
use crate::reply::{Answer, Shape};
use crate::served::Served;
use crate::settle::settle;
use crate::{blob, reply};

/// Answers an invocation. Always an answer: what fails becomes one.
pub(crate) async fn answer(served: &Served, context: &Context, payload: &[u8]) -> Answer {
    if served.config.shutdown.is_triggered() {
        return Answer::Failed(Failure::function("the process is shutting down and takes no new work"));
    }
    let event: Value = match serde_json::from_slice(payload) {
        Ok(event) => event,
        Err(error) => return Answer::Failed(Failure::event(format!("the event is not JSON: {error}"))),
    };
    let invocation = event::call::invocation(context);
    let kind = event::kind(&event);
    let answered = match kind {
        Kind::HttpV1 | Kind::HttpV2 | Kind::Alb => return http(served, event, kind, invocation).await,
        Kind::S3Test => Ok(Answer::done()),
        Kind::Sqs => messages(served, event, invocation).await,
        Kind::S3 => notices(served, s3::in_value(&event), invocation).await,
        Kind::Sns => notices(served, of_topic(&event), invocation).await,
        Kind::Schedule | Kind::Marked => schedule(served, &event, kind, invocation).await,
        Kind::Refused(what, instead) => {
            Err(Failure::event(format!("{what} came, which no function can be for: {instead}")))
        }
    };
    answered.unwrap_or_else(Answer::Failed)
}

async fn http(served: &Served, event: Value, kind: Kind, invocation: Invocation) -> Answer {
    let shape = event::http::shape(&event, kind).unwrap_or(Shape::V2);
    let method = event::http::method(&event, shape);
    let id = invocation.id.clone();
    let cancellation = invocation.cancellation.clone();
    let response = match event::http::request(event, shape) {
        Ok(request) => {
            let answering = served.functions.http(request, invocation);
            served.until_cut(&cancellation, answering).await.unwrap_or_else(|| {
                let detail = "the process shut down before the request was done";
                problem::response(::http::StatusCode::SERVICE_UNAVAILABLE, Some(detail), Some(&id))
            })
        }
        Err(wrong) => problem::response(::http::StatusCode::BAD_REQUEST, Some(wrong), Some(&id)),
    };
    reply::http::answer(response, shape, method.as_ref(), served.config.response_streaming).await
}

/// Messages go to the function of their queue. Where none is for it, they may be a bucket's events, carried by a queue.
async fn messages(served: &Served, mut event: Value, invocation: Invocation) -> Result<Answer, Failure> {
    let messages: Vec<SqsMessage> = serde_json::from_value(event["Records"].take())
        .map_err(|error| Failure::event(format!("the messages of SQS cannot be read: {error}")))?;
    let name = messages.first().map(|message| message.queue().to_owned()).unwrap_or_default();
    if messages.iter().any(|message| message.queue() != name) {
        return Err(Failure::event("messages of several queues came in one event, which no mapping sends"));
    }
    let ids: Vec<String> = messages.iter().map(|message| message.message_id.clone()).collect();
    let hand = |ordered: bool| move |message| Handed::new(message, ordered);
    // One way for both: what settles is linked once.
    let (queue, handed) = match served.sources().queue(&name).map_err(|error| Failure::strange(&error))? {
        Some((function, queue)) => {
            let ordered = queue.info().settings.ordered;
            let mut handed: Vec<Handed> = messages.into_iter().map(hand(ordered)).collect();
            batch::deliver(served, function, queue, &mut handed, invocation).await?;
            (Some(Arc::clone(queue)), handed)
        }
        None => {
            let mut handed: Vec<Handed> = messages.into_iter().map(hand(false)).collect();
            blob::carried(served, &name, &mut handed, invocation).await?;
            (carrier(served, &name), handed)
        }
    };
    let failed = settle(queue.as_ref(), &handed).await;
    let failed: Vec<String> = failed.into_iter().filter_map(|index| ids.get(index).cloned()).collect();
    Ok(Answer::batch(&failed))
}

/// The queue that carries a bucket's events.
fn carrier(served: &Served, name: &str) -> Option<Arc<dyn skyport_core::queue::port::MessageQueue>> {
    match served.config.queues.as_ref()?(name) {
        Ok(queue) => Some(queue),
        Err(error) => {
            tracing::warn!(queue = name, %error, "a queue of events cannot be opened; its own settings decide what comes again");
            None
        }
    }
}

fn of_topic(event: &Value) -> skyport_core::Result<Option<Vec<Notice>>> {
    let mut notices = Vec::new();
    for record in event["Records"].as_array().into_iter().flatten() {
        match s3::in_text(record["Sns"]["Message"].as_str().unwrap_or_default())? {
            Some(more) => notices.extend(more),
            None => return Ok(None),
        }
    }
    Ok(Some(notices))
}

/// A bucket's events that nobody waits for: where a function fails, Lambda calls again.
async fn notices(
    served: &Served,
    notices: skyport_core::Result<Option<Vec<Notice>>>,
    invocation: Invocation,
) -> Result<Answer, Failure> {
    let Some(notices) = notices? else {
        return Err(Failure::event(
            "a notification of SNS came that is none of S3: subscribe a queue to the topic, and declare a function for it",
        ));
    };
    let outcome = blob::deliver(served, notices, 1, &invocation).await?;
    unattended(outcome, "a bucket's event")
}

async fn schedule(
    served: &Served,
    event: &Value,
    kind: Kind,
    invocation: Invocation,
) -> Result<Answer, Failure> {
    let (function, time): (FunctionRef<'_>, &Value) = if kind == Kind::Marked {
        (event::schedule::marked(&served.functions, event)?, &event["skyport"]["scheduled"])
    } else {
        (event::schedule::function(served.sources(), event)?, &event["time"])
    };
    let event = Event::Schedule(ScheduleEvent::new(event::schedule::instant(time)?));
    let cancellation = invocation.cancellation.clone();
    let calling = served.functions.event(function, event, invocation);
    let outcome = match served.until_cut(&cancellation, calling).await {
        Some(outcome) => outcome?,
        None => batch::stopped(),
    };
    unattended(outcome, "a schedule's instant")
}

/// The answer to an event that nobody waits for. It has no dead letters: one that failed for good is told in the log, and
/// not repeated.
fn unattended(outcome: Outcome, what: &str) -> Result<Answer, Failure> {
    match outcome {
        Outcome::Done => Ok(Answer::done()),
        Outcome::Dead { reason } => {
            tracing::error!(reason, "{what} failed for good, and is not repeated");
            Ok(Answer::done())
        }
        Outcome::Retry { error, .. } => Err(Failure::function(error)),
        _ => Err(Failure::internal("an outcome that this adapter does not know")),
    }
}

#[cfg(test)]
mod tests;
