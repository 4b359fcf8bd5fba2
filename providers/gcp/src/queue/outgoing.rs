//! A message as Pub/Sub takes it, and what it counts towards a request's size.

use std::time::SystemTime;

use bytes::Bytes;
use prost::Message;
use skyport_core::queue::envelope::ENVELOPE_ATTRIBUTE;
use skyport_core::queue::port::OutMessage;
use skyport_gcp_wire::message::envelope_of;

use crate::proto::pubsub::{Attribute, Published};

/// What one request carries at most: Pub/Sub takes 10 MB, and the rest is for what stands around the messages.
pub(super) const REQUEST_BYTES: usize = 9_900_000;

/// The largest body: what fits in a request with all the attributes that a message may have.
pub(super) const BODY_BYTES: usize = 9_500 << 10;

/// What stands around each message.
const FRAME: usize = 16;

/// A message that is sent `now`. Pub/Sub delays nothing: receivers hold it back.
pub(super) fn outgoing(mut message: OutMessage, now: SystemTime) -> Published {
    if let Some(delay) = message.delay.filter(|delay| !delay.is_zero()) {
        message.envelope.set_not_before(now.checked_add(delay));
    }
    let envelope = envelope_of(&message);
    let mut attributes = Vec::with_capacity(message.attributes.len() + usize::from(envelope.is_some()));
    if let Some(value) = envelope {
        attributes.push(Attribute { name: Bytes::from_static(ENVELOPE_ATTRIBUTE.as_bytes()), value });
    }
    let ours = !attributes.is_empty();
    if !message.attributes.is_empty() {
        // One of the user's that is called as ours gives way to it.
        let users = message.attributes.into_inner().into_iter();
        let users = users.filter(|(name, _)| !ours || name != ENVELOPE_ATTRIBUTE);
        attributes.extend(users.map(|(name, value)| Attribute { name: name.into(), value }));
    }
    Published { data: message.body, attributes, ordering_key: message.group.unwrap_or_default() }
}

/// What a message counts towards [`REQUEST_BYTES`].
pub(super) fn size(message: &Published) -> usize {
    message.encoded_len() + FRAME
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
        assert!(size(&outgoing(message, UNIX_EPOCH)) < REQUEST_BYTES);
    }

    #[test]
    fn a_delay_travels_as_the_time_before_which_it_is_held_back() {
        let mut message = OutMessage::new("x");
        message.delay = Some(Duration::from_secs(90));
        message.attributes = [("tenant".to_owned(), "a7".to_owned())].into_iter().collect();
        let sent = outgoing(message, UNIX_EPOCH + Duration::from_secs(10)).attributes;
        let names: Vec<&[u8]> = sent.iter().map(|attribute| &*attribute.name).collect();
        assert_eq!(names, [&b"skyport"[..], b"tenant"]);
        let envelope = Envelope::unpack(&sent[0].value).expect("ours");
        assert_eq!(envelope.not_before(), Some(UNIX_EPOCH + Duration::from_secs(100)));
        let mut message = OutMessage::new("x");
        message.delay = Some(Duration::ZERO);
        assert!(outgoing(message, UNIX_EPOCH).attributes.is_empty());
    }

    #[test]
    fn no_attribute_goes_out_twice() {
        let mut message = OutMessage::new("x");
        message.attributes = [("skyport".to_owned(), "theirs".to_owned())].into_iter().collect();
        assert_eq!(outgoing(message.clone(), UNIX_EPOCH).attributes[0].value, "theirs");
        message.envelope.claim = Some("c".to_owned());
        let sent = outgoing(message, UNIX_EPOCH).attributes;
        assert_eq!((sent.len(), sent[0].value.contains("\"c\"")), (1, true));
    }
}
