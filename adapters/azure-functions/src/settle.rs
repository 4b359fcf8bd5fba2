//! The ends of messages that the host handed over, by what the host does with an answer:
//!
//! - Success: it deletes the message, by the receipt that it holds.
//! - Failure: it gives the message back, by that same receipt, to come again when host.json says; or puts it among the poisoned ones, where it
//!   has come as often as host.json says.
//!
//! Neither is an error to it where the receipt is no longer good. So a message that is to come again is given back here, after its own
//! pause, which makes another receipt; the call is then answered as the failure that it is. Where it cannot be given back here, because the
//! host has renewed its lease meanwhile, or nobody can say truly which message it is, it is sent anew, to come after its pause and to
//! be counted on from there; the call is then answered as a success, so that the host deletes the old one. Where that fails, too, the host gives it back.
//!
//! The host ends a program that takes too long, with all that it runs. So nothing here takes longer than its time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, Receipt, Settlement, Verdict};
use skyport_core::{Error, ErrorKind, Outcome, Result, WorkerConfig};
use tokio::time::{Instant, timeout_at};

use crate::reply::Answer;

/// The reason of a dead letter whose attempts were spent.
const ATTEMPTS: &str = "attempts";

/// How messages of one call are settled.
#[derive(Debug)]
pub(crate) struct Settler<'q> {
    queue: &'q Arc<dyn MessageQueue>,
    /// What the host handed over, where it can be believed.
    receipt: Option<Receipt>,
    /// When the host's time is nearly over, where it has an end.
    end: Option<Instant>,
}

impl<'q> Settler<'q> {
    /// Of messages of this queue, with the receipt that the host handed over, until so long.
    pub(crate) fn new(
        queue: &'q Arc<dyn MessageQueue>,
        receipt: Option<Receipt>,
        end: Option<Instant>,
    ) -> Self {
        Self { queue, receipt, end }
    }

    /// What comes of this by the end of the host's time.
    ///
    /// # Errors
    /// `Unavailable` where it takes longer.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let Some(end) = self.end else { return Ok(work.await) };
        timeout_at(end, work).await.map_err(|_| {
            Error::new(
                ErrorKind::Unavailable,
                "the queue did not answer before the host's time for the call was over",
            )
        })
    }

    /// Settles a message by what came of it. One that cannot be sent to the dead letters comes again.
    pub(crate) async fn by(&self, delivery: &RawDelivery, outcome: Outcome) -> Answer {
        let (id, attempt) = (&*delivery.id, delivery.attempt);
        match outcome {
            Outcome::Done => {
                self.done(delivery).await;
                Answer::Done
            }
            Outcome::Dead { reason } => self.bury(delivery, &reason).await,
            // On the queue of dead letters there is no limit: what is retried there stays there.
            Outcome::Retry { error, .. }
                if attempt >= self.queue.info().settings.max_attempts
                    && self.queue.dead_letters().is_ok() =>
            {
                tracing::warn!(id, attempt, error, "the attempts of a message are spent");
                self.bury(delivery, ATTEMPTS).await
            }
            Outcome::Retry { after, error } => {
                tracing::info!(id, attempt, error, "a message comes again");
                self.again(delivery, after).await
            }
            _ => self.again(delivery, None).await,
        }
    }

    /// Gives the message back, to come again after its pause. An answer of success would have the host count no failure; and where it is
    /// not known whether the message was given back, it would lose it.
    async fn again(&self, delivery: &RawDelivery, after: Option<Duration>) -> Answer {
        let pause = after.unwrap_or_else(|| WorkerConfig::default().pause(delivery.attempt));
        let pause = pause.min(self.queue.info().limits.delay);
        if self.receipt.is_none() {
            return self.anew(delivery, pause).await;
        }
        let id = &*delivery.id;
        match self.settle(delivery, Verdict::Retry(pause)).await {
            Ok(()) => Answer::Again,
            // The host has renewed its lease.
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => self.anew(delivery, pause).await,
            Err(error) => {
                tracing::warn!(id, %error, "a message could not be given back with its own pause: the host does it");
                Answer::Again
            }
        }
    }

    /// Sends the message anew, to come after its pause and to be counted on from here; the host deletes the one that it has.
    async fn anew(&self, delivery: &RawDelivery, pause: Duration) -> Answer {
        let mut message = delivery.to_message();
        message.envelope.set_attempts_before(delivery.attempt);
        message.delay = Some(pause);
        match self.sent(self.queue, message).await {
            Ok(()) => {
                self.done(delivery).await;
                Answer::Done
            }
            Err(error) => {
                let id = &*delivery.id;
                tracing::info!(id, %error, "a message could not be sent anew with its own pause: the host gives it back, after the pause in host.json");
                Answer::Again
            }
        }
    }

    /// A layer has more to end than the message, and has put its own name on the receipt; the message itself ends with the answer.
    async fn done(&self, delivery: &RawDelivery) {
        if self.receipt.as_ref().is_none_or(|receipt| *receipt == delivery.receipt) {
            return;
        }
        if let Err(error) = self.settle(delivery, Verdict::Ack).await {
            tracing::debug!(id = &*delivery.id, %error, "what a layer keeps of a message was left to its lifecycle rule");
        }
    }

    /// Sends the message to the dead letters, and has the host delete it. One that cannot be sent there is left to the host, which puts it among
    /// the poisoned ones by itself in its last attempt: given back here, it would then stand in both.
    async fn bury(&self, delivery: &RawDelivery, reason: &str) -> Answer {
        let id = &*delivery.id;
        if let Err(error) = self.send_to_letters(delivery, reason).await {
            tracing::error!(id, reason, %error, "a message could not be sent to the dead letters; it comes again");
            return Answer::Again;
        }
        tracing::warn!(id, reason, "a message went to the dead letters");
        self.done(delivery).await;
        Answer::Done
    }

    async fn send_to_letters(&self, delivery: &RawDelivery, reason: &str) -> Result<()> {
        let mut message = delivery.to_message();
        message.envelope.set_reason(Some(reason));
        message.envelope.set_not_before(None);
        message.envelope.set_attempts_before(0);
        self.sent(&self.queue.dead_letters()?, message).await
    }

    async fn sent(&self, queue: &Arc<dyn MessageQueue>, message: OutMessage) -> Result<()> {
        let sent = self.in_time(queue.send(vec![message])).await?.pop();
        sent.unwrap_or_else(no_answer).map(drop)
    }

    async fn settle(&self, delivery: &RawDelivery, verdict: Verdict) -> Result<()> {
        let settlement = Settlement::new(delivery.receipt.clone(), verdict);
        self.in_time(self.queue.settle(vec![settlement])).await?.pop().unwrap_or_else(no_answer)
    }
}

fn no_answer<T>() -> Result<T> {
    Err(Error::internal("the queue gave no answer for a message"))
}

/// What becomes of an event that has no dead letters.
pub(crate) fn unattended(outcome: Outcome, what: &str) -> Answer {
    match outcome {
        Outcome::Done => Answer::Done,
        Outcome::Dead { reason } => {
            tracing::error!(reason, "{what} failed for good, and is not repeated");
            Answer::Done
        }
        Outcome::Retry { error, .. } => {
            tracing::warn!(error, "{what} failed");
            Answer::Again
        }
        _ => Answer::Again,
    }
}
