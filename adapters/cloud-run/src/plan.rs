//! Whose an event is, before anything runs.

use std::time::SystemTime;

use skyport_core::TraceContext;
use skyport_core::app::{FunctionRef, Sourced};
use skyport_core::blob::port::BlobStore;
use skyport_core::queue::port::MessageQueue;
use skyport_gcp_wire::storage::{self, Notice, StorageEvent, Told};

use crate::event::cloud::CloudEvent;
use crate::event::push::{self, Push};
use crate::event::schedule::Tick;
use crate::reply::Answer;
use crate::served::Served;

/// The CloudEvent in which Eventarc brings messages of Pub/Sub.
const PUBLISHED: &str = "google.cloud.pubsub.topic.v1.messagePublished";

/// What is to be done with an event.
#[derive(Debug)]
pub(crate) enum Plan<'s> {
    /// A message, for the function of its queue.
    Message { to: Sourced<'s, dyn MessageQueue>, push: Push },
    /// A change of a bucket's object, for each of these.
    Blob { to: Vec<Sourced<'s, dyn BlobStore>>, notice: Box<Notice>, by: Carrier },
    /// A schedule's instant.
    Schedule { to: FunctionRef<'s>, scheduled: SystemTime },
    /// A message that carries a bucket's event which cannot be read, and why.
    Unreadable { push: Push, why: String },
    /// There is nothing to do.
    Nothing,
}

/// What brought a bucket's event.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// A message, which is to be settled.
    Push(Push),
    /// A CloudEvent of this id, which may belong to a trace.
    Event { id: String, trace: Option<TraceContext> },
}

/// Whether a function could be for CloudEvents of this type.
pub(crate) fn is_known(kind: &str) -> bool {
    kind == PUBLISHED || storage::is_event(kind)
}

/// What is to be done with a message that was pushed: it goes to the function of its queue, whatever is in it. Where none is for
/// it, it may carry a bucket's event.
pub(crate) fn of_push(served: &Served, push: Push) -> Result<Plan<'_>, Answer> {
    let name = push.subscription_name();
    match served.sources().queue(name) {
        Ok(Some(to)) => return Ok(Plan::Message { to, push }),
        Ok(None) => {}
        Err(error) => return Err(Answer::nobody(&error)),
    }
    match storage::in_message(&push.message) {
        Ok(Told::Notice(notice)) => of_notice(served, notice, Carrier::Push(push)),
        Ok(Told::Nothing) => Ok(Plan::Nothing),
        Ok(Told::Foreign) => Err(Answer::Nobody(format!(
            "a message of the subscription `{}` came: no function is for it, and it carries no event of a bucket; give a \
             function a queue of that name, or set SKYPORT_FUNCTION",
            name.escape_debug()
        ))),
        Err(error) => Ok(Plan::Unreadable { push, why: error.message().to_owned() }),
    }
}

/// What is to be done with a CloudEvent.
pub(crate) fn of_event(served: &Served, event: CloudEvent, now: SystemTime) -> Result<Plan<'_>, Answer> {
    if event.kind == PUBLISHED {
        return of_published(served, &event, now);
    }
    let told = storage::in_event(&StorageEvent {
        kind: &event.kind,
        source: &event.source,
        subject: event.subject.as_deref(),
        time: event.time,
        data: &event.data,
    });
    match told {
        Ok(Told::Notice(notice)) => {
            let trace = event.traceparent.and_then(|trace| trace.parse().ok());
            of_notice(served, notice, Carrier::Event { id: event.id, trace })
        }
        Ok(Told::Nothing) => Ok(Plan::Nothing),
        Ok(Told::Foreign) => {
            Err(Answer::PassedOver(format!("an event of the type `{}`", event.kind.escape_debug())))
        }
        Err(error) => Err(Answer::malformed(&error)),
    }
}

/// Eventarc has subscriptions of its own: a message is then for the queue that is called as its topic is.
fn of_published<'s>(served: &'s Served, event: &CloudEvent, now: SystemTime) -> Result<Plan<'s>, Answer> {
    let mut push = push::wrapped(&event.data, now).map_err(|error| Answer::malformed(&error))?;
    let known = served.sources().queue(push.subscription_name());
    if let (Ok(None), Some((_, topic))) = (known, event.source.rsplit_once("/topics/"))
        && matches!(served.sources().queue(topic), Ok(Some(_)))
    {
        topic.clone_into(&mut push.subscription);
    }
    of_push(served, push)
}

fn of_notice(served: &Served, notice: Box<Notice>, by: Carrier) -> Result<Plan<'_>, Answer> {
    match served.sources().bucket(&notice.event.bucket, notice.event.change) {
        Ok(to) => Ok(Plan::Blob { to, notice, by }),
        Err(error) => Err(Answer::nobody(&error)),
    }
}

/// What is to be done with a schedule's instant. Where the application has a route of its own for the request (`routed`), a job
/// whose name is not a function's calls that.
pub(crate) fn of_tick<'s>(served: &'s Served, tick: &Tick, routed: bool) -> Result<Plan<'s>, Answer> {
    let (sources, job) = (served.sources(), [tick.job.as_str()]);
    if routed && served.named().is_none() && sources.schedule_called(&job).is_none() {
        return Err(Answer::Nobody("the job is not called after a function".to_owned()));
    }
    let to = sources.schedule(&job).map_err(|error| Answer::nobody(&error))?;
    Ok(Plan::Schedule { to, scheduled: tick.scheduled })
}
