//! What becomes of paths and queries on their way through the host.
//!
//! Nothing of .NET keeps a path as it was sent. Kestrel decodes it (`UrlDecoder.cs`, `PathNormalizer.cs`: all but `%2F`, and dots are resolved); whoever
//! sends it on encodes it anew (`PathString.ToUriComponent`, by YARP's `RequestUtilities.MakeDestinationAddress` and by `GetRequestAsJObject`; `Uri.AbsolutePath` by
//! `DefaultHttpWorkerService.GetPathValue`). So `%41` comes as `A`, `%2541` as `%41`, and `~` as it was. A query is kept by YARP, and taken apart by
//! `HttpRequestExtensions.GetQueryCollectionAsDictionary`, which joins what stands there twice.

use std::fmt::Write;

use percent_encoding::percent_decode_str;

/// A path as Kestrel decodes it; `None` where it answers 400.
pub(crate) fn decode_path(raw: &str) -> Option<String> {
    if !raw.starts_with('/') {
        return None;
    }
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match escape(bytes, at) {
            Some(0) => return None,
            Some(b'/') | None => {
                decoded.push(byte);
                at += 1;
            }
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
        }
    }
    // Bytes that are no UTF-8 stay as they were written.
    let decoded = String::from_utf8(decoded).unwrap_or_else(|_| raw.to_owned());
    Some(without_dots(&decoded))
}

/// The byte of the escape there.
fn escape(bytes: &[u8], at: usize) -> Option<u8> {
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    (bytes.get(at) == Some(&b'%')).then(|| Some((hex(at + 1)? * 16 + hex(at + 2)?) as u8)).flatten()
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// A decoded path as `PathString.ToUriComponent` encodes it: what looks like an escape stays.
pub(crate) fn encode_path(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut encoded = String::with_capacity(path.len());
    for (at, &byte) in bytes.iter().enumerate() {
        if byte.is_ascii_alphanumeric()
            || b"-_.~!$&'()*+,;=:@/".contains(&byte)
            || (byte == b'%' && escape(bytes, at).is_some())
        {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A decoded path that was read as a URL once more: what follows a question mark or a hash is lost.
pub(crate) fn reread_path(path: &str) -> String {
    encode_path(path.split(['?', '#']).next().unwrap_or_default())
}

/// The pairs of a query, decoded; what stands there twice joined by commas. Keys are compared without case.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key), decode(value));
        match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => pairs.push((key, value)),
        }
    }
    pairs
}

/// The pairs as `QueryHelpers.AddQueryString` writes them.
pub(crate) fn write_query(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        let separator = if text.is_empty() { '?' } else { '&' };
        let _ = write!(text, "{separator}{}={}", url_encoded(key), url_encoded(value));
    }
    text
}

/// As `UrlEncoder.Default` has it.
fn url_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~!$()*,;@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_and_encoded_anew() {
        for (sent, arrives) in [
            ("/mirror/a%2Fb/%E2%98%BA", "/mirror/a%2Fb/%E2%98%BA"),
            ("/a%41~", "/aA~"),
            ("/%2541", "/%41"),
            ("/100%25", "/100%25"),
            ("/a/../b/./c", "/b/c"),
            ("/a%20b%3Fc", "/a%20b%3Fc"),
            ("/%ff", "/%ff"),
            ("/a/..", "/"),
        ] {
            assert_eq!(encode_path(&decode_path(sent).unwrap()), arrives, "{sent}");
        }
        assert_eq!(decode_path("/%00"), None);
        assert_eq!(reread_path(&decode_path("/a%3Fb/c").unwrap()), "/a");
    }

    #[test]
    fn a_query_that_is_taken_apart_is_joined() {
        let read = pairs("q=1&q=%2B+x&empty=&Q=3&lone");
        assert_eq!(write_query(&read), "?q=1,%2B%20x,3&empty=&lone=");
        assert_eq!(write_query(&pairs("")), "");
    }
}
