//! Messages of Queue Storage, received or handed over: one reading for both, so that a handler cannot tell the one from the other.
//!
//! A message of Queue Storage is a text and nothing else. What Skyport sends is therefore wrapped.
//!
//! # The format
//! The text is the base64 (standard alphabet, padded) of:
//!
//! ```text
//! skyport1:{"attributes":{"colour":"blue"},"envelope":{"t":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
//! the body
//! ```
//!
//! 1. The literal `skyport1:`. It has nine bytes, so the text in the queue begins with `c2t5cG9ydDE6`.
//! 2. An object of JSON, in UTF-8, in one line. Fields that are not known are passed over; all of them may be missing:
//!    - `attributes`: by name; a value is a string, or `{"base64":".."}`, which is the base64 of its UTF-8: what Skyport writes where that is shorter.
//!    - `envelope`: what is Skyport's own, as in the attribute `skyport` on other clouds. `t` is a `traceparent`, with `;` and the `tracestate` behind it
//!      where there is one; `c` the key of a claim; `r` the reason of a dead letter; `n` milliseconds since 1970 before which nobody should have it; `e`
//!      how the body stands here: `b64` for base64 once more, `raw` for bytes that are not UTF-8, nothing for UTF-8.
//! 3. A line feed.
//! 4. The body, which ends with the message.
//!
//! The shortest wrapping is `skyport1:{}` and a line feed. To send a message from another language, write this, and encode it in base64.
//!
//! # What is read
//! - A text that begins with `c2t5cG9ydDE6` is decoded and read as above. So is one that begins with `skyport1:`: a host of Azure Functions with
//!   `messageEncoding` `base64`, which is its default, has decoded it. Such a host makes text of what is none: a body that is not
//!   UTF-8 survives it in base64, which is how it is sent where it then fits. One that is `raw` was spoilt, and is `Malformed`: the error says what to set.
//! - What begins so and cannot be read is `Malformed`. Both beginnings are Skyport's: who wants to send a body that begins so wraps it.
//! - All else is foreign: the body is the text as it stands, and the queue declares how to read it (`foreign = text | base64`).
//!
//! Skyport wraps all that it sends, also what has neither attributes nor an envelope, so that no body is ever taken for something else. One message
//! is not: a foreign one that is too long to be wrapped goes to the dead letters, and back, as it came; the reason is lost.
//!
//! # How much fits
//! A text has 64 KiB, which is 48 KiB before base64. A body of [`BODY_BYTES`] fits with all the attributes and the envelope that a message
//! may have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skyport_core::queue::Attributes;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{OutMessage, RawDelivery, Receipt};
pub use skyport_core::queue::wire::Unreadable;
use skyport_core::queue::wire::is_xml;
use skyport_core::{Error, ErrorKind, Result, Sparse};

/// How a message of ours begins.
const LITERAL: &str = "skyport1:";

/// How it begins as it stands in the queue: the literal in base64.
const LITERAL_ENCODED: &str = "c2t5cG9ydDE6";

/// The longest text of a message.
const TEXT_BYTES: usize = 64 << 10;

/// What that has room for before base64.
const PAYLOAD_BYTES: usize = TEXT_BYTES / 4 * 3;

/// The largest body: it fits with 8 attributes of the longest names and values, and an envelope of more than 1 KiB.
pub const BODY_BYTES: usize = 43 << 10;

/// The encoding of a body that stands in base64.
const BASE64: &str = "b64";

/// The encoding of a body that stands as it is, and is not UTF-8.
const RAW: &str = "raw";

/// The longest id of a message. Queue Storage's are UUIDs.
const ID_BYTES: usize = 64;

/// The longest pop receipt that is taken.
const POP_RECEIPT_BYTES: usize = 1_024;

/// The text of a message on its way out.
///
/// # Errors
/// `TooLarge` where it does not fit; never for a body of up to [`BODY_BYTES`] with what the contract lets a message have.
pub fn to_text(message: &OutMessage) -> Result<String> {
    let attributes = attributes_of(&message.attributes)?;
    let body = &message.body[..];
    if std::str::from_utf8(body).is_ok() {
        if let Some(text) = wrapped(&attributes, message.envelope.clone(), body) {
            return Ok(text);
        }
    } else {
        for (encoding, body) in [(BASE64, Cow::Owned(STANDARD.encode(body).into_bytes())), (RAW, body.into())]
        {
            let mut envelope = message.envelope.clone();
            envelope.encoding = Some(encoding.to_owned());
            if let Some(text) = wrapped(&attributes, envelope, &body) {
                return Ok(text);
            }
        }
    }
    as_it_came(message).ok_or_else(|| {
        let text = format!(
            "a message of {} bytes does not fit into Queue Storage's 64 KiB with its attributes: put it in a bucket and send its key",
            body.len()
        );
        Error::new(ErrorKind::TooLarge, text)
    })
}

/// The attributes in JSON, with their field; nothing where there are none.
fn attributes_of(attributes: &Attributes) -> Result<String> {
    if attributes.is_empty() {
        return Ok(String::new());
    }
    let values: BTreeMap<&str, AttributeValue<'_>> =
        attributes.iter().map(|(name, value)| (name.as_str(), AttributeValue::shortest(value))).collect();
    let json = serde_json::to_string(&values)
        .map_err(|error| Error::internal("attributes are not JSON").with_source(error))?;
    Ok(format!(r#""attributes":{json}"#))
}

/// The text of a message of these parts; `None` where it does not fit, also with a shorter envelope.
fn wrapped(attributes: &str, mut envelope: Sparse<Envelope>, body: &[u8]) -> Option<String> {
    const FIELD: &str = r#""envelope":"#;
    // The braces, the comma and the line feed.
    let rest = LITERAL.len() + attributes.len() + FIELD.len() + 4;
    let room = PAYLOAD_BYTES.checked_sub(body.len())?.saturating_sub(rest);
    let mut packed = envelope.pack_within(room);
    if packed.len() > room && envelope.reason().is_some() {
        envelope.set_reason(None);
        packed = envelope.pack_within(room);
    }
    let mut payload = Vec::with_capacity(rest + packed.len() + body.len());
    payload.extend_from_slice(LITERAL.as_bytes());
    payload.push(b'{');
    payload.extend_from_slice(attributes.as_bytes());
    if !envelope.is_empty() {
        if !attributes.is_empty() {
            payload.push(b',');
        }
        payload.extend_from_slice(FIELD.as_bytes());
        payload.extend_from_slice(packed.as_bytes());
    }
    payload.extend_from_slice(b"}\n");
    payload.extend_from_slice(body);
    (payload.len() <= PAYLOAD_BYTES).then(|| STANDARD.encode(payload))
}

/// The text of a foreign message that leaves no room for a wrapping, where it is then read as the same.
fn as_it_came(message: &OutMessage) -> Option<String> {
    let text = std::str::from_utf8(&message.body).ok()?;
    let foreign = message.envelope.is_foreign() && message.attributes.is_empty();
    let fits = text.len() <= TEXT_BYTES && is_xml(text);
    if !foreign || !fits || begins_as_ours(text) {
        return None;
    }
    if message.envelope.reason().is_some() {
        tracing::warn!("a foreign message leaves no room for the reason of its dead letter");
    }
    Some(text.to_owned())
}

fn begins_as_ours(text: &str) -> bool {
    text.starts_with(LITERAL_ENCODED) || text.starts_with(LITERAL)
}

/// The value of an attribute as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum AttributeValue<'a> {
    Text(&'a str),
    Encoded { base64: String },
}

impl<'a> AttributeValue<'a> {
    /// What JSON writes with many escapes is shorter in base64.
    fn shortest(value: &'a str) -> Self {
        let escapes: usize = value
            .bytes()
            .map(|byte| match byte {
                b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
                0..0x20 => 5,
                _ => 0,
            })
            .sum();
        let encoded = value.len().div_ceil(3) * 4 + r#"{"base64":}"#.len();
        if encoded < value.len() + escapes {
            Self::Encoded { base64: STANDARD.encode(value) }
        } else {
            Self::Text(value)
        }
    }
}

/// A message as Queue Storage hands it over.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// Its id.
    pub id: String,
    /// The text: as it stands in the queue, or decoded by a host of Azure Functions.
    pub text: String,
    /// When it was put into the queue.
    pub inserted: SystemTime,
    /// Which delivery this is, as Queue Storage counts.
    pub dequeue_count: u64,
}

impl QueueMessage {
    /// A first delivery of this message.
    #[must_use]
    pub fn new(id: impl Into<String>, text: impl Into<String>, inserted: SystemTime) -> Self {
        Self { id: id.into(), text: text.into(), inserted, dequeue_count: 1 }
    }

    /// The delivery that a receive makes of the message.
    ///
    /// # Errors
    /// [`Unreadable`] where it begins as ours do, and is none.
    pub fn into_delivery(self, receipt: Receipt) -> Result<RawDelivery, Unreadable> {
        let attempt = u32::try_from(self.dequeue_count).unwrap_or(u32::MAX).max(1);
        let text = Bytes::from(self.text);
        let (parts, error) = match read(&text) {
            Some(Ok(parts)) => (Some(parts), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let as_it_stands = || Parts { body: text, ..Parts::default() };
        let Parts { attributes, envelope, body } = parts.unwrap_or_else(as_it_stands);
        let mut delivery = RawDelivery::new(self.id, body, receipt, self.inserted);
        delivery.attempt = attempt;
        delivery.attributes = attributes;
        delivery.envelope = envelope;
        match error {
            None => Ok(delivery),
            Some(error) => Err(Unreadable::new(error, delivery)),
        }
    }
}

/// Without the text, which may be a secret.
impl fmt::Debug for QueueMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueMessage")
            .field("id", &self.id)
            .field("text", &format_args!("{} bytes", self.text.len()))
            .field("dequeue_count", &self.dequeue_count)
            .finish_non_exhaustive()
    }
}

/// What is in a message.
#[derive(Default)]
struct Parts {
    attributes: Sparse<Attributes>,
    envelope: Sparse<Envelope>,
    body: Bytes,
}

/// What is in a message of ours; `None` for a foreign one.
fn read(text: &Bytes) -> Option<Result<Parts>> {
    if text.starts_with(LITERAL.as_bytes()) {
        let fits = text.len() <= PAYLOAD_BYTES;
        return Some(if fits { unwrap(text, true) } else { Err(too_long()) });
    }
    if !text.starts_with(LITERAL_ENCODED.as_bytes()) {
        return None;
    }
    // Those who write base64 by hand leave line ends behind.
    let encoded = text.trim_ascii_end();
    if encoded.len() > TEXT_BYTES {
        return Some(Err(too_long()));
    }
    let payload = STANDARD.decode(encoded).map(Bytes::from);
    Some(match payload {
        Ok(payload) => unwrap(&payload, false),
        Err(error) => Err(malformed("is not base64").with_source(error)),
    })
}

/// The first line of a message of ours.
#[derive(Default, Deserialize)]
struct Header {
    #[serde(default)]
    attributes: Map<String, Value>,
    // Not an `Envelope`: serde would take a list for it, too.
    #[serde(default)]
    envelope: Map<String, Value>,
}

fn unwrap(payload: &Bytes, by_host: bool) -> Result<Parts> {
    let end = payload.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or_else(|| malformed("has no line feed behind its first line"))?;
    let line = payload.get(LITERAL.len()..end).filter(|line| line.starts_with(b"{"));
    let line = line.ok_or_else(|| malformed("has no object of JSON in its first line"))?;
    let header: Header = serde_json::from_slice(line)
        .map_err(|error| malformed("has a first line that cannot be read").with_source(error))?;
    let mut envelope = match header.envelope.is_empty() {
        true => Sparse::default(),
        false => Sparse::from(Envelope::unpack(&Value::Object(header.envelope).to_string())?),
    };
    let attributes = header.attributes.into_iter().map(|(name, value)| Ok((name, attribute(value)?)));
    let attributes = attributes.collect::<Result<Attributes>>()?;
    let body = decoded(payload.slice(end + 1..), &mut envelope, by_host)?;
    Ok(Parts { attributes: attributes.into(), envelope, body })
}

/// The body that was sent; how it was encoded is taken out of the envelope.
fn decoded(body: Bytes, envelope: &mut Sparse<Envelope>, by_host: bool) -> Result<Bytes> {
    // Looking first: a message without an envelope keeps having none.
    let Some(encoding) = envelope.encoding.clone() else { return Ok(body) };
    envelope.encoding = None;
    match encoding.as_str() {
        BASE64 => {
            let decoded = STANDARD.decode(&body).map(Bytes::from);
            decoded.map_err(|error| malformed("has a body that is not base64").with_source(error))
        }
        RAW if by_host => Err(malformed(
            "has a body that is no text, and the host has made text of it: set `extensions.queues.messageEncoding` to `none` in host.json",
        )),
        RAW => Ok(body),
        _ => Err(malformed("has a body encoded in a way that this version does not know")),
    }
}

/// The value of an attribute.
fn attribute(value: Value) -> Result<String> {
    let value = match value {
        Value::String(text) => return Ok(text),
        Value::Object(mut object) => object.remove("base64"),
        _ => None,
    };
    let bytes = value.as_ref().and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| malformed("has an attribute that is no text"))
}

fn too_long() -> Error {
    malformed("is longer than any can be")
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("a message that begins with `{LITERAL}` {what}"))
}

/// The receipt of a delivery, of the message's id and its pop receipt: what `MessageQueue::settle` takes, where the platform has handed
/// both over. A new pop receipt makes a new receipt.
///
/// # Errors
/// `Malformed` where they are not such as Queue Storage gives.
pub fn receipt(id: &str, pop_receipt: &str) -> Result<Receipt> {
    let receipt = Receipt::new(format!("{id}:{pop_receipt}"));
    match split(receipt.as_str()) {
        Some(parts) if parts == (id, pop_receipt) => Ok(receipt),
        _ => Err(Error::new(
            ErrorKind::Malformed,
            "the id or the pop receipt of a message is not Queue Storage's",
        )),
    }
}

/// The message's id and its pop receipt in the text of a [`receipt`]; `None` where it is none.
#[must_use]
pub fn split(receipt: &str) -> Option<(&str, &str)> {
    let (id, pop_receipt) = receipt.split_once(':')?;
    // Both go into a URL. An id is one segment of it.
    let is_id =
        (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_pop = (1..=POP_RECEIPT_BYTES).contains(&pop_receipt.len())
        && pop_receipt.bytes().all(|byte| byte.is_ascii_graphic());
    (is_id && is_pop).then_some((id, pop_receipt))
}

#[cfg(test)]
mod tests;
