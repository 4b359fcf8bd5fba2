//! A message as SQS takes it, and what it counts towards a request's size.

use std::collections::HashMap;

use aws_sdk_sqs::types::MessageAttributeValue;
use skyport_aws_wire::sqs::{SqsAttribute, group_of_its_own};
pub(super) use skyport_core::clock::whole_seconds;
use skyport_core::queue::envelope::{ENVELOPE_ATTRIBUTE, Envelope};
use skyport_core::queue::port::OutMessage;
use skyport_core::queue::wire::to_text;
use skyport_core::{Error, Result};

/// What one request carries at most: bodies, and the attributes' names, types and values.
pub(super) const REQUEST_BYTES: usize = 1 << 20;

/// The most attributes of a message, ours among them.
const ATTRIBUTES: usize = 10;

/// A message that is ready to be sent.
pub(super) struct Outgoing {
    pub(super) body: String,
    pub(super) attributes: HashMap<String, MessageAttributeValue>,
    pub(super) group: Option<String>,
    pub(super) dedupe_id: Option<String>,
    pub(super) delay: Option<i32>,
    /// What it counts towards [`REQUEST_BYTES`].
    pub(super) bytes: usize,
}

impl Outgoing {
    pub(super) fn new(message: OutMessage, ordered: bool) -> Result<Self> {
        let OutMessage { body, attributes, mut envelope, delay, group, dedupe_id, token, .. } = message;
        let text = to_text(&body, &mut envelope);
        drop(body);
        let mut bytes = text.len();
        let mut wire = HashMap::with_capacity(attributes.len() + 1);
        for (name, value) in attributes.into_inner() {
            bytes += insert(&mut wire, name, SqsAttribute::new(value))?;
        }
        if !envelope.is_empty() {
            let packed = SqsAttribute::new(packed(&envelope));
            let fits = wire.len() < ATTRIBUTES && bytes + size(ENVELOPE_ATTRIBUTE, &packed) <= REQUEST_BYTES;
            if fits || envelope.encoding.is_some() {
                bytes += insert(&mut wire, ENVELOPE_ATTRIBUTE.to_owned(), packed)?;
            } else {
                // A dead letter of somebody else's who used all that SQS has to give: what is his goes before what is ours.
                tracing::warn!("a foreign message leaves no room for the reason of its dead letter");
            }
        }
        Ok(Self {
            body: text,
            attributes: wire,
            group: ordered.then(|| group.unwrap_or_else(|| group_of_its_own(token))),
            // The call's own token: its repetition after a lost answer is then no second message.
            dedupe_id: ordered.then(|| dedupe_id.unwrap_or_else(|| token.to_string())),
            delay: delay.filter(|_| !ordered).map(whole_seconds),
            bytes,
        })
    }
}

fn insert(
    wire: &mut HashMap<String, MessageAttributeValue>,
    name: String,
    attribute: SqsAttribute,
) -> Result<usize> {
    let bytes = size(&name, &attribute);
    let built = MessageAttributeValue::builder()
        .data_type(attribute.data_type)
        .set_string_value(attribute.string_value)
        .build();
    let value = built.map_err(|error| Error::internal("an attribute without a type").with_source(error))?;
    wire.insert(name, value);
    Ok(bytes)
}

fn size(name: &str, attribute: &SqsAttribute) -> usize {
    name.len() + attribute.data_type.len() + attribute.string_value.as_ref().map_or(0, String::len)
}

/// The envelope in characters that XML has, and readable still: JSON may name the others.
fn packed(envelope: &Envelope) -> String {
    let packed = envelope.pack();
    if !packed.contains(['\u{fffe}', '\u{ffff}']) {
        return packed;
    }
    packed.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use skyport_core::TraceContext;
    use skyport_core::queue::port::QueueLimits;

    use super::*;
    use crate::queue::BODY_BYTES;

    #[test]
    fn the_largest_message_fits_into_a_request() {
        let mut message = OutMessage::new(vec![0xff; BODY_BYTES]);
        let limits = QueueLimits::default();
        for n in 0..limits.attributes {
            let name = format!("{n:x<64}");
            message.attributes.insert(name, "\0".repeat(limits.attribute_bytes));
        }
        message.envelope.trace = Some(TraceContext::root().with_state(&format!("x={}", "y".repeat(510))));
        message.envelope.claim = Some("c".repeat(64));
        message.envelope.set_reason(Some(&"\u{1}".repeat(256)));
        let outgoing = Outgoing::new(message, true).expect("fits");
        assert!(outgoing.bytes <= REQUEST_BYTES, "{}", outgoing.bytes);
        assert_eq!(outgoing.attributes.len(), limits.attributes + 1);
    }

    #[test]
    fn an_envelope_has_only_characters_that_sqs_takes_and_reads_back() {
        let mut envelope = Envelope::default();
        envelope.set_reason(Some("\u{ffff} \0 \u{fffe} ü"));
        let text = packed(&envelope);
        assert!(!text.contains(['\u{ffff}', '\u{fffe}', '\0']), "{text}");
        assert_eq!(Envelope::unpack(&text).expect("ours"), envelope);
    }

    #[test]
    fn a_dead_letter_of_somebody_else_keeps_his_attributes_before_our_reason() {
        let mut message = OutMessage::new(Bytes::from_static(b"x"));
        message.attributes = (0..ATTRIBUTES).map(|n| (format!("a{n}"), "v".to_owned())).collect();
        message.envelope.set_reason(Some("broken"));
        let outgoing = Outgoing::new(message, false).expect("fits");
        assert_eq!(outgoing.attributes.len(), ATTRIBUTES);
        assert!(!outgoing.attributes.contains_key(ENVELOPE_ATTRIBUTE));
    }

    #[test]
    fn only_an_ordered_queue_has_groups_and_dedupe_ids_and_only_another_has_delays() {
        let mut message = OutMessage::new("x");
        message.delay = Some(Duration::from_millis(1500));
        let token = message.token;
        let plain = Outgoing::new(message.clone(), false).expect("plain");
        assert_eq!((plain.group, plain.dedupe_id, plain.delay), (None, None, Some(2)));
        let ordered = Outgoing::new(message.clone(), true).expect("ordered");
        assert_eq!(ordered.delay, None);
        assert_eq!(ordered.group, Some(group_of_its_own(token)));
        assert_eq!(ordered.dedupe_id, Some(token.to_string()));
        message.group = Some("g".to_owned());
        message.dedupe_id = Some("d".to_owned());
        let named = Outgoing::new(message, true).expect("named");
        assert_eq!((named.group.as_deref(), named.dedupe_id.as_deref()), (Some("g"), Some("d")));
    }
}
