//! Dead letters, and their way back.

use std::time::Duration;

use super::handle::{Queue, context, span, too_few_results};
use super::port::{MessageQueue, OutMessage, RawDelivery, ReceiveOptions, Settlement, Verdict};
use crate::{Error, Result};
use tracing::Instrument;

/// Long enough for a cloud to look everywhere, where a short look sees only part of a queue.
const WAIT: Duration = Duration::from_secs(1);

/// Long enough to send a batch and acknowledge it.
const LEASE: Duration = Duration::from_secs(60);

impl<T, C> Queue<T, C> {
    /// The queue of this one's dead letters: read and settled like any other; [`reason`](super::Delivery::reason) tells why
    /// each is there. What is retried in it stays for ever.
    ///
    /// # Errors
    /// `Unsupported` on a queue of dead letters.
    pub fn dead_letters(&self) -> Result<Queue<T, C>> {
        let letters = self.port().dead_letters();
        letters.map(Queue::new).map_err(|error| context(self.info(), "queue.dead_letters", error))
    }

    /// Sends up to `max` dead letters back to this queue, their attempts counted anew; tells how many. Stops when there are
    /// no more. Safe to repeat and to interrupt: a letter leaves only once it is sent, so at worst one arrives twice.
    ///
    /// # Errors
    /// `Unsupported` on a queue of dead letters; what the service says. What was sent back before stays so.
    pub async fn redrive(&self, max: usize) -> Result<usize> {
        let letters = self.dead_letters()?;
        let moving = redrive(&**self.port(), &**letters.port(), max);
        moving
            .instrument(span(self.info(), "queue.redrive"))
            .await
            .map_err(|error| context(self.info(), "queue.redrive", error))
    }
}

async fn redrive(queue: &dyn MessageQueue, letters: &dyn MessageQueue, max: usize) -> Result<usize> {
    let mut moved = 0;
    while moved < max {
        let most = (max - moved).min(letters.info().limits.receive).max(1);
        let batch = letters.receive(ReceiveOptions::new(most, WAIT, LEASE)).await?;
        if batch.is_empty() {
            break;
        }
        moved += move_batch(queue, letters, batch).await?;
    }
    Ok(moved)
}

/// Sends a batch, acknowledges what was sent and lets go what was not.
async fn move_batch(
    queue: &dyn MessageQueue,
    letters: &dyn MessageQueue,
    batch: Vec<RawDelivery>,
) -> Result<usize> {
    let mut sent = queue.send(batch.iter().map(revived).collect()).await.into_iter();
    let mut first_error: Option<Error> = None;
    let mut moved = 0;
    let mut settlements = Vec::with_capacity(batch.len());
    for letter in batch {
        let verdict = match sent.next().unwrap_or_else(|| Err(too_few_results())) {
            Ok(_) => {
                moved += 1;
                Verdict::Ack
            }
            Err(error) => {
                first_error.get_or_insert(error);
                Verdict::Retry(Duration::ZERO)
            }
        };
        settlements.push(Settlement::new(letter.receipt, verdict));
    }
    for result in letters.settle(settlements).await {
        if let Err(error) = result {
            first_error.get_or_insert(error);
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(moved),
    }
}

/// The dead letter as it was before it died.
fn revived(letter: &RawDelivery) -> OutMessage {
    let mut message = letter.to_message();
    message.envelope.set_reason(None);
    message.envelope.set_not_before(None);
    message
}
