//! A message that was pushed: held back until its time, handed to its function, and settled by what came of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use skyport_core::app::{FunctionRef, Invocation, Sourced};
use skyport_core::queue::port::{MessageQueue, RawDelivery};
use skyport_core::{Error, ErrorKind, Outcome};
use skyport_gcp_wire::message::pushed;

use crate::event::push::Push;
use crate::reply::Answer;
use crate::served::Served;
use crate::settle;

/// A message whose time is as near as this waits here for it: shorter than any subscription's time to answer, and than its
/// shortest backoff.
const WAIT: Duration = Duration::from_secs(5);

/// How far the clock of a sender may be ahead of Pub/Sub's.
const SKEW: Duration = Duration::from_secs(60);

/// Pub/Sub counts no attempts to fewer than these, whatever the queue says.
const FEWEST_ATTEMPTS: u32 = 5;

/// Hands a message to the function of its queue, and settles it.
pub(crate) async fn deliver(
    served: &Served,
    to: Sourced<'_, dyn MessageQueue>,
    push: Push,
    mut invocation: Invocation,
) -> Answer {
    let (function, queue) = to;
    push.message.id.as_str().clone_into(&mut invocation.id);
    let delivery = delivery(&**queue, push);
    let held = held_until(&**queue, &delivery);
    if let Some(time) = held
        && !waited(&**queue, time, &invocation).await
    {
        return hold(queue, delivery, time).await;
    }
    let delivery = match adopted(queue, delivery).await {
        Ok(delivery) => delivery,
        Err(answer) => return answer,
    };
    let outcome = call(served, function, delivery.clone(), invocation).await;
    settle::by(queue, &delivery, outcome).await
}

/// As a receive makes it: only an ordered queue has groups.
pub(crate) fn delivery(queue: &dyn MessageQueue, push: Push) -> RawDelivery {
    let receipt = pushed(&push.message.id);
    let mut delivery = push.message.into_delivery(receipt);
    delivery.group = delivery.group.filter(|_| queue.info().settings.ordered);
    delivery
}

/// Before when the message is not to be delivered, where that is still to come. More than the longest delay after it was sent is
/// nobody's delay: then it is not held at all.
fn held_until(queue: &dyn MessageQueue, delivery: &RawDelivery) -> Option<SystemTime> {
    let (info, time) = (queue.info(), delivery.envelope.not_before()?);
    let latest = delivery.sent_at.checked_add(info.limits.delay)?.checked_add(SKEW)?;
    (time > info.clock.now() && time <= latest).then_some(time)
}

/// Waits until then, where that is soon; whether it is then.
async fn waited(queue: &dyn MessageQueue, time: SystemTime, invocation: &Invocation) -> bool {
    let clock = queue.info().clock;
    let left = |clock: skyport_core::Clock| time.duration_since(clock.now()).unwrap_or_default();
    let spared = invocation.remaining().is_none_or(|remaining| left(clock) <= remaining / 2);
    if left(clock) > WAIT || !spared {
        return false;
    }
    let waiting = async {
        // A clock may be set meanwhile.
        while !left(clock).is_zero() {
            tokio::time::sleep_until(clock.instant_at(time)).await;
        }
    };
    tokio::select! {
        () = waiting => true,
        () = invocation.cancelled() => false,
    }
}

/// Holds a message back whose time is far: it comes again by the subscription's backoff. Each time counts as an attempt, so before
/// they are spent it is sent anew, to be delivered then, and its attempts are counted from there: by Pub/Sub's count, since each that
/// is sent anew comes at once. Never in an ordered queue, where it would lose its place.
async fn hold(queue: &Arc<dyn MessageQueue>, delivery: RawDelivery, time: SystemTime) -> Answer {
    let info = queue.info();
    let last = info.settings.max_attempts.max(FEWEST_ATTEMPTS);
    if info.settings.ordered || delivery.attempt < last && !settle::worn(queue, &delivery) {
        tracing::debug!(
            id = &*delivery.id,
            attempt = delivery.attempt,
            "a message is held back until its time"
        );
        return Answer::Again;
    }
    let delivery = match adopted(queue, delivery).await {
        Ok(delivery) => delivery,
        Err(answer) => return answer,
    };
    let mut message = delivery.to_message();
    message.envelope.set_not_before(None);
    message.delay = Some(time.duration_since(info.clock.now()).unwrap_or_default());
    let sent = queue.send(vec![message]).await.pop();
    match sent.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))) {
        Ok(anew) => {
            tracing::debug!(
                id = &*delivery.id,
                anew = anew.as_str(),
                "a message that is held back was sent anew"
            );
            settle::done(queue, &delivery).await;
            Answer::Done
        }
        Err(error) => {
            tracing::warn!(id = &*delivery.id, %error, "a message that is held back could not be sent anew");
            Answer::Again
        }
    }
}

/// Lets the queue's layers make of the message what a receive would have made of it.
async fn adopted(queue: &Arc<dyn MessageQueue>, delivery: RawDelivery) -> Result<RawDelivery, Answer> {
    let adopted = queue.adopt(vec![delivery.clone()]).await.pop();
    match adopted.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))) {
        Ok(Some(adopted)) => Ok(adopted),
        Ok(None) => Err(Answer::Done),
        Err(error) => {
            // What can never be read goes to the dead letters, as a receive would have put it there.
            let outcome = match error.kind() {
                ErrorKind::NotFound | ErrorKind::TooLarge | ErrorKind::Malformed => {
                    Outcome::dead(error.message())
                }
                _ => Outcome::retry(error.to_string()),
            };
            Err(settle::by(queue, &delivery, outcome).await)
        }
    }
}

async fn call(
    served: &Served,
    function: FunctionRef<'_>,
    delivery: RawDelivery,
    invocation: Invocation,
) -> Outcome {
    match served.functions.deliver(function, vec![delivery], invocation).await {
        Ok(mut outcomes) => outcomes.pop().unwrap_or_else(|| Outcome::retry("the handler gave no outcome")),
        Err(error) => Outcome::retry(error.to_string()),
    }
}
