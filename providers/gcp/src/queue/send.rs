//! Sending: cut to what one request takes, and in order where order counts.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use skyport_core::pieces::Pieces;
use skyport_core::queue::port::{MessageId, OutMessage};
use skyport_core::{Error, ErrorKind, Result};

use super::outgoing::{REQUEST_BYTES, outgoing, size};
use super::{CALLS, Place};
use crate::error::of_status;
use crate::grpc::Call;
use crate::proto::pubsub::{PUBLISH, PublishRequest, PublishResponse, Published};
use crate::provision::NAME;

/// The most messages of a request.
pub(super) const MESSAGES: usize = 1_000;

/// How many ordering keys are sent for at once: each has requests of its own.
const LINES: usize = 16;

/// What stands in a request beside the messages.
const ROOM: usize = 512;

/// What a request has of a large call at most, bodies and attributes: the rest is for the envelopes and what stands around them.
const PIECE_BYTES: usize = 8 << 20;

/// What is sent in one request, and how many bytes that takes.
type Batch = (Vec<Published>, usize);

/// The places in the call of messages that are sent one after the other, and the messages.
type Line = (Vec<usize>, Vec<Published>);

/// What became of the message in that place.
type Sent = (usize, Result<MessageId>);

/// A request each, [`CALLS`] at once. In order, one piece has several keys, whose requests are under way beside each other.
pub(super) fn pieces(ordered: bool) -> Pieces {
    if ordered { Pieces::new(CALLS * MESSAGES) } else { Pieces::requests(MESSAGES, PIECE_BYTES, CALLS) }
}

impl Place {
    pub(super) async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let now = self.info.clock.now();
        let count = messages.len();
        let messages: Vec<Published> = messages.into_iter().map(|message| outgoing(message, now)).collect();
        if !is_one_line(&messages) {
            return self.send_lines(lines(messages), count).await;
        }
        let bytes = messages.iter().map(size).sum();
        if (1..=MESSAGES).contains(&count) && bytes <= REQUEST_BYTES {
            return self.publish((messages, bytes)).await;
        }
        self.send_line(messages).await
    }

    async fn send_lines(&self, lines: HashMap<String, Line>, count: usize) -> Vec<Result<MessageId>> {
        let mut results: Vec<Option<Result<MessageId>>> = (0..count).map(|_| None).collect();
        let send = async |(places, messages): Line| -> Vec<Sent> {
            places.into_iter().zip(self.send_line(messages).await).collect()
        };
        let sent = stream::iter(lines.into_values()).map(send).buffer_unordered(LINES).concat().await;
        for (at, result) in sent {
            results[at] = Some(result);
        }
        let never = || Err(Error::internal("a message was put into no batch"));
        results.into_iter().map(|result| result.unwrap_or_else(never)).collect()
    }

    /// The messages of one ordering key, in order: behind a batch that was not sent, the rest waits for its repetition. Those
    /// without a key have no order.
    fn send_line(&self, line: Vec<Published>) -> BoxFuture<'_, Vec<Result<MessageId>>> {
        Box::pin(async move {
            let has_order = line.first().is_some_and(|message| !message.ordering_key.is_empty());
            let batches = cut(line).into_iter();
            if !has_order {
                let calls = batches.map(|batch| self.publish(batch));
                return stream::iter(calls).buffered(CALLS).concat().await;
            }
            let mut sent = Vec::new();
            let mut stuck: Option<Error> = None;
            for batch in batches {
                if let Some(error) = &stuck {
                    sent.extend(batch.0.iter().map(|_| Err(held_up(error))));
                    continue;
                }
                let results = self.publish(batch).await;
                stuck = results.iter().find_map(|result| result.as_ref().err().map(Error::again));
                sent.extend(results);
            }
            sent
        })
    }

    /// One request: all of it is published, or nothing.
    async fn publish(&self, (messages, bytes): Batch) -> Vec<Result<MessageId>> {
        let count = messages.len();
        match self.request(messages, bytes).await {
            Ok(ids) => told(ids, count),
            Err(error) => error.with_resource(&self.topic).of_each(count),
        }
    }

    async fn request(&self, messages: Vec<Published>, bytes: usize) -> Result<Vec<MessageId>> {
        let request = PublishRequest { topic: self.topic().await?, messages };
        let call = Call::new(&self.connection).await.map_err(of_status)?.room(bytes + ROOM);
        let answer: PublishResponse = call.unary(PUBLISH, request).await.map_err(of_status)?;
        Ok(answer.message_ids)
    }
}

/// The ids are in the order of the messages.
fn told(ids: Vec<MessageId>, count: usize) -> Vec<Result<MessageId>> {
    let ids = ids.into_iter().filter(|id| !id.as_str().is_empty());
    let mut results: Vec<Result<MessageId>> = ids.map(Ok).take(count).collect();
    results.resize_with(count, || {
        let text = "Pub/Sub's answer names no id for the message";
        Err(Error::new(ErrorKind::Unavailable, text).with_provider(NAME))
    });
    results
}

/// Why the messages behind one that was not sent were not, either: they may go with its repetition, or fail as it did.
fn held_up(first: &Error) -> Error {
    let kind = if first.is_retryable() { ErrorKind::Unavailable } else { first.kind() };
    let text = "an earlier message of its group was not sent, and this one must not overtake it: send them again, in order";
    Error::new(kind, text).with_ambiguous(false).with_provider(NAME)
}

/// Whether all are of one ordering key, or without one: so it is most often.
fn is_one_line(messages: &[Published]) -> bool {
    messages.windows(2).all(|two| two[0].ordering_key == two[1].ordering_key)
}

/// A request is of one ordering key: the messages of each, in order.
fn lines(messages: Vec<Published>) -> HashMap<String, Line> {
    let mut lines: HashMap<String, Line> = HashMap::new();
    for (at, message) in messages.into_iter().enumerate() {
        let line = match lines.get_mut(&message.ordering_key) {
            Some(line) => line,
            None => lines.entry(message.ordering_key.clone()).or_default(),
        };
        line.0.push(at);
        line.1.push(message);
    }
    lines
}

/// Batches of what one request takes, in order.
fn cut(messages: Vec<Published>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut left = messages.len();
    for message in messages {
        let size = size(&message);
        match batches.last_mut() {
            Some((batch, bytes)) if batch.len() < MESSAGES && *bytes + size <= REQUEST_BYTES => {
                *bytes += size;
                batch.push(message);
            }
            _ => {
                let mut batch = Vec::with_capacity(left.min(MESSAGES));
                batch.push(message);
                batches.push((batch, size));
            }
        }
        left -= 1;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(group: &str, bytes: usize) -> Published {
        Published { data: vec![0; bytes].into(), ordering_key: group.to_owned(), ..Default::default() }
    }

    #[test]
    fn a_batch_is_cut_at_a_thousand_messages_and_at_the_size_of_a_request() {
        let of = |count: usize, bytes: usize| {
            let batches = cut((0..count).map(|_| message("", bytes)).collect());
            for (batch, bytes) in &batches {
                assert_eq!(*bytes, batch.iter().map(size).sum::<usize>());
            }
            batches.iter().map(|(batch, _)| batch.len()).collect::<Vec<_>>()
        };
        assert!(of(0, 1).is_empty());
        assert_eq!(of(2_001, 10), [1_000, 1_000, 1]);
        assert_eq!(of(5, REQUEST_BYTES / 2 - 100), [2, 2, 1]);
        assert_eq!(of(2, REQUEST_BYTES / 2), [1, 1]);
    }

    #[test]
    fn each_ordering_key_is_a_line_of_its_own() {
        let messages: Vec<_> = ["a", "", "b", "a", ""].iter().map(|group| message(group, 1)).collect();
        assert!(!is_one_line(&messages) && is_one_line(&messages[..1]) && is_one_line(&[]));
        let lines = lines(messages);
        for (group, places) in [("a", vec![0, 3]), ("b", vec![2]), ("", vec![1, 4])] {
            assert_eq!(lines[group].0, places);
            assert!(lines[group].1.iter().all(|message| message.ordering_key == group));
        }
    }

    #[test]
    fn a_message_whose_id_is_not_told_may_have_been_sent() {
        let results = told(vec!["1".into()], 2);
        assert_eq!(results[0].as_ref().expect("told"), "1");
        let error = results[1].as_ref().expect_err("not told");
        assert!(error.is_retryable() && error.is_ambiguous());
    }
}
