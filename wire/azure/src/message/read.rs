//! What is in a message that came.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use skyport_core::queue::Attributes;
use skyport_core::queue::envelope::Envelope;
use skyport_core::{Error, ErrorKind, Result, Sparse};

use super::{BASE64, LITERAL, LITERAL_ENCODED, PAYLOAD_BYTES, RAW, TEXT_BYTES};

/// What is in a message.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) attributes: Sparse<Attributes>,
    pub(super) envelope: Sparse<Envelope>,
    pub(super) body: Bytes,
}

/// What is in a message of ours; `None` for a foreign one.
pub(super) fn read(text: &Bytes) -> Option<Result<Parts>> {
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
