//! The description of a new object, written as JSON straight from its properties.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use skyport_core::blob::encode_metadata;
use skyport_core::blob::port::Properties;
use skyport_core::blob::stored::{NO_TYPE, TOKEN};
use skyport_core::{Error, Result, Token};

use super::meta::marks;

/// An object as Cloud Storage is told of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described<'p> {
    name: &'p str,
    pub(super) content_type: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_disposition: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<&'p str>,
    metadata: Metadata<'p>,
}

/// The user's own, and ours.
#[derive(Debug)]
struct Metadata<'p> {
    properties: &'p Properties,
    token: Token,
}

impl<'p> Described<'p> {
    pub(super) fn new(name: &'p str, properties: &'p Properties, token: Token) -> Self {
        Self {
            name,
            content_type: properties.content_type.as_deref().unwrap_or(NO_TYPE),
            cache_control: properties.cache_control.as_deref(),
            content_disposition: properties.content_disposition.as_deref(),
            content_encoding: properties.content_encoding.as_deref(),
            metadata: Metadata { properties, token },
        }
    }

    /// Writes it behind what is there.
    pub(super) fn write_to(&self, text: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(text, self)
            .map_err(|error| Error::internal("an object's description is no JSON").with_source(error))
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let (properties, mut map) = (self.properties, serializer.serialize_map(None)?);
        let marks = marks(properties.cache_control.as_deref(), properties.content_encoding.as_deref());
        for (name, value) in &properties.metadata {
            // A mark says what is so, whatever the user's own metadata are called.
            if name != TOKEN && marks.iter().all(|(mark, _)| mark != name) {
                map.serialize_entry(name, &*encode_metadata(value))?;
            }
        }
        for (mark, asked) in marks {
            if asked {
                map.serialize_entry(mark, "1")?;
            }
        }
        map.serialize_entry(TOKEN, &self.token)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn described(properties: &Properties, token: Token) -> Value {
        let mut text = Vec::new();
        Described::new("k\"", properties, token).write_to(&mut text).expect("JSON");
        serde_json::from_slice(&text).expect("JSON")
    }

    #[test]
    fn nothing_is_said_that_was_not_asked_for_but_the_type_and_the_token() {
        let token = Token::new();
        let expected =
            json!({ "name": "k\"", "contentType": NO_TYPE, "metadata": { TOKEN: token.to_string() } });
        assert_eq!(described(&Properties::default(), token), expected);
    }

    #[test]
    fn properties_are_told_and_values_of_metadata_encoded() {
        let mut properties = Properties::default();
        properties.content_type = Some("text/plain".to_owned());
        properties.cache_control = Some("no-store".to_owned());
        properties.content_disposition = Some("inline".to_owned());
        properties.content_encoding = Some("gzip".to_owned());
        properties.metadata = [("who", "grüße")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let told = described(&properties, Token::new());
        assert_eq!(told["contentType"], "text/plain");
        assert_eq!(told["cacheControl"], "no-store");
        assert_eq!(told["contentDisposition"], "inline");
        assert_eq!(told["contentEncoding"], "gzip");
        assert_eq!(told["metadata"]["who"], "gr%C3%BC%C3%9Fe");
    }

    #[test]
    fn what_headers_cannot_tell_is_marked() {
        let mut properties = Properties::default();
        properties.content_encoding = Some("identity".to_owned());
        properties.cache_control = Some("private, max-age=0".to_owned());
        let told = described(&properties, Token::new());
        assert_eq!(told["metadata"]["skyport_identity"], "1");
        assert_eq!(told["metadata"]["skyport_cache"], "1");
    }
}
