//! Messages that were pulled and that nobody has a lease of yet.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::queue::port::{RawDelivery, Receipt};
use skyport_core::retry::RetryPolicy;
use skyport_gcp_wire::message::PubsubMessage;
use tokio::runtime::Handle as Runtime;
use tokio::time::sleep;

use super::Place;

/// How often it is tried to give messages back.
const RETURNS: u32 = 4;

/// A message as it was pulled. The receipt of its delivery is still empty.
pub(super) struct Pulled {
    pub(super) handle: String,
    /// Which delivery it is for Pub/Sub; 0 where it does not count.
    pub(super) counted: u32,
    pub(super) delivery: RawDelivery,
}

impl Pulled {
    /// Of what Pub/Sub handed out.
    pub(super) fn new(received: wire::ReceivedMessage) -> Self {
        let message = received.message.unwrap_or_default();
        let published = message.publish_time.and_then(|time| SystemTime::try_from(time).ok());
        let mut told =
            PubsubMessage::new(message.message_id, message.data, published.unwrap_or(SystemTime::UNIX_EPOCH));
        told.attributes = message.attributes.into_iter().collect();
        told.ordering_key = message.ordering_key;
        told.attempt = u32::try_from(received.delivery_attempt).unwrap_or(0);
        let counted = told.attempt;
        Self { handle: received.ack_id, counted, delivery: told.into_delivery(Receipt::new("")) }
    }

    /// From when on it may be received. No delay is longer than `longest`, whatever the message says of itself.
    pub(super) fn due(&self, longest: Duration) -> Option<SystemTime> {
        let due = self.delivery.envelope.not_before()?;
        Some(due.min(self.delivery.sent_at.checked_add(longest)?))
    }
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
        let mut handles: Vec<String> = unseen.into_iter().map(|pulled| pulled.handle).collect();
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
    use gcloud_sdk::prost_types::Timestamp;
    use skyport_core::clock::from_millis;
    use skyport_core::queue::envelope::Envelope;

    use super::*;

    const QUARTER: Duration = Duration::from_secs(900);

    fn pulled(published: i64, not_before: Option<u64>) -> Pulled {
        let mut envelope = Envelope::default();
        envelope.set_not_before(not_before.map(from_millis));
        let message = wire::PubsubMessage {
            message_id: "7".into(),
            data: b"body".to_vec(),
            attributes: [("skyport".to_owned(), envelope.pack())].into(),
            publish_time: Some(Timestamp { seconds: published, nanos: 0 }),
            ..Default::default()
        };
        let received =
            wire::ReceivedMessage { ack_id: "a".into(), message: Some(message), delivery_attempt: 3 };
        Pulled::new(received)
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
        let empty = Pulled::new(wire::ReceivedMessage { delivery_attempt: -1, ..Default::default() });
        assert_eq!((empty.delivery.attempt, empty.delivery.sent_at), (1, SystemTime::UNIX_EPOCH));
    }
}
