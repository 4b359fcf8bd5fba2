//! What a service keeps beside an object's bytes, in forms that every service takes: for providers of services that speak HTTP.

use percent_encoding::percent_decode_str;

use super::key::encode_metadata;
use super::port::{Metadata, Properties};
use crate::Token;

/// The metadata that holds the token of the write that made the object.
pub const TOKEN: &str = "skyport_w";

/// The content type of what has none: services would write one of their own, which somebody may have meant.
pub const NO_TYPE: &str = "binary/octet-stream";

/// User metadata and token, with values of visible ASCII alone.
pub fn encoded(properties: &Properties, token: Token) -> impl Iterator<Item = (String, String)> {
    let values = properties.metadata.iter();
    let values = values.map(|(name, value)| (name.clone(), encode_metadata(value).into_owned()));
    values.chain([(TOKEN.to_owned(), token.to_string())])
}

/// Takes the token out of the metadata that is stored with an object. Where there is one, a Skyport write made the object, and its
/// values are to be [decoded](decode); what others wrote is as it is.
pub fn take_token(metadata: &mut Metadata) -> Option<Token> {
    take_token_by(|name| metadata.remove(name))
}

/// As [`take_token`], out of any kind of map: `remove` takes a name's value out of it.
pub fn take_token_by(remove: impl FnOnce(&str) -> Option<String>) -> Option<Token> {
    remove(TOKEN)?.parse().ok()
}

/// A value as it was before it was [encoded](encode_metadata).
pub fn decode(value: &mut String) {
    if let Ok(text) = percent_decode_str(value).decode_utf8() {
        *value = text.into_owned();
    }
}

/// The content type that was asked for.
#[must_use]
pub fn content_type(stored: Option<String>) -> Option<String> {
    stored.filter(|text| text != NO_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_plain_and_comes_back() {
        let (token, mut properties) = (Token::new(), Properties::default());
        properties.metadata.insert("who".to_owned(), " gr\u{fc}\u{df}e 100%\n".to_owned());
        let mut stored: Metadata = encoded(&properties, token).collect();
        assert!(stored.values().all(|value| value.bytes().all(|byte| byte.is_ascii_graphic())));
        assert_eq!(take_token(&mut stored), Some(token));
        stored.values_mut().for_each(decode);
        assert_eq!(stored, properties.metadata);
    }

    #[test]
    fn what_is_no_token_tells_of_no_write_and_is_no_metadata() {
        let mut stored = Metadata::from([(TOKEN.to_owned(), "no token".to_owned())]);
        assert_eq!((take_token(&mut stored), stored.len()), (None, 0));
        assert_eq!(take_token(&mut stored), None);
    }
}
