//! The ends of messages that were pushed. Pub/Sub settles them by the status of the answer; what goes to the dead letters is sent
//! there first.

use std::sync::Arc;

use skyport_core::queue::port::{MessageQueue, RawDelivery, Settlement, Verdict};
use skyport_core::{Error, ErrorKind, Outcome};
use skyport_gcp_wire::message::{anew, is_pushed, is_worn};

use crate::reply::Answer;

/// The reason of a dead letter whose attempts were spent.
const ATTEMPTS: &str = "attempts";

/// A message that could not be sent to the dead letters.
struct Unburied {
    reason: String,
    error: Error,
}

/// Settles a message by what came of it. One that cannot be sent to the dead letters comes again.
pub(crate) async fn by(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery, outcome: Outcome) -> Answer {
    let id = &*delivery.id;
    settle(queue, delivery, outcome).await.unwrap_or_else(|Unburied { reason, error }| {
        tracing::error!(id, reason, %error, "a message could not be sent to the dead letters; it comes again");
        Answer::Again
    })
}

/// Settles a message that carried a bucket's event. Its subscription is none that the application declares: it may have no dead
/// letters, or none for this service, and then the log is told in their place. It would come again for days, and nobody could end it.
pub(crate) async fn carried(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    outcome: Outcome,
) -> Answer {
    let id = &*delivery.id;
    settle(queue, delivery, outcome).await.unwrap_or_else(|Unburied { reason, error }| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unsupported => {
            tracing::error!(id, %error, "a bucket's event has no dead letters that it could be sent to");
            unattended(Outcome::dead(reason), "a bucket's event")
        }
        _ => {
            tracing::error!(id, reason, %error, "a bucket's event could not be sent to the dead letters; it comes again");
            Answer::Again
        }
    })
}

async fn settle(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    outcome: Outcome,
) -> Result<Answer, Unburied> {
    let (id, attempt) = (&*delivery.id, delivery.attempt);
    match outcome {
        Outcome::Done => {
            done(queue, delivery).await;
            Ok(Answer::Done)
        }
        Outcome::Dead { reason } => bury(queue, delivery, &reason).await,
        // On the queue of dead letters there is no limit: what is retried there stays there.
        Outcome::Retry { error, .. }
            if attempt >= queue.info().settings.max_attempts && has_letters(queue) =>
        {
            tracing::warn!(id, attempt, error, "the attempts of a message are spent");
            bury(queue, delivery, ATTEMPTS).await
        }
        Outcome::Retry { error, .. } => {
            tracing::info!(id, attempt, error, "a message comes again");
            Ok(if worn(queue, delivery) { counted_on(queue, delivery).await } else { Answer::Again })
        }
        _ => Ok(Answer::Again),
    }
}

/// What becomes of an event that has no dead letters.
pub(crate) fn unattended(outcome: Outcome, what: &str) -> Answer {
    match outcome {
        Outcome::Done => Answer::Done,
        Outcome::Dead { reason } => {
            tracing::error!(reason, "{what} failed for good, and is not repeated");
            Answer::Done
        }
        _ => Answer::Again,
    }
}

/// A layer has more to end than the message, and has put its own name on the receipt; the message itself ends with the answer.
pub(crate) async fn done(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery) {
    if is_pushed(&delivery.receipt) {
        return;
    }
    let settlement = Settlement::new(delivery.receipt.clone(), Verdict::Ack);
    if let Some(Err(error)) = queue.settle(vec![settlement]).await.pop() {
        tracing::debug!(id = &*delivery.id, %error, "what a layer keeps of a message was left to its lifecycle rule");
    }
}

/// Whether Pub/Sub would soon take the message for dead, though it may have more attempts. Never in an ordered queue, where a
/// message that is sent anew would lose its place.
pub(crate) fn worn(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery) -> bool {
    let settings = &queue.info().settings;
    let counted = delivery.attempt.saturating_sub(delivery.envelope.attempts_before());
    !settings.ordered && is_worn(counted, settings.max_attempts) && has_letters(queue)
}

/// Sends the message anew, to be counted on from here.
async fn counted_on(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery) -> Answer {
    let sent = queue.send(vec![anew(delivery, delivery.attempt)]).await.pop();
    match sent.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))) {
        Ok(_) => {
            done(queue, delivery).await;
            Answer::Done
        }
        Err(error) => {
            tracing::warn!(id = &*delivery.id, %error, "a message could not be sent anew to be counted on; it comes again");
            Answer::Again
        }
    }
}

fn has_letters(queue: &Arc<dyn MessageQueue>) -> bool {
    queue.dead_letters().is_ok()
}

async fn bury(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    reason: &str,
) -> Result<Answer, Unburied> {
    let sent = send_to_letters(queue, delivery, reason).await;
    sent.map_err(|error| Unburied { reason: reason.to_owned(), error })?;
    tracing::warn!(id = &*delivery.id, reason, "a message went to the dead letters");
    done(queue, delivery).await;
    Ok(Answer::Done)
}

async fn send_to_letters(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    reason: &str,
) -> skyport_core::Result<()> {
    let mut message = delivery.to_message();
    message.envelope.set_reason(Some(reason));
    message.envelope.set_not_before(None);
    message.envelope.set_attempts_before(0);
    let sent = queue.dead_letters()?.send(vec![message]).await.pop();
    sent.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    use skyport_core::queue::port::{QueueSettings, ReceiveOptions};
    use skyport_gcp_wire::message::pushed;
    use skyport_memory::Memory;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_with_more_attempts_than_pubsub_counts_is_sent_anew_and_counted_on() {
        let (memory, url) = (Memory::new(), ResourceUrl::new("memory", "jobs"));
        let mut settings = QueueSettings::default();
        settings.max_attempts = 200;
        memory.create(&url, &ResourceKind::Queue(settings.clone())).await.expect("created");
        let queue = memory.queue(&url, &settings).expect("opened");
        let mut delivery = RawDelivery::new("1", "body", pushed("1"), SystemTime::now());
        for (attempt, answer) in [(89, Answer::Again), (95, Answer::Done)] {
            delivery.attempt = attempt;
            assert_eq!(by(&queue, &delivery, Outcome::retry("not yet")).await, answer, "{attempt}");
        }
        let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
        let again = queue.receive(options).await.expect("received");
        assert_eq!((again.len(), again[0].envelope.attempts_before()), (1, 95));
    }
}
