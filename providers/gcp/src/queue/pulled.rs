//! Messages that were pulled and that nobody has a lease of yet.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use skyport_core::queue::port::{RawDelivery, Receipt};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Result};
use skyport_gcp_wire::message::PubsubMessage;
use tokio::runtime::Handle as Runtime;
use tokio::time::sleep;

use super::Place;
use super::ack_id::AckId;
use crate::proto::known::Timestamp;
use crate::proto::pubsub::ReceivedMessage;
use crate::provision::NAME;

/// How often it is tried to give messages back.
const RETURNS: u32 = 4;

/// A message as it was pulled. The receipt of its delivery is still empty.
pub(super) struct Pulled {
    pub(super) handle: AckId,
    /// Which delivery it is for Pub/Sub; 0 where it does not count.
    pub(super) counted: u32,
    pub(super) delivery: RawDelivery,
}

impl Pulled {
    /// Of what Pub/Sub handed out.
    ///
    /// # Errors
    /// `Malformed` where something is no text that has to be one.
    pub(super) fn new(received: ReceivedMessage) -> Result<Self> {
        let handle = AckId::of(received.ack_id).ok_or_else(no_text)?;
        let message = received.message.unwrap_or_default();
        let published = message.publish_time.and_then(Timestamp::time).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut told = PubsubMessage::new(text(&message.message_id)?, message.data, published);
        for attribute in &message.attributes {
            told.take_attribute(text(&attribute.name)?, text(&attribute.value)?);
        }
        told.ordering_key = message.ordering_key;
        told.attempt = u32::try_from(received.delivery_attempt).unwrap_or(0);
        let counted = told.attempt;
        Ok(Self { handle, counted, delivery: told.into_delivery(Receipt::new("")) })
    }

    /// Lets go of the answer that it came in, of which it may be a small part: for a message that is kept.
    pub(super) fn detach(&mut self) {
        self.handle = self.handle.detached();
        self.delivery.body = Bytes::copy_from_slice(&self.delivery.body);
    }

    /// From when on it may be received. No delay is longer than `longest`, whatever the message says of itself.
    pub(super) fn due(&self, longest: Duration) -> Option<SystemTime> {
        let due = self.delivery.envelope.not_before()?;
        Some(due.min(self.delivery.sent_at.checked_add(longest)?))
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| no_text())
}

/// What no Pub/Sub answers.
fn no_text() -> Error {
    let text = "Pub/Sub handed out a message with something that is no text: is there another service at the endpoint?";
    Error::new(ErrorKind::Malformed, text).with_ambiguous(false).with_provider(NAME)
}

/// Pulled messages on their way to a receiver; dropped, they go back.
pub(super) struct Unseen {
    place: Arc<Place>,
    messages: Vec<Pulled>,
}

impl Unseen {
    pub(super) fn new(place: &Arc<Place>, messages: Vec<Pulled>) -> Self {
        Self { place: Arc::clone(place), messages }
    }

    pub(super) fn messages(&self) -> &[Pulled] {
        &self.messages
    }

    /// The messages; who takes them looks after them.
    pub(super) fn take(mut self) -> Vec<Pulled> {
        std::mem::take(&mut self.messages)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        self.place.return_later(std::mem::take(&mut self.messages));
    }
}

impl Place {
    /// As [`give_back`](Self::give_back), beside whatever goes on.
    pub(super) fn return_later(self: &Arc<Self>, unseen: Vec<Pulled>) {
        if unseen.is_empty() {
            return;
        }
        // Without a runtime the program is at its end: they return with their deadlines.
        if let Ok(runtime) = Runtime::try_current() {
            let place = Arc::clone(self);
            drop(runtime.spawn(async move { place.give_back(unseen).await }));
        }
    }

    /// Gives messages back that nobody is there for. No layer repeats this, and what is not given back stays hidden for as long as the
    /// subscription's own deadline is.
    pub(super) async fn give_back(&self, unseen: Vec<Pulled>) {
        if unseen.is_empty() {
            return;
        }
        for pulled in &unseen {
            self.uncounted.add(&pulled.delivery.id);
        }
        let mut handles: Vec<AckId> = unseen.into_iter().map(|pulled| pulled.handle).collect();
        let policy = RetryPolicy::default();
        for attempt in 1..=RETURNS {
            let returned = self.set_deadlines(handles.clone(), self.at_once()).await;
            let (mut left, mut last) = (Vec::new(), None);
            for (handle, returned) in handles.into_iter().zip(returned) {
                let Err(error) = returned else { continue };
                if attempt < RETURNS && error.is_retryable() {
                    left.push(handle);
                    last = Some(error);
                } else {
                    let queue = &self.info.resource;
                    tracing::debug!(queue, %error, "a message that nobody saw returns when its deadline ends");
                }
            }
            let Some(error) = last else { return };
            sleep(policy.delay(attempt + 1, &error).min(policy.max_delay)).await;
            handles = left;
        }
    }

    /// The deadline of what is to come again at once.
    pub(super) fn at_once(&self) -> Duration {
        if self.info.settings.ordered { Duration::from_secs(1) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::clock::from_millis;
    use skyport_core::queue::envelope::Envelope;

    use super::*;
    use crate::proto::pubsub::{Received, ReceivedAttribute};

    const QUARTER: Duration = Duration::from_secs(900);

    fn pulled(published: i64, not_before: Option<u64>) -> Pulled {
        let mut envelope = Envelope::default();
        envelope.set_not_before(not_before.map(from_millis));
        let message = Received {
            message_id: "7".into(),
            data: "body".into(),
            attributes: vec![ReceivedAttribute { name: "skyport".into(), value: envelope.pack().into() }],
            publish_time: Some(Timestamp { seconds: published, nanos: 0 }),
            ..Default::default()
        };
        let received = ReceivedMessage { ack_id: "a".into(), message: Some(message), delivery_attempt: 3 };
        Pulled::new(received).expect("a message")
    }

    #[test]
    fn a_message_is_due_when_it_says_and_never_later_than_a_delay_can_be() {
        assert_eq!(pulled(1_000, None).due(QUARTER), None);
        assert_eq!(pulled(1_000, Some(1_500_000)).due(QUARTER), Some(from_millis(1_500_000)));
        assert_eq!(pulled(1_000, Some(u64::MAX)).due(QUARTER), Some(from_millis(1_900_000)));
    }

    #[test]
    fn what_pubsub_hands_out_is_read_whatever_it_is() {
        let whole = pulled(1_000, None).delivery;
        assert_eq!((&whole.body[..], whole.attempt, &*whole.id), (&b"body"[..], 3, "7"));
        let empty = ReceivedMessage { delivery_attempt: -1, ..Default::default() };
        let empty = Pulled::new(empty).expect("a message");
        assert_eq!((empty.delivery.attempt, empty.delivery.sent_at), (1, SystemTime::UNIX_EPOCH));
    }

    #[test]
    fn what_is_no_text_is_of_no_pubsub() {
        let bytes = || Bytes::from_static(b"\xff");
        let attribute = ReceivedAttribute { name: "a".into(), value: bytes() };
        for message in [
            Received { message_id: bytes(), ..Default::default() },
            Received { attributes: vec![attribute], ..Default::default() },
        ] {
            let received = ReceivedMessage { message: Some(message), ..Default::default() };
            assert!(Pulled::new(received).is_err_and(|error| error.kind() == ErrorKind::Malformed));
        }
        assert!(Pulled::new(ReceivedMessage { ack_id: bytes(), ..Default::default() }).is_err());
    }

    #[test]
    fn a_message_that_is_kept_does_not_keep_the_answer_that_it_came_in() {
        let answer = Bytes::from(vec![b'x'; 1_000]);
        let message = Received { data: answer.slice(..10), ..Default::default() };
        let ack_id = answer.slice(10..20);
        let mut kept = Pulled::new(ReceivedMessage { ack_id, message: Some(message), delivery_attempt: 1 })
            .expect("a message");
        assert!(!answer.is_unique());
        kept.detach();
        assert!(answer.is_unique());
        assert_eq!((&*kept.delivery.body, kept.handle.len()), (&b"xxxxxxxxxx"[..], 10));
    }
}
