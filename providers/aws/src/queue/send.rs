//! Sending: cut to what one request takes, and in order where order counts.

use std::collections::{HashMap, VecDeque};

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use skyport_core::pieces::Pieces;
use skyport_core::queue::port::{MessageId, OutMessage};
use skyport_core::{Error, ErrorKind, Result};

use super::entries::{self, ENTRIES};
use super::outgoing::{Outgoing, REQUEST_BYTES};
use super::{CALLS, Place};
use crate::error;
use crate::provision::NAME;

/// What a request has of a large call at most: base64 makes it a third more, and each message has an envelope.
const PIECE_BYTES: usize = REQUEST_BYTES / 4 * 3 - (16 << 10);

/// A message and its place in the call.
type Placed = (usize, Outgoing);

/// What became of the message in that place.
type Sent = (usize, Result<MessageId>);

/// A request each, [`CALLS`] at once. In order, a request has one message of each group: of more messages there are more groups.
pub(super) fn pieces(ordered: bool) -> Pieces {
    if ordered { Pieces::new(400) } else { Pieces::requests(ENTRIES, PIECE_BYTES, CALLS) }
}

impl Place {
    pub(super) async fn send(&self, mut messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let ordered = self.info.settings.ordered;
        if messages.len() <= 1 {
            let Some(only) = messages.pop() else { return Vec::new() };
            return vec![self.send_alone(only).await];
        }
        // Once for all batches: where the queue is missing, none of them is tried.
        if let Err(error) = self.client().await {
            return error.of_each(messages.len());
        }
        let mut results: Vec<Option<Result<MessageId>>> = messages.iter().map(|_| None).collect();
        let mut outgoing = Vec::with_capacity(messages.len());
        for (at, message) in messages.into_iter().enumerate() {
            match Outgoing::new(message, ordered) {
                Ok(message) => outgoing.push((at, message)),
                Err(error) => results[at] = Some(Err(error)),
            }
        }
        let sent =
            if ordered { self.send_in_order(outgoing).await } else { self.send_at_once(outgoing).await };
        for (at, result) in sent {
            results[at] = Some(result);
        }
        let never = || Err(Error::internal("a message was put into no batch"));
        results.into_iter().map(|result| result.unwrap_or_else(never)).collect()
    }

    /// What most calls send, with none of a batch's lists.
    async fn send_alone(&self, message: OutMessage) -> Result<MessageId> {
        self.send_one(Outgoing::new(message, self.info.settings.ordered)?).await
    }

    async fn send_at_once(&self, messages: Vec<Placed>) -> Vec<Sent> {
        let batches = cut(messages).into_iter().map(|batch| self.send_batch(batch));
        stream::iter(batches).buffer_unordered(CALLS).concat().await
    }

    /// One batch after the other, each with at most one message of a group. Behind one that may still be sent by a repetition,
    /// the rest of its group waits for that.
    async fn send_in_order(&self, messages: Vec<Placed>) -> Vec<Sent> {
        let mut groups = Groups::new(messages);
        let mut sent = Vec::new();
        while let Some((names, batch)) = groups.next_batch() {
            let places: HashMap<usize, String> = batch.iter().map(|(at, _)| *at).zip(names).collect();
            for (at, result) in self.send_batch(batch).await {
                let name = places.get(&at).map_or("", String::as_str);
                match result {
                    Err(error) if !is_of_its_own(&error) => {
                        let behind = groups.give_up(name);
                        sent.extend(behind.into_iter().zip(held_up(&error)));
                        sent.push((at, Err(error)));
                    }
                    result => {
                        groups.go_on(name);
                        sent.push((at, result));
                    }
                }
            }
        }
        sent
    }

    /// One request; a message alone is no batch.
    fn send_batch(&self, batch: Vec<Placed>) -> BoxFuture<'_, Vec<Sent>> {
        Box::pin(async move {
            let (places, mut messages): (Vec<usize>, Vec<Outgoing>) = batch.into_iter().unzip();
            let results = match messages.pop() {
                Some(only) if messages.is_empty() => vec![self.send_one(only).await],
                Some(last) => {
                    messages.push(last);
                    self.send_several(messages).await
                }
                None => Vec::new(),
            };
            places.into_iter().zip(results).collect()
        })
    }

    async fn send_one(&self, message: Outgoing) -> Result<MessageId> {
        let (client, url) = self.client().await?;
        let request = client
            .send_message()
            .queue_url(url)
            .message_body(message.body)
            .set_message_attributes(Some(message.attributes))
            .set_message_group_id(message.group)
            .set_message_deduplication_id(message.dedupe_id)
            .set_delay_seconds(message.delay);
        let answer = request.send().await.map_err(|error| self.named(error::of(error)))?;
        answer.message_id.map(MessageId::from).ok_or_else(no_id)
    }

    async fn send_several(&self, messages: Vec<Outgoing>) -> Vec<Result<MessageId>> {
        let count = messages.len();
        let call = async {
            let (client, url) = self.client().await?;
            let entries = messages.into_iter().enumerate().map(|(at, message)| entry(at, message));
            let entries: Vec<_> = entries.collect::<Result<_>>()?;
            let request = client.send_message_batch().queue_url(url).set_entries(Some(entries));
            Box::pin(request.send()).await.map_err(|error| self.named(error::of(error)))
        };
        match call.await {
            Ok(answer) => {
                let done = answer.successful.into_iter().map(|entry| (entry.id, entry.message_id.into()));
                entries::results(count, done, answer.failed, |_, error| self.named(error))
            }
            Err(error) => error.of_each(count),
        }
    }
}

fn entry(at: usize, message: Outgoing) -> Result<SendMessageBatchRequestEntry> {
    SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(message.body)
        .set_message_attributes(Some(message.attributes))
        .set_message_group_id(message.group)
        .set_message_deduplication_id(message.dedupe_id)
        .set_delay_seconds(message.delay)
        .build()
        .map_err(|error| Error::internal("an entry of a batch is not complete").with_source(error))
}

fn no_id() -> Error {
    Error::new(ErrorKind::Unavailable, "SQS's answer names no id for the message")
}

/// Whether an error is about this message only: then it is never sent, and overtaken by nothing.
fn is_of_its_own(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::TooLarge | ErrorKind::Unsupported)
}

/// Why the messages behind one that was not sent were not, either: they may go with its repetition, or fail as it did.
fn held_up<T>(first: &Error) -> impl Iterator<Item = Result<T>> {
    let kind = if first.is_retryable() { ErrorKind::Unavailable } else { first.kind() };
    std::iter::repeat_with(move || {
        let text = "an earlier message of its group was not sent, and this one must not overtake it: send them again, in order";
        Err(Error::new(kind, text).with_ambiguous(false).with_provider(NAME))
    })
}

/// Batches of up to 10 messages and 1 MiB, in order.
fn cut(messages: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut batches: Vec<Vec<Placed>> = Vec::with_capacity(messages.len().div_ceil(ENTRIES));
    let mut bytes = 0;
    for message in messages {
        match batches.last_mut() {
            Some(batch) if fits(batch.len(), bytes, &message.1) => {
                bytes += message.1.bytes;
                batch.push(message);
            }
            _ => {
                bytes = message.1.bytes;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

fn fits(count: usize, bytes: usize, message: &Outgoing) -> bool {
    count < ENTRIES && bytes + message.bytes <= REQUEST_BYTES
}

/// What is still to be sent, by group.
struct Groups {
    waiting: HashMap<String, VecDeque<Placed>>,
    /// The groups whose turn it is, none of them twice.
    turns: VecDeque<String>,
}

impl Groups {
    fn new(messages: Vec<Placed>) -> Self {
        let mut groups = Self { waiting: HashMap::new(), turns: VecDeque::new() };
        for (at, mut message) in messages {
            // Every message of an ordered queue has a group.
            let name = message.group.clone().unwrap_or_default();
            message.group = Some(name.clone());
            let line = groups.waiting.entry(name.clone()).or_default();
            if line.is_empty() {
                groups.turns.push_back(name);
            }
            line.push_back((at, message));
        }
        groups
    }

    /// The next batch, with the groups of its messages; none of them is in turn again before it is told what came of it.
    fn next_batch(&mut self) -> Option<(Vec<String>, Vec<Placed>)> {
        let (mut names, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(name) = self.turns.pop_front() {
            let Some(line) = self.waiting.get_mut(&name) else { continue };
            match line.front() {
                Some((_, message)) if batch.is_empty() || fits(batch.len(), bytes, message) => {
                    bytes += message.bytes;
                    batch.extend(line.pop_front());
                    names.push(name);
                }
                _ => {
                    self.turns.push_front(name);
                    break;
                }
            }
        }
        (!batch.is_empty()).then_some((names, batch))
    }

    /// A message of this group is through: the next one's turn.
    fn go_on(&mut self, name: &str) {
        match self.waiting.get(name) {
            Some(line) if !line.is_empty() => self.turns.push_back(name.to_owned()),
            _ => drop(self.waiting.remove(name)),
        }
    }

    /// The places of the messages of this group that are not to be sent now.
    fn give_up(&mut self, name: &str) -> Vec<usize> {
        let line = self.waiting.remove(name).unwrap_or_default();
        line.into_iter().map(|(at, _)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(at: usize, group: Option<&str>, bytes: usize) -> Placed {
        let mut message = OutMessage::new("x");
        message.group = group.map(str::to_owned);
        let mut outgoing = Outgoing::new(message, group.is_some()).expect("fits");
        outgoing.bytes = bytes;
        (at, outgoing)
    }

    fn places(batch: &[Placed]) -> Vec<usize> {
        batch.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_batch_is_cut_at_ten_entries_and_at_a_mebibyte() {
        let small = cut((0..25).map(|at| message(at, None, 100)).collect());
        assert_eq!(small.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
        let large = cut((0..5).map(|at| message(at, None, REQUEST_BYTES / 2)).collect());
        assert_eq!(
            large.iter().map(|batch| places(batch)).collect::<Vec<_>>(),
            [vec![0, 1], vec![2, 3], vec![4]]
        );
        let over = cut(vec![message(0, None, REQUEST_BYTES / 2), message(1, None, REQUEST_BYTES / 2 + 1)]);
        assert_eq!(over.len(), 2);
        assert!(cut(Vec::new()).is_empty());
    }

    #[test]
    fn a_batch_has_one_message_of_a_group_and_the_next_follows_once_it_is_through() {
        let names = ["a", "a", "b", "a", "c"];
        let mut groups =
            Groups::new(names.iter().enumerate().map(|(at, name)| message(at, Some(name), 1)).collect());
        let (names, batch) = groups.next_batch().expect("a batch");
        assert_eq!((names, places(&batch)), (vec!["a".into(), "b".into(), "c".into()], vec![0, 2, 4]));
        for name in ["a", "b", "c"] {
            groups.go_on(name);
        }
        assert_eq!(places(&groups.next_batch().expect("a batch").1), [1]);
        assert_eq!(groups.give_up("a"), [3]);
        assert!(groups.next_batch().is_none());
    }

    #[test]
    fn groups_that_do_not_fit_together_come_one_after_the_other() {
        let large = |at, name| message(at, Some(name), REQUEST_BYTES);
        let mut groups = Groups::new(vec![large(0, "a"), large(1, "b")]);
        assert_eq!(places(&groups.next_batch().expect("a batch").1), [0]);
        assert_eq!(places(&groups.next_batch().expect("a batch").1), [1]);
        assert!(groups.next_batch().is_none());
    }
}
