//! A CloudEvent whose attributes are headers, and whose data is the body.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode;
use skyport_core::Result;

use super::{CloudEvent, event, malformed};

/// The event of a request with these headers and this body.
///
/// # Errors
/// `Malformed` where an attribute is missing, stands there twice, or is not written as the specification says.
pub(crate) fn binary(headers: &HeaderMap, body: Bytes) -> Result<CloudEvent> {
    let attribute = |name: &str| {
        let mut values = headers.get_all(format!("ce-{name}")).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => text(name, value).map(Some),
            _ => Err(malformed(format!("the CloudEvent's attribute `{name}` stands there twice"))),
        }
    };
    event(attribute, body)
}

/// The type that an event of these headers says it has, as it was sent: types of Google's need no encoding.
pub(crate) fn kind(headers: &HeaderMap) -> Option<&str> {
    headers.get("ce-type")?.to_str().ok()
}

/// A header's value as text: its quotes off, and one round of percent-decoding. A `%` that begins no sequence stays, and so does what
/// is UTF-8 already: real senders write both.
fn text(name: &str, value: &HeaderValue) -> Result<String> {
    let unquoted = unquoted(value.as_bytes());
    let decoded = percent_decode(&unquoted).decode_utf8();
    let decoded =
        decoded.map_err(|_| malformed(format!("the CloudEvent's attribute `{name}` is not UTF-8")))?;
    Ok(decoded.into_owned())
}

/// What stands in double quotes, with the backslashes of its escapes off; anything else as it is.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', quoted @ .., b'"'] = value else { return Cow::Borrowed(value) };
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            // A quote inside that is not escaped ends nothing that we could go on with: it is no quoted text.
            b'"' => return Cow::Borrowed(value),
            b'\\' => match bytes.next() {
                Some(escaped) => plain.push(escaped),
                None => return Cow::Borrowed(value),
            },
            _ => plain.push(byte),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let required: [(&str, &[u8]); 4] =
            [("ce-specversion", b"1.0"), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
        for (name, value) in required.iter().chain(pairs) {
            headers.insert(*name, HeaderValue::from_bytes(value).expect("a header"));
        }
        headers
    }

    fn subject(value: &[u8]) -> Result<String> {
        binary(&headers(&[("ce-subject", value)]), Bytes::new()).map(|event| event.subject.expect("there"))
    }

    #[test]
    fn attributes_come_from_headers_and_data_is_the_body() {
        let headers = headers(&[
            ("ce-source", b"//storage.googleapis.com/projects/_/buckets/photos"),
            ("ce-time", b"1970-01-01T00:00:01.5Z"),
            ("ce-traceparent", b"00-1-2-3"),
            ("ce-bucket", b"photos"),
        ]);
        let event = binary(&headers, Bytes::from_static(b"{}")).expect("sound");
        assert_eq!((&*event.id, &*event.kind, &event.data[..]), ("1", "t", &b"{}"[..]));
        assert_eq!(event.source, "//storage.googleapis.com/projects/_/buckets/photos");
        assert_eq!(event.time, Some(UNIX_EPOCH + Duration::from_millis(1_500)));
        assert_eq!((event.subject, event.traceparent.as_deref()), (None, Some("00-1-2-3")));
    }

    #[test]
    fn values_are_unquoted_and_then_decoded_once() {
        for (sent, meant) in [
            (&b"Euro%20%E2%82%AC%20%F0%9F%98%80"[..], "Euro € 😀"),
            (b"Euro%20%e2%82%ac", "Euro €"),
            ("Euro € raw".as_bytes(), "Euro € raw"),
            (b"\"a \\\"quoted\\\" text \\\\ with%20both\"", "a \"quoted\" text \\ with both"),
            (b"%2541", "%41"),
            (b"%41", "A"),
            (b"100%", "100%"),
            (b"100%zz%4", "100%zz%4"),
            (b"a+b", "a+b"),
            (b"\"", "\""),
            (b"\"half", "\"half"),
            (b"\"a\"b\"", "\"a\"b\""),
            (b"\"ends in \\\"", "\"ends in \\\""),
        ] {
            assert_eq!(subject(sent).expect("sound"), meant, "{}", String::from_utf8_lossy(sent));
        }
    }

    #[test]
    fn what_is_not_utf8_is_malformed() {
        // Overlong, alone, a surrogate, raw.
        for sent in [&b"%C0%A0"[..], b"%FF", b"%ED%A0%80", b"\xff"] {
            assert!(subject(sent).expect_err("not UTF-8").message().contains("subject"));
        }
        assert!(subject(b"a%00b").expect_err("control").message().contains("control"));
        assert!(subject(b"").expect_err("empty").message().contains("empty"));
        assert!(subject(&[b'x'; 4_097]).expect_err("long").message().contains("too long"));
    }

    #[test]
    fn what_must_be_there_is_missed_by_its_name() {
        for name in ["specversion", "id", "source", "type"] {
            let mut headers = headers(&[]);
            headers.remove(format!("ce-{name}"));
            let error = binary(&headers, Bytes::new()).expect_err(name);
            assert!(error.message().contains(&format!("`{name}`")), "{error}");
        }
        let old = binary(&headers(&[("ce-specversion", b"0.3")]), Bytes::new()).expect_err("an old version");
        assert!(old.message().contains("0.3"), "{old}");
        assert!(binary(&headers(&[("ce-time", b"noon")]), Bytes::new()).is_err());
        let mut twice = headers(&[]);
        twice.append("ce-id", HeaderValue::from_static("2"));
        assert!(binary(&twice, Bytes::new()).expect_err("twice").message().contains("twice"));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_as_the_specification_says_survives(text in "[^\\p{Cc}]{1,60}") {
            let encoded = text.chars().map(|c| match c {
                '!'..='~' if c != '"' && c != '%' => c.to_string(),
                _ => c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
            });
            let encoded: String = encoded.collect();
            prop_assert_eq!(subject(encoded.as_bytes()).expect("sound"), text);
        }

        #[test]
        fn no_header_makes_it_panic(value in proptest::collection::vec(32_u8..=255, 0..40)) {
            if HeaderValue::from_bytes(&value).is_ok() {
                let _ = subject(&value);
            }
        }
    }
}
