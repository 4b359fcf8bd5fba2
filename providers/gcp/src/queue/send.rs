//! Sending: cut to what one request takes, and in order where order counts.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::queue::port::{MessageId, OutMessage};
use skyport_core::{Error, ErrorKind, Result};

use super::calls::{publisher, topic};
use super::outgoing::{Outgoing, REQUEST_BYTES};
use super::{CALLS, Place};
use crate::error::of_status;
use crate::provision::NAME;

/// The most messages of a request.
pub(super) const MESSAGES: usize = 1_000;

/// How many ordering keys are sent for at once: each has requests of its own.
const LINES: usize = 16;

/// A message and its place in the call.
type Placed = (usize, Outgoing);

/// What became of the message in that place.
type Sent = (usize, Result<MessageId>);

impl Place {
    pub(super) async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let now = self.info.clock.now();
        let outgoing = messages.into_iter().map(|message| Outgoing::new(message, now)).enumerate();
        let outgoing: Vec<Placed> = outgoing.collect();
        if is_one_batch(&outgoing) {
            // Its results are in the order of its messages.
            return self.send_batch(outgoing).await.into_iter().map(|(_, result)| result).collect();
        }
        let mut results: Vec<Option<Result<MessageId>>> = outgoing.iter().map(|_| None).collect();
        let lines = lines(outgoing).into_iter().map(|(key, line)| self.send_line(key, line));
        let sent: Vec<Sent> = stream::iter(lines).buffer_unordered(LINES).concat().await;
        for (at, result) in sent {
            results[at] = Some(result);
        }
        let never = || Err(Error::internal("a message was put into no batch"));
        results.into_iter().map(|result| result.unwrap_or_else(never)).collect()
    }

    /// The messages of one ordering key, in order: behind a batch that was not sent, the rest waits for its repetition. Those
    /// without a key have no order.
    fn send_line(&self, key: String, line: Vec<Placed>) -> BoxFuture<'_, Vec<Sent>> {
        Box::pin(async move {
            let batches = cut(line).into_iter();
            if key.is_empty() {
                let calls = batches.map(|batch| self.send_batch(batch));
                return stream::iter(calls).buffer_unordered(CALLS).concat().await;
            }
            let mut sent = Vec::new();
            let mut stuck: Option<Error> = None;
            for batch in batches {
                if let Some(error) = &stuck {
                    sent.extend(batch.into_iter().map(|(at, _)| (at, Err(held_up(error)))));
                    continue;
                }
                let results = self.send_batch(batch).await;
                stuck = results.iter().find_map(|(_, result)| result.as_ref().err().map(Error::again));
                sent.extend(results);
            }
            sent
        })
    }

    /// One request: all of it is published, or nothing.
    fn send_batch(&self, batch: Vec<Placed>) -> BoxFuture<'_, Vec<Sent>> {
        Box::pin(async move {
            let (places, messages): (Vec<usize>, Vec<_>) =
                batch.into_iter().map(|(at, outgoing)| (at, outgoing.message)).unzip();
            let results = match self.publish(messages).await {
                Ok(ids) => told(ids, places.len()),
                Err(error) => error.with_resource(&self.topic).of_each(places.len()),
            };
            places.into_iter().zip(results).collect()
        })
    }

    async fn publish(&self, messages: Vec<wire::PubsubMessage>) -> Result<Vec<String>> {
        let topic = topic(&self.connection, &self.topic).await?;
        let request = wire::PublishRequest { topic, messages };
        let answer = publisher(&self.connection)?.publish(request).await.map_err(of_status)?;
        Ok(answer.into_inner().message_ids)
    }
}

/// The ids are in the order of the messages.
fn told(ids: Vec<String>, count: usize) -> Vec<Result<MessageId>> {
    let mut ids = ids.into_iter().filter(|id| !id.is_empty());
    let id = |_| {
        ids.next().map(MessageId::from).ok_or_else(|| {
            let text = "Pub/Sub's answer names no id for the message";
            Error::new(ErrorKind::Unavailable, text).with_provider(NAME)
        })
    };
    (0..count).map(id).collect()
}

/// Why the messages behind one that was not sent were not, either: they may go with its repetition, or fail as it did.
fn held_up(first: &Error) -> Error {
    let kind = if first.is_retryable() { ErrorKind::Unavailable } else { first.kind() };
    let text = "an earlier message of its group was not sent, and this one must not overtake it: send them again, in order";
    Error::new(kind, text).with_ambiguous(false).with_provider(NAME)
}

/// Whether one request takes all of them: so it is most often.
fn is_one_batch(messages: &[Placed]) -> bool {
    let mut keys = messages.iter().map(|(_, outgoing)| &outgoing.message.ordering_key);
    let first = keys.next();
    (1..=MESSAGES).contains(&messages.len())
        && messages.iter().map(|(_, outgoing)| outgoing.bytes).sum::<usize>() <= REQUEST_BYTES
        && keys.all(|key| Some(key) == first)
}

/// A request is of one ordering key: the messages of each, in order.
fn lines(messages: Vec<Placed>) -> HashMap<String, Vec<Placed>> {
    let mut lines: HashMap<String, Vec<Placed>> = HashMap::new();
    for message in messages {
        match lines.get_mut(&message.1.message.ordering_key) {
            Some(line) => line.push(message),
            None => drop(lines.insert(message.1.message.ordering_key.clone(), vec![message])),
        }
    }
    lines
}

/// Batches of what one request takes, in order.
fn cut(messages: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut batches: Vec<Vec<Placed>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        bytes += message.1.bytes;
        match batches.last_mut() {
            Some(batch) if batch.len() < MESSAGES && bytes <= REQUEST_BYTES => batch.push(message),
            _ => {
                bytes = message.1.bytes;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn message(at: usize, group: Option<&str>, bytes: usize) -> Placed {
        let mut message = OutMessage::new("x");
        message.group = group.map(str::to_owned);
        let mut outgoing = Outgoing::new(message, SystemTime::UNIX_EPOCH);
        outgoing.bytes = bytes;
        (at, outgoing)
    }

    fn places(batch: &[Placed]) -> Vec<usize> {
        batch.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_batch_is_cut_at_a_thousand_messages_and_at_the_size_of_a_request() {
        let of = |count: usize, bytes: usize| {
            let batches = cut((0..count).map(|at| message(at, None, bytes)).collect());
            batches.iter().map(|batch| places(batch)).collect::<Vec<_>>()
        };
        assert!(of(0, 1).is_empty());
        assert_eq!(of(2_001, 10).iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 1]);
        assert_eq!(of(5, REQUEST_BYTES / 2), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(of(2, REQUEST_BYTES / 2 + 1), [vec![0], vec![1]]);
    }

    #[test]
    fn each_ordering_key_is_a_line_of_its_own() {
        let groups = [Some("a"), None, Some("b"), Some("a"), None];
        let lines = lines(groups.iter().enumerate().map(|(at, group)| message(at, *group, 1)).collect());
        assert_eq!(places(&lines["a"]), [0, 3]);
        assert_eq!(places(&lines["b"]), [2]);
        assert_eq!(places(&lines[""]), [1, 4]);
    }

    #[test]
    fn a_message_whose_id_is_not_told_may_have_been_sent() {
        let results = told(vec!["1".into()], 2);
        assert_eq!(results[0].as_ref().expect("told"), "1");
        let error = results[1].as_ref().expect_err("not told");
        assert!(error.is_retryable() && error.is_ambiguous());
    }
}
