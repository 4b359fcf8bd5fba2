//! Deadlines and acknowledgements, many in a call: what became of each.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::{Error, ErrorKind, Result};
use tonic::Status;

use super::calls::subscriber;
use super::{CALLS, Place};
use crate::error::{Failure, failures, of_status};

use ErrorKind as Kind;

/// The most ids of a request, and the most bytes of them: Pub/Sub takes 512 KiB.
const IDS: usize = 1_000;
const ID_BYTES: usize = 400 << 10;

/// Of so few ids Pub/Sub can always say what became of each, however long they are.
const FEW: usize = 50;

/// The longest deadline.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// What is done with deliveries.
#[derive(Clone, Copy)]
enum Act {
    Acknowledge,
    Deadline(i32),
}

impl Place {
    /// Sets when these come again, from now; one result each, in order. At most 600 seconds, rounded up to whole ones.
    pub(super) async fn set_deadlines(&self, handles: Vec<String>, after: Duration) -> Vec<Result<()>> {
        self.act(handles, Act::Deadline(whole_seconds(after))).await
    }

    /// Acknowledges these; one result each, in order.
    pub(super) async fn acknowledge(&self, handles: Vec<String>) -> Vec<Result<()>> {
        self.act(handles, Act::Acknowledge).await
    }

    async fn act(&self, handles: Vec<String>, act: Act) -> Vec<Result<()>> {
        let mut batches = cut(handles);
        // Most often one, which needs no more than itself.
        if batches.len() == 1 {
            return self.batch(batches.swap_remove(0), act).await;
        }
        let calls = batches.into_iter().map(|batch| self.batch(batch, act));
        stream::iter(calls).buffered(CALLS).concat().await
    }

    fn batch(&self, handles: Vec<String>, act: Act) -> BoxFuture<'_, Vec<Result<()>>> {
        Box::pin(async move {
            let status = match self.call(handles.clone(), act).await {
                Ok(Ok(())) => return handles.iter().map(|_| Ok(())).collect(),
                Ok(Err(status)) => status,
                Err(error) => return self.named(error).of_each(handles.len()),
            };
            // Where messages are delivered exactly once, it is said what became of each.
            if let Some(failures) = failures(&status) {
                let error = self.named(of_status(status));
                return handles.iter().map(|handle| told(failures.get(handle), &error)).collect();
            }
            let error = of_status(status);
            if error.kind() == Kind::PreconditionFailed && handles.len() > FEW {
                // What it said of so many was too much for the end of an answer.
                let half = handles.len() / 2;
                let (first, second) = (handles[..half].to_vec(), handles[half..].to_vec());
                let halves = [first, second].map(|half| self.batch(half, act));
                return stream::iter(halves).buffered(2).concat().await;
            }
            if error.kind() != Kind::InvalidArgument {
                return self.named(error).of_each(handles.len());
            }
            if handles.len() > 1 {
                // One that is no id spoils the call for all of them.
                let alone: Vec<_> = handles.into_iter().map(|handle| self.batch(vec![handle], act)).collect();
                return stream::iter(alone).buffered(CALLS).concat().await;
            }
            // What else such a call says is right: a deadline within bounds, and the subscription's name.
            vec![Err(self.named(error.with_kind(Kind::PreconditionFailed)))]
        })
    }

    async fn call(&self, ack_ids: Vec<String>, act: Act) -> Result<std::result::Result<(), Status>> {
        let subscription = self.subscription().await?;
        let mut client = subscriber(&self.connection)?;
        let answer = match act {
            Act::Acknowledge => client.acknowledge(wire::AcknowledgeRequest { subscription, ack_ids }).await,
            Act::Deadline(ack_deadline_seconds) => {
                let request = wire::ModifyAckDeadlineRequest { subscription, ack_ids, ack_deadline_seconds };
                client.modify_ack_deadline(request).await
            }
        };
        Ok(answer.map(drop))
    }
}

/// What became of one id: nothing is said of those that were done.
fn told(failure: Option<&Failure>, error: &Error) -> Result<()> {
    match failure {
        None => Ok(()),
        Some(Failure::Lost) => Err(error.again().with_kind(Kind::PreconditionFailed)),
        Some(Failure::Passing) => Err(error.again().with_kind(Kind::Unavailable).with_ambiguous(false)),
    }
}

/// Batches of as many ids as a request takes, in order.
fn cut(handles: Vec<String>) -> Vec<Vec<String>> {
    if (1..=IDS).contains(&handles.len()) && handles.iter().map(String::len).sum::<usize>() <= ID_BYTES {
        return vec![handles];
    }
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for handle in handles {
        bytes += handle.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < IDS && bytes <= ID_BYTES => batch.push(handle),
            _ => {
                bytes = handle.len();
                batches.push(vec![handle]);
            }
        }
    }
    batches
}

/// Never early: a part of a second counts as one.
fn whole_seconds(time: Duration) -> i32 {
    let time = time.min(LONGEST);
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_to_what_a_request_takes() {
        let of = |count: usize, bytes: usize| {
            cut((0..count).map(|_| "x".repeat(bytes)).collect()).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert!(of(0, 1).is_empty());
        assert_eq!(of(2_500, 200), [1_000, 1_000, 500]);
        assert_eq!(of(5, ID_BYTES / 2), [2, 2, 1]);
        assert_eq!(of(2, ID_BYTES + 1), [1, 1]);
    }

    #[test]
    fn a_deadline_is_never_early_and_never_over_the_longest() {
        for (millis, seconds) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (599_500, 600), (900_000, 600)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }
}
