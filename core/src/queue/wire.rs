//! Bodies on wires that carry text only: as they are where that is possible, else as base64 with a flag in the envelope.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::envelope::Envelope;
use super::port::RawDelivery;
use crate::{Error, ErrorKind, Result, Sparse};

/// The flag of a body in base64.
const BASE64: &str = "b64";

/// The flag of an empty body, for which some text stands.
const EMPTY: &str = "empty";

/// A body as text that every queue of text takes: not empty, and of nothing but the characters of XML 1.0. Another body becomes
/// base64, which the envelope then says.
#[must_use]
pub fn to_text(body: &Bytes, envelope: &mut Sparse<Envelope>) -> String {
    if body.is_empty() {
        envelope.encoding = Some(EMPTY.to_owned());
        return "-".to_owned();
    }
    match std::str::from_utf8(body) {
        Ok(text) if is_xml(text) => text.to_owned(),
        _ => {
            envelope.encoding = Some(BASE64.to_owned());
            STANDARD.encode(body)
        }
    }
}

/// The body that [`to_text`] was given; the flag is taken out of the envelope. A text without the flag is the body itself.
///
/// # Errors
/// `Malformed` where the envelope says base64 and the text is something else, or names an encoding that is not known.
pub fn from_text(text: String, envelope: &mut Sparse<Envelope>) -> Result<Bytes> {
    // Looking first: a message without an envelope keeps having none.
    let Some(encoding) = envelope.encoding.clone() else { return Ok(text.into()) };
    envelope.encoding = None;
    let malformed = |message| Error::new(ErrorKind::Malformed, message);
    match encoding.as_str() {
        EMPTY => Ok(Bytes::new()),
        BASE64 => {
            let decoded = STANDARD.decode(text).map(Bytes::from);
            decoded.map_err(|error| malformed("the message's body is not base64").with_source(error))
        }
        _ => Err(malformed("the message's body is encoded in a way that this version does not know")),
    }
}

/// Whether XML 1.0 has every character of a text.
#[must_use]
pub fn is_xml(text: &str) -> bool {
    // In one sweep over the bytes, many at a time: most texts have neither. What XML lacks above the space are U+FFFE and U+FFFF.
    let (mut controls, mut high) = (false, false);
    for byte in text.bytes() {
        controls |= byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
        high |= byte == 0xef;
    }
    let missing = high && text.contains(['\u{fffe}', '\u{ffff}']);
    !controls && !missing
}

/// A message whose body cannot be what is said of it: for the dead letters.
#[non_exhaustive]
#[derive(Debug)]
pub struct Unreadable {
    /// What is wrong with it.
    pub error: Error,
    /// The message, with the body as it came.
    pub delivery: Box<RawDelivery>,
}

impl Unreadable {
    /// This message is not what it claims to be.
    #[must_use]
    pub fn new(error: Error, delivery: RawDelivery) -> Self {
        Self { error, delivery: Box::new(delivery) }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_body_survives_and_plain_text_stays_readable() {
        for body in
            [&b""[..], b"plain", "grüße \u{1f600}\r\n".as_bytes(), b"\0", b"\xff\xfe", "\u{ffff}".as_bytes()]
        {
            let body = Bytes::copy_from_slice(body);
            let mut envelope = Sparse::default();
            let text = to_text(&body, &mut envelope);
            assert!(!text.is_empty() && is_xml(&text), "{text:?}");
            assert_eq!(from_text(text, &mut envelope).expect("comes back"), body);
            assert!(envelope.is_empty(), "the flag is the wire's own");
        }
        let mut envelope = Sparse::default();
        assert_eq!(to_text(&Bytes::from_static(b"plain"), &mut envelope), "plain");
        assert!(envelope.is_empty());
    }

    #[test]
    fn a_character_that_xml_lacks_is_found_among_others() {
        let has =
            |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        for c in '\0'..=char::MAX {
            assert_eq!(is_xml(c.encode_utf8(&mut [0; 4])), has(c), "{c:?}");
        }
        for c in ['\0', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            assert!(!is_xml(&format!("{}{c}\u{fffd}\u{f000}", "plain, gr\u{fc}n ".repeat(9))), "{c:?}");
        }
    }

    #[test]
    fn what_is_not_what_the_flag_says_is_malformed() {
        for (text, encoding) in [("no base64!", BASE64), ("x", "zstd")] {
            let mut envelope = Sparse::<Envelope>::default();
            envelope.encoding = Some(encoding.to_owned());
            let error = from_text(text.to_owned(), &mut envelope).expect_err(encoding);
            assert_eq!(error.kind(), ErrorKind::Malformed);
        }
    }
}
