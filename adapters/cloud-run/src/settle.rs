//! The ends of messages that were pushed. Pub/Sub settles them by the status of the answer; what goes to the dead letters is sent
//! there first.

use std::sync::Arc;

use skyport_core::queue::port::{MessageQueue, RawDelivery, Settlement, Verdict};
use skyport_core::{Error, Outcome};
use skyport_gcp_wire::message::is_pushed;

use crate::reply::Answer;

/// The reason of a dead letter whose attempts were spent.
const ATTEMPTS: &str = "attempts";

/// Settles a message by what came of it. Without a queue (it carries a bucket's event, and nobody can open its queue) the
/// subscription's own settings decide when it has come often enough, and what failed for good is told in the log.
pub(crate) async fn by(
    queue: Option<&Arc<dyn MessageQueue>>,
    delivery: &RawDelivery,
    outcome: Outcome,
) -> Answer {
    let (id, attempt) = (&*delivery.id, delivery.attempt);
    let Some(queue) = queue else { return unattended(outcome, "a message") };
    match outcome {
        Outcome::Done => {
            done(queue, delivery).await;
            Answer::Done
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
            Answer::Again
        }
        _ => Answer::Again,
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

fn has_letters(queue: &Arc<dyn MessageQueue>) -> bool {
    queue.dead_letters().is_ok()
}

/// Sends the message to the dead letters. It comes again where that fails.
async fn bury(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery, reason: &str) -> Answer {
    let id = &*delivery.id;
    match send_to_letters(queue, delivery, reason).await {
        Ok(()) => {
            tracing::warn!(id, reason, "a message went to the dead letters");
            done(queue, delivery).await;
            Answer::Done
        }
        Err(error) => {
            tracing::error!(id, reason, %error, "a message could not be sent to the dead letters; it comes again");
            Answer::Again
        }
    }
}

async fn send_to_letters(
    queue: &Arc<dyn MessageQueue>,
    delivery: &RawDelivery,
    reason: &str,
) -> skyport_core::Result<()> {
    let mut message = delivery.to_message();
    message.envelope.set_reason(Some(reason));
    message.envelope.set_not_before(None);
    let sent = queue.dead_letters()?.send(vec![message]).await.pop();
    sent.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))).map(drop)
}
