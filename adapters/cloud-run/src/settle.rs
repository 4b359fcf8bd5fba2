//! The ends of messages that were pushed. Pub/Sub settles them by the status of the answer; what goes to the dead letters is sent
//! there first.

use std::sync::Arc;

use skyport_core::queue::port::{MessageQueue, RawDelivery, Settlement, Verdict};
use skyport_core::{Error, ErrorKind, Outcome};
use skyport_gcp_wire::message::is_pushed;

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
            Ok(Answer::Again)
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
    let sent = queue.dead_letters()?.send(vec![message]).await.pop();
    sent.unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message"))).map(drop)
}
