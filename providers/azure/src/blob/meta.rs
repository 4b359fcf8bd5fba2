//! What describes a blob, as headers and as properties.

use std::collections::HashMap;
use std::time::SystemTime;

use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use skyport_core::blob::port::{Etag, Metadata, ObjectMeta, Properties};
use skyport_core::blob::stored;
use skyport_core::clock::http_date;
use skyport_core::{Error, ErrorKind, Result, Token};

use super::NAME;

/// The prefix of metadata in headers.
const META: &str = "x-ms-meta-";

/// Stands for a value of metadata that is empty, which Azure does not keep. No value that is encoded looks like it.
const EMPTY: &str = "%";

/// Sets the properties and the metadata on any of the SDK's options that make a blob.
macro_rules! describe {
    ($options:expr, $properties:expr, $token:expr) => {{
        let (options, properties): (_, &skyport_core::blob::port::Properties) = ($options, $properties);
        let content_type = properties.content_type.as_deref();
        let content_type = content_type.unwrap_or(skyport_core::blob::stored::NO_TYPE);
        let folded = |value: &Option<String>| value.as_deref().map($crate::blob::meta::folded);
        options.blob_content_type = Some($crate::blob::meta::folded(content_type));
        options.blob_cache_control = folded(&properties.cache_control);
        options.blob_content_disposition = folded(&properties.content_disposition);
        options.blob_content_encoding = folded(&properties.content_encoding);
        options.metadata = Some($crate::blob::meta::encode(properties, $token));
    }};
}
pub(super) use describe;

/// The same as headers of a request of our own.
pub(super) fn headers(
    properties: &Properties,
    token: Token,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let content_type = properties.content_type.as_deref().unwrap_or(stored::NO_TYPE);
    let own = [
        ("x-ms-blob-content-type", Some(content_type)),
        ("x-ms-blob-cache-control", properties.cache_control.as_deref()),
        ("x-ms-blob-content-disposition", properties.content_disposition.as_deref()),
        ("x-ms-blob-content-encoding", properties.content_encoding.as_deref()),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from(folded(value?)))));
    let metadata = encoded(properties, token)
        .map(|(name, value)| (HeaderName::from(format!("{META}{name}")), HeaderValue::from(value)));
    own.chain(metadata)
}

/// A header's value with one space for each run of white space, but in quotes. Azure documents that it signs them so, and other clients sign them as
/// they are: of this value both say the same. HTTP sees no difference.
pub(super) fn folded(value: &str) -> String {
    let (mut folded, mut quoted, mut escaped) = (String::with_capacity(value.len()), false, false);
    for letter in value.chars() {
        let is_space = matches!(letter, ' ' | '\t');
        if quoted || !is_space {
            folded.push(letter);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
    }
    folded
}

/// User metadata and token as the SDK takes them.
pub(super) fn encode(properties: &Properties, token: Token) -> HashMap<String, String> {
    encoded(properties, token).collect()
}

fn encoded(properties: &Properties, token: Token) -> impl Iterator<Item = (String, String)> {
    let of_value = |value: String| if value.is_empty() { EMPTY.to_owned() } else { value };
    stored::encoded(properties, token).map(move |(name, value)| (name, of_value(value)))
}

/// A header's text.
pub(super) fn text<'h>(headers: &'h Headers, name: &'static str) -> Option<&'h str> {
    crate::http::header(headers, &HeaderName::from_static(name))
}

/// What the headers of an answer tell of the blob, which has `size` bytes in all.
pub(super) fn of_headers(headers: &Headers, size: u64) -> Result<ObjectMeta> {
    let owned = |name| text(headers, name).filter(|text| !text.is_empty()).map(str::to_owned);
    let modified = text(headers, "last-modified").and_then(http_date);
    let mut meta = ObjectMeta::new(size, etag(headers)?, modified.ok_or_else(|| untold("time"))?);
    let mut properties = Properties::default();
    properties.content_type = stored::content_type(owned("content-type"));
    properties.cache_control = owned("cache-control");
    properties.content_disposition = owned("content-disposition");
    properties.content_encoding = owned("content-encoding");
    let mut metadata: Metadata = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().strip_prefix(META)?.to_owned(), value.as_str().to_owned()))
        })
        .collect();
    meta.token = stored::take_token(&mut metadata);
    if meta.token.is_some() {
        metadata.values_mut().for_each(decode);
    }
    properties.metadata = metadata;
    meta.properties = properties.into();
    Ok(meta)
}

/// A value that Skyport encoded.
fn decode(value: &mut String) {
    if value == EMPTY {
        value.clear();
    } else {
        stored::decode(value);
    }
}

/// The etag of an answer.
pub(super) fn etag(headers: &Headers) -> Result<Etag> {
    text(headers, "etag").map(Etag::new).ok_or_else(|| untold("etag"))
}

/// The length of an answer's body, or of what it would be.
pub(super) fn length(headers: &Headers) -> Result<u64> {
    let length = text(headers, "content-length").and_then(|text| text.parse().ok());
    length.ok_or_else(|| untold("size"))
}

fn untold(what: &str) -> Error {
    malformed(format!("Azure's answer tells no {what} of the blob"))
}

pub(super) fn malformed(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

/// When a listing says that a blob was written.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    http_date(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> Headers {
        let mut headers = Headers::new();
        let always = [("etag", "\"0x8D\""), ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")];
        for (name, value) in always.iter().chain(pairs) {
            headers.insert(*name, (*value).to_owned());
        }
        headers
    }

    #[test]
    fn values_are_decoded_only_where_skyport_wrote_them() {
        let token = Token::new().to_string();
        let ours =
            headers(&[("x-ms-meta-a", "%C3%BC%25"), ("x-ms-meta-b", "%"), ("x-ms-meta-skyport_w", &token)]);
        let ours = of_headers(&ours, 3).expect("a blob");
        assert_eq!(ours.token.map(|token| token.to_string()), Some(token));
        assert_eq!(
            ours.properties.metadata,
            Metadata::from([("a", "ü%"), ("b", "")].map(|(n, v)| (n.into(), v.into())))
        );
        let foreign =
            headers(&[("x-ms-meta-a", "%41"), ("x-ms-meta-b", "%"), ("x-ms-meta-skyport_w", "no token")]);
        let foreign = of_headers(&foreign, 3).expect("a blob");
        assert_eq!((foreign.token, &*foreign.properties.metadata["a"]), (None, "%41"));
        assert_eq!(&*foreign.properties.metadata["b"], "%");
    }

    #[test]
    fn no_value_is_empty_on_its_way_and_none_is_taken_for_an_empty_one() {
        let (mut properties, token) = (Properties::default(), Token::new());
        for (name, value) in [("a", ""), ("b", "%"), ("c", " ")] {
            properties.metadata.insert(name.to_owned(), value.to_owned());
        }
        let encoded = encode(&properties, token);
        assert!(encoded.values().all(|value| !value.trim().is_empty()));
        let mut pairs: Metadata = encoded.into_iter().collect();
        assert_eq!(stored::take_token(&mut pairs), Some(token));
        pairs.values_mut().for_each(decode);
        assert_eq!(pairs, properties.metadata);
    }

    #[test]
    fn a_run_of_white_space_is_one_space_but_in_quotes() {
        for (value, sent) in [
            ("inline;  filename=a", "inline; filename=a"),
            ("a \t b", "a b"),
            ("attachment; filename=\"a  \\\"  b\";  x", "attachment; filename=\"a  \\\"  b\"; x"),
            ("no-cache", "no-cache"),
        ] {
            assert_eq!(folded(value), sent);
        }
    }

    #[test]
    fn an_answer_that_does_not_tell_enough_is_an_error() {
        for missing in ["etag", "last-modified"] {
            let mut headers = headers(&[]);
            headers.remove(missing);
            assert_eq!(of_headers(&headers, 0).expect_err(missing).kind(), ErrorKind::Malformed);
        }
        for bad in ["", "-1", "x"] {
            let headers = headers(&[("content-length", bad)]);
            assert_eq!(length(&headers).expect_err(bad).kind(), ErrorKind::Malformed);
        }
    }
}
