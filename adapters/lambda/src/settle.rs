//! The ends of messages that were handed over. What is done, the platform deletes; what is to come again or to go to the dead
//! letters is settled through the queue's own port first, so that it comes after its backoff, and with its reason.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::queue::port::{MessageQueue, Settlement, Verdict};
use skyport_core::{Error, ErrorKind, Outcome, WorkerConfig};

use crate::batch::Handed;

/// A message that is to be settled: its position, and how.
type Ending = (usize, Verdict);

/// Settles what the platform does not, and says which messages are to come again, by position.
///
/// On an ordered queue what stands behind one that comes again comes again, too. Without a port (the queue is not the
/// application's) the queue's own settings decide when a message comes again, and when it goes to its dead letters.
pub(crate) async fn settle(queue: Option<&Arc<dyn MessageQueue>>, handed: &[Handed]) -> Vec<usize> {
    let ordered = queue.is_some_and(|queue| queue.info().settings.ordered);
    let (mut ending, mut returning, mut failed): (Vec<Ending>, Vec<Ending>, HashSet<usize>) =
        Default::default();
    let mut blocked: HashSet<&str> = HashSet::new();
    for (index, handed) in handed.iter().enumerate() {
        let group = handed.delivery.group.as_deref().filter(|_| ordered);
        if group.is_some_and(|group| blocked.contains(group)) {
            returning.push((index, Verdict::Retry(Duration::ZERO)));
            continue;
        }
        match verdict(queue, handed) {
            Some(verdict @ Verdict::Retry(_)) => {
                blocked.extend(group);
                returning.push((index, verdict));
            }
            Some(verdict) => ending.push((index, verdict)),
            None => {}
        }
    }
    let Some(queue) = queue else {
        // Nobody else could: what is not done comes again.
        let mut failed: Vec<usize> =
            [ending, returning].concat().into_iter().map(|(index, _)| index).collect();
        failed.sort_unstable();
        return failed;
    };
    // What is done goes first: nothing later than a returned message of its group can be settled.
    let lost = put(&**queue, handed, ending).await;
    for index in lost {
        failed.insert(index);
        returning.push((index, Verdict::Retry(pause(&**queue, &handed[index], None))));
    }
    failed.extend(returning.iter().map(|(index, _)| *index));
    put(&**queue, handed, returning).await;
    let mut failed: Vec<usize> = failed.into_iter().collect();
    failed.sort_unstable();
    failed
}

/// How a message is to be settled; `None` where the platform's own deleting is enough.
fn verdict(queue: Option<&Arc<dyn MessageQueue>>, handed: &Handed) -> Option<Verdict> {
    let (id, attempt) = (&*handed.delivery.id, handed.delivery.attempt);
    match handed.outcome.as_ref() {
        // A layer has more to end than the message.
        Some(Outcome::Done) => (!handed.plain).then_some(Verdict::Ack),
        Some(Outcome::Dead { reason }) => {
            tracing::warn!(id, reason, "a message goes to the dead letters");
            let message = Box::new(handed.delivery.to_message());
            Some(Verdict::DeadLetter { reason: reason.clone(), message })
        }
        other => {
            let (after, error) = match other {
                Some(Outcome::Retry { after, error }) => (*after, error.as_str()),
                _ => (None, "the handler gave no outcome for this message"),
            };
            let pause = queue.map_or(Duration::ZERO, |queue| pause(&**queue, handed, after));
            tracing::info!(id, attempt, error, ?pause, "a message comes again");
            Some(Verdict::Retry(pause))
        }
    }
}

fn pause(queue: &dyn MessageQueue, handed: &Handed, after: Option<Duration>) -> Duration {
    let pause = after.unwrap_or_else(|| WorkerConfig::default().pause(handed.delivery.attempt));
    pause.min(queue.info().limits.delay)
}

/// Settles; the positions of dead letters that did not become any.
async fn put(queue: &dyn MessageQueue, handed: &[Handed], endings: Vec<Ending>) -> Vec<usize> {
    if endings.is_empty() {
        return Vec::new();
    }
    let (indexes, verdicts): (Vec<usize>, Vec<Verdict>) = endings.into_iter().unzip();
    let kept: Vec<bool> =
        verdicts.iter().map(|verdict| matches!(verdict, Verdict::DeadLetter { .. })).collect();
    let receipts = indexes.iter().map(|index| handed[*index].delivery.receipt.clone());
    let settlements =
        receipts.zip(verdicts).map(|(receipt, verdict)| Settlement::new(receipt, verdict)).collect();
    let mut results = queue.settle(settlements).await.into_iter();
    let mut lost = Vec::new();
    for (index, dead) in indexes.into_iter().zip(kept) {
        let result =
            results.next().unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message")));
        let Err(error) = result else { continue };
        let id = &*handed[index].delivery.id;
        if dead {
            tracing::warn!(id, %error, "a message could not be sent to the dead letters; it comes again");
            lost.push(index);
        } else if error.kind() == ErrorKind::PreconditionFailed {
            tracing::debug!(id, %error, "a message was settled already");
        } else {
            tracing::warn!(id, %error, "a message could not be settled; it comes again when its visibility timeout ends");
        }
    }
    lost
}
