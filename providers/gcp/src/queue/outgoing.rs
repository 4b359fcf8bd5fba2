//! A message as Pub/Sub takes it, and what it counts towards a request's size.

use std::time::SystemTime;

use gcloud_sdk::google::pubsub::v1 as wire;
use gcloud_sdk::prost::Message;
use skyport_core::queue::port::OutMessage;
use skyport_gcp_wire::message::attributes_of;

/// What one request carries at most: Pub/Sub takes 10 MB, and the rest is for what stands around the messages.
pub(super) const REQUEST_BYTES: usize = 9_900_000;

/// The largest body: what fits in a request with all the attributes that a message may have.
pub(super) const BODY_BYTES: usize = 9_500 << 10;

/// What stands around each message.
const FRAME: usize = 16;

/// A message that is ready to be sent.
pub(super) struct Outgoing {
    pub(super) message: wire::PubsubMessage,
    /// What it counts towards [`REQUEST_BYTES`].
    pub(super) bytes: usize,
}

impl Outgoing {
    /// Of a message that is sent `now`. Pub/Sub delays nothing: receivers hold it back.
    pub(super) fn new(mut message: OutMessage, now: SystemTime) -> Self {
        if let Some(delay) = message.delay.filter(|delay| !delay.is_zero()) {
            message.envelope.set_not_before(now.checked_add(delay));
        }
        let attributes = attributes_of(&message);
        let message = wire::PubsubMessage {
            data: message.body.into(),
            attributes: attributes.into_iter().collect(),
            ordering_key: message.group.unwrap_or_default(),
            ..Default::default()
        };
        let bytes = message.encoded_len() + FRAME;
        Self { message, bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use skyport_core::queue::envelope::Envelope;

    use super::*;

    #[test]
    fn the_largest_message_fits_in_a_request() {
        let mut message = OutMessage::new(vec![0; BODY_BYTES]);
        message.attributes = (0..8).map(|n| (format!("{n}{}", "x".repeat(63)), "v".repeat(256))).collect();
        message.envelope.claim = Some("c".repeat(900));
        message.group = Some("g".repeat(128));
        assert!(Outgoing::new(message, UNIX_EPOCH).bytes < REQUEST_BYTES);
    }

    #[test]
    fn a_delay_travels_as_the_time_before_which_it_is_held_back() {
        let mut message = OutMessage::new("x");
        message.delay = Some(Duration::from_secs(90));
        let sent = Outgoing::new(message, UNIX_EPOCH + Duration::from_secs(10)).message;
        let envelope = Envelope::unpack(&sent.attributes["skyport"]).expect("ours");
        assert_eq!(envelope.not_before(), Some(UNIX_EPOCH + Duration::from_secs(100)));
        let mut message = OutMessage::new("x");
        message.delay = Some(Duration::ZERO);
        assert!(Outgoing::new(message, UNIX_EPOCH).message.attributes.is_empty());
    }
}
