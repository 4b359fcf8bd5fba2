//! What describes an object: as JSON, as headers of a download, and as properties.
//!
//! Values of metadata that Skyport writes are percent-encoded where they are not plain ASCII, although JSON could carry them: so they
//! come back whole in the headers of a download. Who wrote an object is told by its token.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LAST_MODIFIED,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use skyport_core::blob::encode_metadata;
use skyport_core::blob::port::{Etag, ObjectMeta, Properties};
use skyport_core::blob::stored::{self, NO_TYPE, TOKEN};
use skyport_core::clock::{http_date, rfc3339};
use skyport_core::{Error, Result, Token};

use super::call::malformed;

/// The metadata that says that the content encoding `identity` was asked for: in headers it looks like none.
const IDENTITY: &str = "skyport_identity";

const IDENTITY_ENCODING: &str = "identity";

/// The metadata that says that one of Google's own cache controls was asked for: in headers it looks like none.
const CACHE: &str = "skyport_cache";

/// The metadata that says that the rest of it was copied from an object that others wrote: then headers do not tell its names.
const FOREIGN: &str = "skyport_foreign";

/// What a download says of an object without a cache control: of one that is not public, and of one that is.
const CACHE_DEFAULTS: [&str; 2] = ["private, max-age=0", "public, max-age=3600"];

/// The prefix of metadata in headers.
const META: &str = "x-goog-meta-";

/// The header that tells the token of the write.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-goog-meta-skyport_w");

/// The header that says what [`FOREIGN`] says.
const FOREIGN_HEADER: HeaderName = HeaderName::from_static("x-goog-meta-skyport_foreign");

const STORED_ENCODING: HeaderName = HeaderName::from_static("x-goog-stored-content-encoding");

const GENERATION: HeaderName = HeaderName::from_static("x-goog-generation");

/// What is read of an object's resource.
pub(super) const FIELDS: &str = "name,generation,size,timeCreated,contentType,cacheControl,contentDisposition,contentEncoding,\
                                 contentLanguage,customTime,metadata";

/// An object as the JSON API tells of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    /// Numbers of 64 bits are texts.
    pub(super) generation: Option<String>,
    size: Option<String>,
    time_created: Option<String>,
    content_type: Option<String>,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    /// Not Skyport's, but a copy takes it along.
    content_language: Option<String>,
    /// As `content_language`.
    custom_time: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Resource {
    pub(super) fn etag(&self) -> Result<Etag> {
        etag(self.generation.as_deref())
    }

    pub(super) fn size(&self) -> Result<u64> {
        size(self.size.as_deref())
    }

    fn modified(&self) -> Result<SystemTime> {
        modified(self.time_created.as_deref())
    }

    pub(super) fn meta(self) -> Result<ObjectMeta> {
        let (size, etag, modified) = (self.size()?, self.etag()?, self.modified()?);
        let mut properties = Properties::default();
        properties.content_type = self.content_type;
        properties.cache_control = self.cache_control;
        properties.content_disposition = self.content_disposition;
        properties.content_encoding = self.content_encoding;
        let (mut meta, mut metadata) = (ObjectMeta::new(size, etag, modified), self.metadata);
        meta.token = stored::take_token(&mut metadata);
        Ok(described(meta, properties, metadata))
    }

    /// The description of a copy: of all that this object has, but with the copy's own token.
    pub(super) fn copied(self, token: Token) -> Value {
        let ours = self.metadata.get(TOKEN).is_some_and(|text| text.parse::<Token>().is_ok());
        let mut metadata: Map<String, Value> = Map::new();
        for (name, value) in self.metadata {
            // What bears a token is read as encoded.
            let value = if ours { value } else { encode_metadata(&value).into_owned() };
            metadata.insert(name, value.into());
        }
        metadata.insert(TOKEN.to_owned(), token.to_string().into());
        mark(&mut metadata, self.cache_control.as_deref(), self.content_encoding.as_deref());
        if !ours {
            metadata.insert(FOREIGN.to_owned(), "1".into());
        }
        let mut resource = json!({
            "contentType": self.content_type.as_deref().unwrap_or(NO_TYPE),
            "metadata": metadata,
        });
        for (name, value) in [
            ("cacheControl", self.cache_control),
            ("contentDisposition", self.content_disposition),
            ("contentEncoding", self.content_encoding),
            ("contentLanguage", self.content_language),
            ("customTime", self.custom_time),
        ] {
            if let Some(value) = value {
                resource[name] = value.into();
            }
        }
        resource
    }
}

/// Says which properties were asked for that look in headers as if they had not been.
fn mark(metadata: &mut Map<String, Value>, cache_control: Option<&str>, content_encoding: Option<&str>) {
    for (mark, asked) in marks(cache_control, content_encoding) {
        if asked {
            metadata.insert(mark.to_owned(), "1".into());
        } else {
            metadata.remove(mark);
        }
    }
}

/// The marks, and which of them are to be set.
pub(super) fn marks(
    cache_control: Option<&str>,
    content_encoding: Option<&str>,
) -> [(&'static str, bool); 2] {
    [
        (IDENTITY, content_encoding == Some(IDENTITY_ENCODING)),
        (CACHE, cache_control.is_some_and(|text| CACHE_DEFAULTS.contains(&text))),
    ]
}

/// What the headers of a download tell of the object, which has `size` bytes in all. They tell all of what bears a token; of what others
/// wrote not quite, since names of metadata have no case in headers, and values there only ASCII.
pub(super) fn of_headers(headers: &HeaderMap, size: u64) -> Result<ObjectMeta> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let mut metadata = BTreeMap::new();
    for (name, value) in headers {
        let name = name.as_str().strip_prefix(META);
        if let (Some(name), Ok(value)) = (name, value.to_str())
            && name != TOKEN
        {
            metadata.insert(name.to_owned(), value.to_owned());
        }
    }
    let modified = text(LAST_MODIFIED).and_then(http_date).ok_or_else(no_time)?;
    let mut properties = Properties::default();
    properties.content_type = owned(text(CONTENT_TYPE).filter(|content_type| *content_type != NO_TYPE));
    let is_told = |control: &&str| metadata.contains_key(CACHE) || !CACHE_DEFAULTS.contains(control);
    properties.cache_control = owned(text(CACHE_CONTROL).filter(is_told));
    properties.content_disposition = owned(text(CONTENT_DISPOSITION));
    let stored = text(STORED_ENCODING).or_else(|| text(CONTENT_ENCODING));
    properties.content_encoding = owned(stored.filter(|encoding| *encoding != IDENTITY_ENCODING));
    let mut meta = ObjectMeta::new(size, of_generation(headers)?, modified);
    meta.token = text(TOKEN_HEADER).and_then(|token| token.parse().ok());
    Ok(described(meta, properties, metadata))
}

/// Whether headers tell all of what describes an object: that is so where Skyport wrote all of it.
pub(super) fn is_told_by_headers(headers: &HeaderMap, meta: &ObjectMeta) -> bool {
    meta.token.is_some() && !headers.contains_key(FOREIGN_HEADER)
}

/// The etag that the headers of a download tell.
pub(super) fn of_generation(headers: &HeaderMap) -> Result<Etag> {
    etag(headers.get(GENERATION).and_then(|value| value.to_str().ok()))
}

/// The object, whose token is known, with its properties, of which some are for Skyport alone.
fn described(
    mut meta: ObjectMeta,
    mut properties: Properties,
    mut metadata: BTreeMap<String, String>,
) -> ObjectMeta {
    if meta.token.is_some() {
        metadata.remove(CACHE);
        metadata.remove(FOREIGN);
        if metadata.remove(IDENTITY).is_some() {
            properties.content_encoding.get_or_insert_with(|| IDENTITY_ENCODING.to_owned());
        }
        metadata.values_mut().for_each(stored::decode);
    }
    properties.content_type = stored::content_type(properties.content_type);
    properties.metadata = metadata;
    meta.properties = properties.into();
    meta
}

/// A size, which is a text.
pub(super) fn size(text: Option<&str>) -> Result<u64> {
    text.and_then(|text| text.parse().ok()).ok_or_else(no_size)
}

/// When the object was written.
pub(super) fn modified(text: Option<&str>) -> Result<SystemTime> {
    text.and_then(rfc3339).ok_or_else(no_time)
}

/// A generation is the etag.
pub(super) fn etag(generation: Option<&str>) -> Result<Etag> {
    let number = generation.and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    let of_number = number.map(Etag::of_number);
    of_number.ok_or_else(|| malformed("Cloud Storage's answer tells no generation of the object"))
}

fn no_size() -> Error {
    malformed("Cloud Storage's answer tells no size of the object")
}

fn no_time() -> Error {
    malformed("Cloud Storage's answer does not tell when the object was written")
}

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind;

    use super::*;

    fn resource(metadata: &[(&str, &str)]) -> Resource {
        Resource {
            generation: Some("17".to_owned()),
            size: Some("3".to_owned()),
            time_created: Some("2026-11-26T13:03:16.192Z".to_owned()),
            content_type: Some(NO_TYPE.to_owned()),
            metadata: metadata.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            ..Resource::default()
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let always = [("x-goog-generation", "17"), ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")];
        let pairs = always.iter().chain(pairs);
        pairs.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn values_are_decoded_only_where_skyport_wrote_them() {
        let token = Token::new();
        let ours = resource(&[("a", "%C3%BC%25"), (TOKEN, &token.to_string())]).meta().expect("an object");
        assert_eq!((ours.token, &*ours.properties.metadata["a"]), (Some(token), "ü%"));
        assert_eq!(ours.properties.metadata.len(), 1, "the token is no user metadata");
        let foreign = resource(&[("A", "%41"), (TOKEN, "no token")]).meta().expect("an object");
        assert_eq!((foreign.token, &*foreign.properties.metadata["A"]), (None, "%41"));
    }

    #[test]
    fn an_object_without_a_content_type_is_read_without_one() {
        let meta = resource(&[]).meta().expect("an object");
        assert_eq!((meta.properties.content_type.as_deref(), meta.etag.as_str()), (None, "17"));
    }

    #[test]
    fn an_answer_that_does_not_tell_enough_is_an_error() {
        for generation in [None, Some("x"), Some("0"), Some("-1")] {
            let mut nameless = resource(&[]);
            nameless.generation = generation.map(str::to_owned);
            assert_eq!(nameless.meta().expect_err("no etag").kind(), ErrorKind::Malformed);
        }
        let mut negative = resource(&[]);
        negative.size = Some("-1".to_owned());
        assert_eq!(negative.meta().expect_err("no size").kind(), ErrorKind::Malformed);
    }

    #[test]
    fn headers_tell_all_of_what_skyport_wrote() {
        let token = Token::new().to_string();
        let ours = headers(&[
            ("x-goog-meta-skyport_w", &token),
            ("x-goog-meta-who", "gr%C3%BC%C3%9Fe"),
            ("x-goog-stored-content-encoding", "gzip"),
            ("content-type", "text/plain"),
        ]);
        let meta = of_headers(&ours, 5).expect("an object");
        assert_eq!((meta.size, meta.etag.as_str(), &*meta.properties.metadata["who"]), (5, "17", "grüße"));
        assert_eq!(meta.properties.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(meta.token.map(|token| token.to_string()), Some(token));
        let foreign = of_headers(&headers(&[("x-goog-meta-who", "%41")]), 5).expect("an object");
        assert_eq!((foreign.token, &*foreign.properties.metadata["who"]), (None, "%41"));
    }

    #[test]
    fn the_encoding_identity_is_told_where_it_was_asked_for() {
        let token = Token::new();
        for (mark, told) in [(Some("1"), Some("identity")), (None, None)] {
            let token = token.to_string();
            let mut pairs =
                vec![("x-goog-meta-skyport_w", &*token), ("x-goog-stored-content-encoding", "identity")];
            pairs.extend(mark.map(|mark| ("x-goog-meta-skyport_identity", mark)));
            let meta = of_headers(&headers(&pairs), 0).expect("an object");
            assert_eq!(meta.properties.content_encoding.as_deref(), told);
            assert!(meta.properties.metadata.is_empty());
        }
    }

    #[test]
    fn a_cache_control_is_told_where_it_was_asked_for_and_none_that_google_adds() {
        let token = Token::new().to_string();
        for default in CACHE_DEFAULTS {
            let mut foreign = resource(&[]);
            foreign.cache_control = Some(default.to_owned());
            assert_eq!(foreign.copied(Token::new())["metadata"][CACHE], "1");
            for (mark, told) in [(Some("1"), Some(default)), (None, None)] {
                let mut pairs = vec![("x-goog-meta-skyport_w", &*token), ("cache-control", default)];
                pairs.extend(mark.map(|mark| ("x-goog-meta-skyport_cache", mark)));
                let meta = of_headers(&headers(&pairs), 0).expect("an object");
                assert_eq!(meta.properties.cache_control.as_deref(), told);
                assert!(meta.properties.metadata.is_empty());
            }
        }
        let own = [("x-goog-meta-skyport_w", &*token), ("cache-control", "no-store")];
        let meta = of_headers(&headers(&own), 0).expect("an object");
        assert_eq!(meta.properties.cache_control.as_deref(), Some("no-store"));
    }

    #[test]
    fn a_copy_of_what_others_wrote_is_encoded_since_it_bears_a_token() {
        let token = Token::new();
        let copied = resource(&[("a", "ü%")]).copied(token);
        assert_eq!(
            (&copied["metadata"]["a"], &copied["contentType"]),
            (&json!("%C3%BC%25"), &json!(NO_TYPE))
        );
        assert_eq!(copied["metadata"][FOREIGN], "1", "its names are not told by headers");
        let ours = resource(&[("a", "%C3%BC"), (TOKEN, &Token::new().to_string())]).copied(token);
        assert_eq!(ours["metadata"], json!({ "a": "%C3%BC", TOKEN: token.to_string() }));
    }
}
