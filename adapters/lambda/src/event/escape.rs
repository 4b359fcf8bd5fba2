//! Paths and queries as a URI takes them.
//!
//! Some gateways hand over a path that they have decoded, with spaces and other characters in it that a URI does not have.
//! What can stand in a URI is left alone, so that an encoded path stays as it is.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What never stands in a query.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What never stands in a path.
const PATH: &AsciiSet = &QUERY.add(b'?');

/// A path that begins with `/`.
pub(crate) fn path(raw: &str) -> String {
    let escaped = escape(raw, PATH);
    if escaped.starts_with('/') { escaped } else { format!("/{escaped}") }
}

/// A query without its question mark.
pub(crate) fn query(raw: &str) -> String {
    escape(raw, QUERY)
}

fn escape(raw: &str, set: &'static AsciiSet) -> String {
    let escaped: Cow<'_, str> = utf8_percent_encode(raw, set).into();
    bare_percents(&escaped)
}

/// A percent sign that begins no escape can only be one that was decoded.
fn bare_percents(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let escape = after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        out.push_str(before);
        out.push_str(if escape { "%" } else { "%25" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_stays_and_what_was_decoded_is_made_safe() {
        for (raw, expected) in [
            ("/a%2Fb/%E2%98%BA", "/a%2Fb/%E2%98%BA"),
            ("/a b/\u{263a}", "/a%20b/%E2%98%BA"),
            ("/users/me?admin=true#x", "/users/me%3Fadmin=true%23x"),
            ("/100%", "/100%25"),
            ("/%zz%4", "/%25zz%254"),
            ("", "/"),
            ("x", "/x"),
            ("/a\r\n\"<>\\^`{|}", "/a%0D%0A%22%3C%3E%5C%5E%60%7B%7C%7D"),
            ("/!$&'()*+,;=:@~-._", "/!$&'()*+,;=:@~-._"),
        ] {
            let escaped = path(raw);
            assert_eq!(escaped, expected);
            let uri: http::Uri = escaped.parse().expect("a URI");
            assert_eq!(uri.path(), expected);
        }
        assert_eq!(query("q=1&q=%2B+x&empty=&b=a b?#"), "q=1&q=%2B+x&empty=&b=a%20b?%23");
    }
}
