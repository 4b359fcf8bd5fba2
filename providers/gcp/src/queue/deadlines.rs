//! Deadlines and acknowledgements, many in a call: what became of each.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use skyport_core::{Error, ErrorKind, Result};
use tonic::Status;

use super::ack_id::AckId;
use super::{CALLS, Place};
use crate::error::{Failure, failures, of_status};
use crate::grpc::Call;
use crate::proto::known::Nothing;
use crate::proto::pubsub as wire;

use ErrorKind as Kind;

/// The most ids of a request, and the most bytes of them: Pub/Sub takes 512 KiB.
const IDS: usize = 1_000;
const ID_BYTES: usize = 400 << 10;

/// What stands around each id in a request, and beside them.
const FRAME: usize = 4;
const ROOM: usize = 512;

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
    pub(super) async fn set_deadlines(&self, handles: Vec<AckId>, after: Duration) -> Vec<Result<()>> {
        self.act(handles, Act::Deadline(whole_seconds(after))).await
    }

    /// Acknowledges these; one result each, in order.
    pub(super) async fn acknowledge(&self, handles: Vec<AckId>) -> Vec<Result<()>> {
        self.act(handles, Act::Acknowledge).await
    }

    async fn act(&self, handles: Vec<AckId>, act: Act) -> Vec<Result<()>> {
        // Most often one, which needs no more than itself.
        if is_one_batch(&handles) {
            return self.batch(handles, act).await;
        }
        let calls = cut(handles).into_iter().map(|batch| self.boxed(batch, act));
        stream::iter(calls).buffered(CALLS).concat().await
    }

    fn boxed(&self, handles: Vec<AckId>, act: Act) -> BoxFuture<'_, Vec<Result<()>>> {
        Box::pin(self.batch(handles, act))
    }

    async fn batch(&self, handles: Vec<AckId>, act: Act) -> Vec<Result<()>> {
        let status = match self.call(&handles, act).await {
            Ok(Ok(())) => return handles.iter().map(|_| Ok(())).collect(),
            Ok(Err(status)) => status,
            Err(error) => return self.named(error).of_each(handles.len()),
        };
        // Where messages are delivered exactly once, it is said what became of each.
        if let Some(failures) = failures(&status) {
            let error = self.named(of_status(status));
            return handles.iter().map(|handle| told(failures.get(handle.as_str()), &error)).collect();
        }
        let error = of_status(status);
        if error.kind() == Kind::PreconditionFailed && handles.len() > FEW {
            // What it said of so many was too much for the end of an answer.
            let half = handles.len() / 2;
            let (first, second) = (handles[..half].to_vec(), handles[half..].to_vec());
            let halves = [first, second].map(|half| self.boxed(half, act));
            return stream::iter(halves).buffered(2).concat().await;
        }
        if error.kind() != Kind::InvalidArgument {
            return self.named(error).of_each(handles.len());
        }
        if handles.len() > 1 {
            // One that is no id spoils the call for all of them.
            let alone: Vec<_> = handles.into_iter().map(|handle| self.boxed(vec![handle], act)).collect();
            return stream::iter(alone).buffered(CALLS).concat().await;
        }
        // What else such a call says is right: a deadline within bounds, and the subscription's name.
        vec![Err(self.named(error.with_kind(Kind::PreconditionFailed)))]
    }

    async fn call(&self, handles: &[AckId], act: Act) -> Result<std::result::Result<(), Status>> {
        let subscription = self.subscription().await?;
        let ack_ids: Vec<Bytes> = handles.iter().map(AckId::sent).collect();
        let room = ROOM + handles.iter().map(|handle| handle.len() + FRAME).sum::<usize>();
        let call = match Call::new(&self.connection).await {
            Ok(call) => call.room(room),
            Err(status) => return Ok(Err(status)),
        };
        let answer: std::result::Result<Nothing, Status> = match act {
            Act::Acknowledge => {
                call.unary(wire::ACKNOWLEDGE, wire::AcknowledgeRequest { subscription, ack_ids }).await
            }
            Act::Deadline(ack_deadline_seconds) => {
                let request = wire::ModifyAckDeadlineRequest { subscription, ack_ids, ack_deadline_seconds };
                call.unary(wire::MODIFY_ACK_DEADLINE, request).await
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

/// Whether one request takes all of them.
fn is_one_batch(handles: &[AckId]) -> bool {
    (1..=IDS).contains(&handles.len()) && handles.iter().map(AckId::len).sum::<usize>() <= ID_BYTES
}

/// Batches of as many ids as a request takes, in order.
fn cut(handles: Vec<AckId>) -> Vec<Vec<AckId>> {
    let mut batches: Vec<Vec<AckId>> = Vec::new();
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
            let handles: Vec<AckId> = (0..count).map(|_| "x".repeat(bytes).into()).collect();
            let one = is_one_batch(&handles);
            let batches: Vec<usize> = cut(handles).iter().map(Vec::len).collect();
            assert_eq!(one, batches.len() == 1);
            batches
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
