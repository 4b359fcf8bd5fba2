//! Messages on their way out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use skyport_core::queue::Attributes;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::OutMessage;
use skyport_core::queue::wire::is_xml;
use skyport_core::{Error, ErrorKind, Result, Sparse};

use super::read::read;
use super::{BASE64, LITERAL, PAYLOAD_BYTES, RAW, TEXT_BYTES};

/// The text of a message on its way out.
///
/// # Errors
/// `TooLarge` where it does not fit; never for a body of up to [`BODY_BYTES`](super::BODY_BYTES) with what the contract lets a message have.
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

/// The text of a foreign message that leaves no room for a wrapping, where it is then read as the same: as foreign, or as what cannot be read and is
/// handed over as it stands. (XML makes a line feed of a carriage return: better so than not at all.)
fn as_it_came(message: &OutMessage) -> Option<String> {
    let text = std::str::from_utf8(&message.body).ok()?;
    // What was counted before must not be lost: it would never be spent.
    let uncounted = message.envelope.attempts_before() == 0;
    let foreign = message.envelope.is_foreign() && message.attributes.is_empty() && uncounted;
    let fits = text.len() <= TEXT_BYTES && is_xml(text);
    if !foreign || !fits || matches!(read(&message.body), Some(Ok(_))) {
        return None;
    }
    if message.envelope.reason().is_some() {
        tracing::warn!("a foreign message leaves no room for the reason of its dead letter");
    }
    Some(text.to_owned())
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
