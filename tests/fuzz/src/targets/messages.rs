//! Messages, as each wire carries them.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use skyport_aws_wire::sqs::{SqsAttribute, SqsMessage};
use skyport_azure_wire::message::{QueueMessage, receipt, split, to_text as to_azure};
use skyport_core::Sparse;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{Attributes, Foreign, RawDelivery, Receipt};
use skyport_core::queue::wire::{from_text, is_xml, to_text};
use skyport_gcp_wire::message::{PubsubMessage, attributes_of};

use crate::{sound, text};

/// No envelope that is read is longer.
const LONGEST_ENVELOPE: usize = 8 << 10;

/// An envelope that is read is written and read again as the same.
pub(super) fn envelope(input: &[u8]) {
    let text = text::of(input);
    let Some(envelope) = sound::value(Envelope::unpack(&text)) else { return };
    let packed = envelope.pack();
    assert!(packed.len() <= LONGEST_ENVELOPE);
    assert_eq!(Envelope::unpack(&packed).expect("our own"), envelope);
    for room in [0, 64, 256, 1_024] {
        let packed = envelope.pack_within(room);
        let shorter = Envelope::unpack(&packed).expect("our own");
        assert_eq!((&shorter.claim, &shorter.encoding), (&envelope.claim, &envelope.encoding));
        assert!(
            shorter.reason().is_none_or(|reason| envelope.reason().unwrap_or_default().starts_with(reason))
        );
    }
}

/// Any body comes back from a wire that carries text only; what is not what its flag says is refused.
pub(super) fn body_text(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    let mut envelope = Sparse::default();
    let wire = to_text(&body, &mut envelope);
    assert!(!wire.is_empty() && is_xml(&wire) && wire.len() <= input.len() * 2 + 8);
    assert_eq!(from_text(wire, &mut envelope).expect("our own"), body);
    let ([encoding], rest) = text::lines(input);
    let mut envelope = Sparse::<Envelope>::default();
    envelope.encoding = Some(encoding);
    if let Some(read) = sound::value(from_text(text::of(rest), &mut envelope)) {
        assert!(read.len() <= rest.len() * 3);
    }
    let delivery = RawDelivery::new("1", body, Receipt::new("r"), UNIX_EPOCH);
    sound::value(delivery.payload(Foreign::Base64));
    assert_eq!(**delivery.payload(Foreign::Text).expect("as it is"), *input);
}

/// What has arrived, and is sent anew, arrives as the same.
fn same(again: &RawDelivery, first: &RawDelivery) {
    assert_eq!(again.body, first.body);
    assert_eq!(*again.attributes, *first.attributes);
    assert_eq!(again.envelope.claim, first.envelope.claim);
    assert_eq!(again.envelope.trace, first.envelope.trace);
}

pub(super) fn azure(input: &[u8]) {
    let text = text::of(input);
    let settled = Receipt::new("r");
    match QueueMessage::new("1", text.clone(), UNIX_EPOCH).into_delivery(settled.clone()) {
        Ok(first) => match to_azure(&first.to_message()) {
            Ok(wire) => {
                assert!(wire.len() <= 64 << 10);
                let again = QueueMessage::new("1", wire, UNIX_EPOCH).into_delivery(settled).expect("our own");
                same(&again, &first);
            }
            Err(error) => sound::refusal(&error),
        },
        Err(unreadable) => {
            sound::refusal(&unreadable.error);
            assert_eq!(unreadable.delivery.body, text, "what cannot be read comes as it is");
        }
    }
    let ([id, pop], _) = text::lines(input);
    if let Some(receipt) = sound::value(receipt(&id, &pop)) {
        assert_eq!(split(receipt.as_str()), Some((&*id, &*pop)));
    }
}

pub(super) fn pubsub(input: &[u8]) {
    let ([envelope, name, value, key], body) = text::lines(input);
    let mut message = PubsubMessage::new("1", body.to_vec(), UNIX_EPOCH);
    message.attributes = Attributes::from([("skyport".to_owned(), envelope), (name, value)]);
    message.ordering_key = key;
    let first = message.into_delivery(Receipt::new("r"));
    assert_eq!(first.body, body);
    assert!(first.attempt > 0 && first.group.as_deref() != Some(""));
    let mut again = PubsubMessage::new("2", first.body.clone(), UNIX_EPOCH);
    again.attributes = attributes_of(&first.to_message());
    same(&again.into_delivery(Receipt::new("r")), &first);
}

pub(super) fn sqs(input: &[u8]) {
    let value = text::of(input);
    assert_eq!(SqsAttribute::new(&value).into_value(), Some(value));
    let Ok(message) = serde_json::from_slice::<SqsMessage>(input) else { return };
    assert!(!message.queue().contains(':'));
    let body = message.body.clone();
    match message.into_delivery() {
        Ok(delivery) => {
            assert!(delivery.attempt > 0);
            assert!(delivery.envelope.encoding.is_none(), "the flag is the wire's own");
        }
        Err(unreadable) => {
            sound::refusal(&unreadable.error);
            assert_eq!(unreadable.delivery.body, body, "what cannot be read comes as it is");
        }
    }
}
