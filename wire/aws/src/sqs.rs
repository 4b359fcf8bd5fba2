//! Messages of SQS, received or handed over: one reading for both, so that a handler cannot tell the one from the other.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use skyport_core::clock::from_millis;
use skyport_core::queue::Attributes;
use skyport_core::queue::envelope::{ENVELOPE_ATTRIBUTE, Envelope};
use skyport_core::queue::port::{RawDelivery, Receipt};
pub use skyport_core::queue::wire::Unreadable;
use skyport_core::queue::wire::{from_text, is_xml, to_text};
use skyport_core::{Sparse, Token};

/// How the group of a message that is a group of its own begins; its token follows.
const ALONE: &str = "skyport-alone:";

/// The group of a message that is a group of its own: SQS knows no message of a FIFO queue without one.
#[must_use]
pub fn group_of_its_own(token: Token) -> String {
    format!("{ALONE}{token}")
}

fn is_of_its_own(group: &str) -> bool {
    group.strip_prefix(ALONE).is_some_and(|token| token.parse::<Token>().is_ok())
}

/// A message as SQS hands it over: a record of an event source mapping, as which it deserialises, or one that was received.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SqsMessage {
    /// Its id.
    pub message_id: String,
    /// What settles it.
    pub receipt_handle: String,
    /// The body as text.
    pub body: String,
    /// What SQS itself says of it.
    #[serde(default)]
    pub attributes: SqsTold,
    /// What its sender added.
    #[serde(default)]
    pub message_attributes: SqsAttributes,
    /// The queue, in a record.
    #[serde(default, rename = "eventSourceARN")]
    pub event_source_arn: String,
}

/// What SQS itself says of a message, as far as it is read; a number that is none is passed over.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "PascalCase")]
pub struct SqsTold {
    /// Which delivery of the message this is.
    #[serde(deserialize_with = "number")]
    pub approximate_receive_count: Option<u64>,
    /// When it was sent, in milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub sent_timestamp: Option<u64>,
    /// Its group.
    pub message_group_id: Option<String>,
    /// Of a message that SQS moved to the dead letters, the queue that it was in.
    pub dead_letter_queue_source_arn: Option<String>,
}

/// SQS writes numbers as texts.
fn number<'de, D: Deserializer<'de>>(text: D) -> Result<Option<u64>, D::Error> {
    String::deserialize(text).map(|text| text.parse().ok())
}

/// What a sender added to a message: most often our envelope alone, which needs no map.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(from = "BTreeMap<String, SqsAttribute>")]
pub struct SqsAttributes {
    envelope: Option<SqsAttribute>,
    others: BTreeMap<String, SqsAttribute>,
}

impl FromIterator<(String, SqsAttribute)> for SqsAttributes {
    fn from_iter<I: IntoIterator<Item = (String, SqsAttribute)>>(attributes: I) -> Self {
        let mut all = Self::default();
        for (name, attribute) in attributes {
            if name == ENVELOPE_ATTRIBUTE {
                all.envelope = Some(attribute);
            } else {
                all.others.insert(name, attribute);
            }
        }
        all
    }
}

impl From<BTreeMap<String, SqsAttribute>> for SqsAttributes {
    fn from(mut attributes: BTreeMap<String, SqsAttribute>) -> Self {
        Self { envelope: attributes.remove(ENVELOPE_ATTRIBUTE), others: attributes }
    }
}

/// The type of an attribute that is text.
const STRING: &str = "String";

/// An attribute that a sender added.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SqsAttribute {
    /// `String`, `Number` or `Binary`, perhaps with a label after a dot.
    #[serde(default)]
    pub data_type: String,
    /// The value of a string or a number.
    #[serde(default)]
    pub string_value: Option<String>,
}

impl SqsAttribute {
    /// An attribute of this value. SQS takes neither an empty one nor characters that XML has not: such a value is encoded as a
    /// body is, and the label of the type says how (`String.empty`, `String.b64`).
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() && is_xml(&value) {
            return Self { data_type: STRING.to_owned(), string_value: Some(value) };
        }
        let mut envelope = Sparse::<Envelope>::default();
        let text = to_text(&value.into(), &mut envelope);
        let label = envelope.encoding.as_deref().map(|encoding| format!("{STRING}.{encoding}"));
        Self { data_type: label.unwrap_or_else(|| STRING.to_owned()), string_value: Some(text) }
    }

    /// The value; `None` for a binary one, which only others send. What is not what its label says is of others, too, and comes
    /// as it is.
    #[must_use]
    pub fn into_value(self) -> Option<String> {
        let text = self.string_value?;
        let label = self.data_type.strip_prefix(STRING).and_then(|label| label.strip_prefix('.'));
        let Some(label) = label else { return Some(text) };
        let mut envelope = Sparse::<Envelope>::default();
        envelope.encoding = Some(label.to_owned());
        let decoded = from_text(text.clone(), &mut envelope).ok();
        Some(decoded.and_then(|value| String::from_utf8(value.into()).ok()).unwrap_or(text))
    }
}

impl SqsMessage {
    /// The name of the queue in a record's ARN.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.event_source_arn.rsplit(':').next().unwrap_or_default()
    }

    /// The delivery that a receive makes of the message. Binary attributes, which only others send, are left out; an
    /// attribute `skyport` that is not ours is passed over, and the message is then a foreign one.
    ///
    /// # Errors
    /// [`Unreadable`] where the envelope says how the body is encoded, and it is not.
    pub fn into_delivery(mut self) -> Result<RawDelivery, Unreadable> {
        let mut envelope = envelope(self.message_attributes.envelope.take());
        let attempt = self.attributes.approximate_receive_count.unwrap_or(1).max(1);
        let sent_at = from_millis(self.attributes.sent_timestamp.unwrap_or(0));
        let group = self.attributes.message_group_id.filter(|group| !is_of_its_own(group));
        let attributes: Attributes = self
            .message_attributes
            .others
            .into_iter()
            .filter_map(|(name, attribute)| Some((name, attribute.into_value()?)))
            .collect();
        // Only a body that is encoded is kept beside its decoded form.
        let raw = envelope.encoding.is_some().then(|| self.body.clone());
        let (body, error) = match from_text(self.body, &mut envelope) {
            Ok(body) => (body, None),
            Err(error) => (raw.unwrap_or_default().into(), Some(error)),
        };
        let mut delivery =
            RawDelivery::new(self.message_id, body, Receipt::new(self.receipt_handle), sent_at);
        delivery.attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        delivery.group = group;
        delivery.attributes = attributes.into();
        delivery.envelope = envelope;
        match error {
            None => Ok(delivery),
            Some(error) => Err(Unreadable::new(error, delivery)),
        }
    }
}

/// What is in our attribute.
fn envelope(attribute: Option<SqsAttribute>) -> Sparse<Envelope> {
    let packed = attribute.and_then(SqsAttribute::into_value);
    match packed.as_deref().map(Envelope::unpack) {
        None | Some(Err(_)) => Sparse::default(),
        Some(Ok(envelope)) => envelope.into(),
    }
}

/// Without values, which may be secrets.
impl fmt::Debug for SqsAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsAttributes").field("others", &self.others.len()).finish_non_exhaustive()
    }
}

/// Without body, receipt and values, which may be secrets.
impl fmt::Debug for SqsMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsMessage")
            .field("message_id", &self.message_id)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("event_source_arn", &self.event_source_arn)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::{Value, json};
    use skyport_core::ErrorKind;

    use super::*;

    fn record(body: &str, attributes: Value) -> SqsMessage {
        serde_json::from_value(json!({
            "messageId": "2e1424d4-f796-459a-8184-9c92662be6da",
            "receiptHandle": "AQEBzWwaftRI0KuVm4tP",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1573251510774",
                "MessageGroupId": "g",
                "SenderId": "AIDAIO23YVJENQZJOL4VO",
            },
            "messageAttributes": attributes,
            "md5OfBody": "x",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:jobs.fifo",
            "awsRegion": "us-east-2",
        }))
        .expect("a record")
    }

    fn string(value: &str) -> Value {
        json!({"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"})
    }

    #[test]
    fn a_record_becomes_the_delivery_that_a_receive_would_give() {
        let message = record(
            "hello",
            json!({
                "tenant": string("a7"),
                "none": {"stringValue": "-", "dataType": "String.empty"},
                "dash": string("-"),
                "count": {"stringValue": "5", "dataType": "Number"},
                "picture": {"binaryValue": "aGk=", "dataType": "Binary"},
            }),
        );
        assert_eq!(message.queue(), "jobs.fifo");
        let delivery = message.into_delivery().expect("readable");
        assert_eq!((&delivery.body[..], delivery.attempt), (&b"hello"[..], 3));
        assert_eq!(delivery.sent_at, UNIX_EPOCH + Duration::from_millis(1_573_251_510_774));
        assert_eq!(delivery.group.as_deref(), Some("g"));
        assert_eq!(delivery.receipt.as_str(), "AQEBzWwaftRI0KuVm4tP");
        let attributes: Vec<(&str, &str)> =
            delivery.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(attributes, [("count", "5"), ("dash", "-"), ("none", ""), ("tenant", "a7")]);
        assert!(delivery.envelope.is_foreign());
    }

    #[test]
    fn an_attribute_of_any_value_survives_the_wire() {
        for value in ["", "-", "x", "\0", "\u{ffff}", "ü\r\n"] {
            let attribute = SqsAttribute::new(value.to_owned());
            let wire = attribute.string_value.clone().unwrap_or_default();
            assert!(!wire.is_empty() && !wire.contains(['\0', '\u{ffff}']), "{wire:?}");
            assert_eq!(attribute.into_value().as_deref(), Some(value));
        }
        // Labels of others.
        for (label, value) in [("String.b64", "no base64!"), ("String.json", "{}"), ("Number.int", "5")] {
            let attribute =
                SqsAttribute { data_type: label.to_owned(), string_value: Some(value.to_owned()) };
            assert_eq!(attribute.into_value().as_deref(), Some(value));
        }
    }

    #[test]
    fn a_message_that_is_a_group_of_its_own_has_none() {
        let mut message = record("x", json!({}));
        message.attributes.message_group_id = Some(group_of_its_own(Token::new()));
        assert_eq!(message.into_delivery().expect("readable").group, None);
        let mut message = record("x", json!({}));
        message.attributes.message_group_id = Some("skyport-alone:x".into());
        assert_eq!(message.into_delivery().expect("readable").group.as_deref(), Some("skyport-alone:x"));
    }

    #[test]
    fn the_envelope_is_taken_out_and_the_body_decoded() {
        let packed = r#"{"t":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","e":"b64"}"#;
        let delivery = record("/w==", json!({"skyport": string(packed)})).into_delivery().expect("readable");
        assert_eq!(&delivery.body[..], b"\xff");
        assert!(delivery.attributes.is_empty() && !delivery.envelope.is_foreign());
        assert_eq!(delivery.envelope.encoding, None);
    }

    #[test]
    fn what_is_not_ours_is_foreign_and_what_cannot_be_decoded_is_handed_on_as_it_came() {
        let foreign = record("x", json!({"skyport": string("not ours")})).into_delivery().expect("readable");
        assert!(foreign.envelope.is_empty() && foreign.attributes.is_empty());
        let broken = record("no base64!", json!({"skyport": string(r#"{"e":"b64"}"#)}));
        let unreadable = broken.into_delivery().expect_err("no base64");
        assert_eq!(unreadable.error.kind(), ErrorKind::Malformed);
        assert_eq!(&unreadable.delivery.body[..], b"no base64!");
    }

    #[test]
    fn numbers_that_are_none_do_not_matter() {
        let told = |count: &str, sent: &str| {
            let told = json!({"ApproximateReceiveCount": count, "SentTimestamp": sent});
            let mut message = record("x", json!({}));
            message.attributes = serde_json::from_value(told).expect("texts");
            let delivery = message.into_delivery().expect("readable");
            (delivery.attempt, delivery.sent_at)
        };
        assert_eq!(told("many", "99999999999999999999999"), (1, UNIX_EPOCH));
        assert_eq!(told("99999999999", "0"), (u32::MAX, UNIX_EPOCH));
    }

    #[test]
    fn debug_shows_no_body_and_no_receipt() {
        let shown = format!("{:?}", record("secret", json!({"a": string("secret")})));
        assert!(!shown.contains("secret") && !shown.contains("AQEB"), "{shown}");
    }
}
