//! Messages of Pub/Sub, pulled or pushed: one reading for both, so that a handler cannot tell the one from the other.

use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::Sparse;
use skyport_core::queue::Attributes;
use skyport_core::queue::envelope::{ENVELOPE_ATTRIBUTE, Envelope};
use skyport_core::queue::port::{MessageId, OutMessage, RawDelivery, Receipt};

/// How the attributes begin that Pub/Sub adds to what it moves to the dead letters: where it was, and how often it was tried.
const DEAD_LETTER: &str = "CloudPubSubDeadLetterSource";

/// The reason of a dead letter that Pub/Sub moved.
const ATTEMPTS: &str = "attempts";

/// To how many attempts Pub/Sub counts.
pub const MOST_ATTEMPTS: u32 = 100;

/// From so many on a message is sent anew that may have more: a few before the end, since not every delivery is seen.
const WORN: u32 = 90;

/// Whether Pub/Sub has counted so far that a message which may have `most` attempts must be sent anew, to be counted on.
#[must_use]
pub fn is_worn(counted: u32, most: u32) -> bool {
    most > MOST_ATTEMPTS && counted >= WORN
}

/// The message of a delivery to be sent anew, after so many attempts.
#[must_use]
pub fn anew(delivery: &RawDelivery, attempts: u32) -> OutMessage {
    let mut message = delivery.to_message();
    message.envelope.set_attempts_before(attempts);
    message
}

/// How the receipt of a pushed message begins; its id follows. The status of the answer to a push settles it, and nothing else.
const PUSHED: &str = "skyport-pushed:";

/// The receipt of the message of this id that was pushed.
#[must_use]
pub fn pushed(id: &str) -> Receipt {
    Receipt::new(&*format!("{PUSHED}{id}"))
}

/// Whether a receipt is that of a pushed message: to acknowledge it there is nothing to call.
#[must_use]
pub fn is_pushed(receipt: &Receipt) -> bool {
    receipt.as_str().starts_with(PUSHED)
}

/// A message as Pub/Sub hands it over.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PubsubMessage {
    /// Its id.
    pub id: MessageId,
    /// The body.
    pub data: Bytes,
    /// What its sender, and Pub/Sub itself, said of it.
    pub attributes: Attributes,
    /// When it was published.
    pub published: SystemTime,
    /// Its ordering key; empty where it has none.
    pub ordering_key: String,
    /// Which delivery this is; 0 where the subscription has no dead-letter policy, and Pub/Sub does not count.
    pub attempt: u32,
    /// What is ours, where it was never among the attributes.
    envelope: Sparse<Envelope>,
}

impl PubsubMessage {
    /// A message of this id and body, published then; the other fields are to be set.
    #[must_use]
    pub fn new(id: impl Into<MessageId>, data: impl Into<Bytes>, published: SystemTime) -> Self {
        Self {
            id: id.into(),
            data: data.into(),
            attributes: Attributes::new(),
            published,
            ordering_key: String::new(),
            attempt: 0,
            envelope: Sparse::default(),
        }
    }

    /// Takes note of what was said of it. Of the one attribute that is ours no text is kept: it is read at once.
    pub fn take_attribute(&mut self, name: &str, value: &str) {
        if name == ENVELOPE_ATTRIBUTE {
            self.envelope = unpacked(value);
        } else {
            self.attributes.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The delivery that a receive makes of the message. An attribute `skyport` that is not ours is passed over, and the message is
    /// then a foreign one; what Pub/Sub adds to dead letters becomes their reason.
    #[must_use]
    pub fn into_delivery(mut self, receipt: Receipt) -> RawDelivery {
        let mut envelope = self.take_envelope();
        let before = self.attributes.len();
        self.attributes.retain(|name, _| !name.starts_with(DEAD_LETTER));
        if self.attributes.len() < before && envelope.reason().is_none() {
            envelope.set_reason(Some(ATTEMPTS));
        }
        let mut delivery = RawDelivery::new(self.id, self.data, receipt, self.published);
        delivery.attributes = self.attributes.into();
        delivery.attempt = self.attempt.max(1).saturating_add(envelope.attempts_before());
        delivery.envelope = envelope;
        delivery.group = Some(self.ordering_key).filter(|key| !key.is_empty());
        delivery
    }

    fn take_envelope(&mut self) -> Sparse<Envelope> {
        match self.attributes.remove(ENVELOPE_ATTRIBUTE) {
            Some(packed) => unpacked(&packed),
            None => std::mem::take(&mut self.envelope),
        }
    }
}

/// The envelope in this text; an empty one where it is not ours.
fn unpacked(packed: &str) -> Sparse<Envelope> {
    Envelope::unpack(packed).map(Sparse::from).unwrap_or_default()
}

/// The most attributes of a message, and the longest value of one in bytes.
const ATTRIBUTES: usize = 100;
const VALUE_BYTES: usize = 1_024;

/// What is ours of a message on its way out, packed as the value of its attribute; `None` where there is nothing. Pub/Sub takes no message with
/// neither a body nor an attribute: such a one gets an envelope with nothing in it.
#[must_use]
pub fn envelope_of(message: &OutMessage) -> Option<String> {
    let attributes = message.attributes.len();
    if message.envelope.is_empty() && !(message.body.is_empty() && attributes == 0) {
        return None;
    }
    // What somebody else sent may use all that Pub/Sub has to give: what is his goes before the reason of his dead letter.
    if attributes < ATTRIBUTES {
        return Some(message.envelope.pack_within(VALUE_BYTES));
    }
    tracing::warn!("a foreign message leaves no room for the reason of its dead letter");
    None
}

/// The attributes of a message on its way out, its envelope among them.
#[must_use]
pub fn attributes_of(message: &OutMessage) -> Attributes {
    let mut attributes = message.attributes.clone().into_inner();
    if let Some(packed) = envelope_of(message) {
        attributes.insert(ENVELOPE_ATTRIBUTE.to_owned(), packed);
    }
    attributes
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use skyport_core::TraceContext;

    use super::*;

    fn message(attributes: &[(&str, &str)]) -> PubsubMessage {
        let mut message = PubsubMessage::new("1", "body", UNIX_EPOCH);
        message.attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        message
    }

    #[test]
    fn a_message_without_anything_of_ours_is_a_foreign_one() {
        let delivery =
            message(&[("color", "blue"), ("skyport", "not ours")]).into_delivery(Receipt::new("r"));
        assert!(delivery.envelope.is_empty());
        assert_eq!(delivery.attributes.len(), 1);
        assert_eq!((delivery.attempt, delivery.group), (1, None));
    }

    #[test]
    fn an_envelope_is_read_whether_it_came_among_the_attributes_or_beside_them() {
        let mut said = Envelope::default();
        said.set_reason(Some("no picture"));
        let packed = said.pack();
        let among = message(&[("color", "blue"), ("skyport", &packed)]);
        let mut beside = message(&[("color", "blue")]);
        beside.take_attribute("skyport", &packed);
        let mut foreign = message(&[]);
        foreign.take_attribute("color", "blue");
        foreign.take_attribute("skyport", "not ours");
        let [among, beside, foreign] = [among, beside, foreign].map(|it| it.into_delivery(Receipt::new("r")));
        assert_eq!(among, beside);
        assert!(foreign.envelope.is_empty());
        assert_eq!(foreign.attributes, beside.attributes);
    }

    #[test]
    fn what_pubsub_moved_to_the_dead_letters_was_tried_too_often() {
        let moved = message(&[("CloudPubSubDeadLetterSourceDeliveryCount", "5"), ("color", "blue")]);
        let delivery = moved.into_delivery(Receipt::new("r"));
        assert_eq!(delivery.envelope.reason(), Some("attempts"));
        assert_eq!(delivery.attributes.len(), 1);
        let mut said = Envelope::default();
        said.set_reason(Some("no picture"));
        let packed = said.pack();
        let moved = message(&[("CloudPubSubDeadLetterSourceDeliveryCount", "5"), ("skyport", &packed)]);
        assert_eq!(moved.into_delivery(Receipt::new("r")).envelope.reason(), Some("no picture"));
    }

    #[test]
    fn the_receipt_of_a_pushed_message_is_known_as_such() {
        assert!(is_pushed(&pushed("17")) && !is_pushed(&Receipt::new("an ack id")));
    }

    #[test]
    fn a_message_that_was_sent_anew_is_counted_on() {
        assert!(!is_worn(99, 100) && !is_worn(89, 101) && is_worn(90, 101));
        let mut first = message(&[("color", "blue")]);
        first.attempt = 90;
        let out = anew(&first.into_delivery(Receipt::new("r")), 89);
        let mut again = PubsubMessage::new("2", out.body.clone(), UNIX_EPOCH);
        (again.attributes, again.attempt) = (attributes_of(&out), 1);
        let delivery = again.into_delivery(Receipt::new("r"));
        assert_eq!((delivery.attempt, delivery.envelope.attempts_before()), (90, 89));
    }

    #[test]
    fn a_message_of_nothing_has_an_attribute() {
        let nothing = OutMessage::new("");
        assert_eq!(attributes_of(&nothing).len(), 1);
        let something = OutMessage::new("x");
        assert!(attributes_of(&something).is_empty());
    }

    #[test]
    fn an_envelope_always_fits_and_keeps_what_the_body_hangs_on() {
        let mut message = OutMessage::new("x");
        message.envelope.trace = Some(TraceContext::root().with_state(&"s".repeat(512)));
        message.envelope.claim = Some("c".repeat(400));
        message.envelope.set_reason(Some(&"\u{1}".repeat(256)));
        let packed = &attributes_of(&message)["skyport"];
        assert!(packed.len() <= VALUE_BYTES, "{}", packed.len());
        let envelope = Envelope::unpack(packed).expect("ours");
        assert_eq!(envelope.claim, message.envelope.claim);
        let ids = |envelope: &Envelope| envelope.trace.as_ref().map(ToString::to_string);
        assert_eq!(ids(&envelope), ids(&message.envelope));
        assert!(!envelope.reason().unwrap_or_default().is_empty());
    }

    #[test]
    fn a_foreign_message_with_all_the_attributes_there_can_be_keeps_them() {
        let mut message = OutMessage::new("x");
        message.attributes = (0..ATTRIBUTES).map(|n| (format!("a{n}"), String::new())).collect();
        message.envelope.set_reason(Some("why"));
        assert_eq!(attributes_of(&message), message.attributes.into_inner());
    }
}
