//! What describes an object, as headers and as properties.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_smithy_types::DateTime;
use skyport_core::blob::port::{Etag, Metadata, ObjectMeta, Properties};
use skyport_core::blob::stored;
use skyport_core::{Error, ErrorKind, Result, Token};

/// Sets the headers of properties and token on any of the SDK's builders that make an object.
macro_rules! describe {
    ($builder:expr, $properties:expr, $token:expr) => {{
        let properties: &skyport_core::blob::port::Properties = $properties;
        $builder
            .content_type(properties.content_type.as_deref().unwrap_or(skyport_core::blob::stored::NO_TYPE))
            .set_cache_control(properties.cache_control.clone())
            .set_content_disposition(properties.content_disposition.clone())
            .set_content_encoding(properties.content_encoding.clone())
            .set_metadata(Some($crate::blob::meta::encode(properties, $token)))
    }};
}
pub(super) use describe;

/// Takes what describes the object from any of the SDK's answers that tell of one.
macro_rules! told {
    ($output:expr) => {
        $crate::blob::meta::Told {
            size: $output.content_length,
            etag: $output.e_tag,
            modified: $output.last_modified,
            content_type: $output.content_type,
            cache_control: $output.cache_control,
            content_disposition: $output.content_disposition,
            content_encoding: $output.content_encoding,
            content_language: $output.content_language,
            expires: $output.expires_string,
            metadata: $output.metadata,
        }
    };
}
pub(super) use told;

/// What an answer of S3 tells of an object.
pub(super) struct Told {
    /// How many bytes the answer has, or would have.
    pub(super) size: Option<i64>,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<DateTime>,
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    /// Not Skyport's, but a copy takes it along.
    pub(super) content_language: Option<String>,
    /// As `content_language`.
    pub(super) expires: Option<String>,
    pub(super) metadata: Option<HashMap<String, String>>,
}

impl Told {
    /// The object, of which the answer has all bytes.
    pub(super) fn meta(self) -> Result<ObjectMeta> {
        let size = self.length()?;
        self.meta_of(size)
    }

    /// How many bytes the answer has.
    pub(super) fn length(&self) -> Result<u64> {
        self.size.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| no("size"))
    }

    /// The object, which has `size` bytes in all.
    pub(super) fn meta_of(self, size: u64) -> Result<ObjectMeta> {
        let etag = etag(self.etag)?;
        let modified = self.modified.and_then(|time| SystemTime::try_from(time).ok());
        let mut meta = ObjectMeta::new(size, etag, modified.ok_or_else(|| no("time"))?);
        let mut told = self.metadata.unwrap_or_default();
        meta.token = stored::take_token_by(|name| told.remove(name));
        let mut metadata: Metadata = told.into_iter().collect();
        if meta.token.is_some() {
            metadata.values_mut().for_each(stored::decode);
        }
        let mut properties = Properties::default();
        properties.content_type = stored::content_type(self.content_type);
        properties.cache_control = self.cache_control;
        properties.content_disposition = self.content_disposition;
        properties.content_encoding = self.content_encoding;
        properties.metadata = metadata;
        meta.properties = properties.into();
        Ok(meta)
    }
}

/// The etag of an answer.
pub(super) fn etag(text: Option<String>) -> Result<Etag> {
    text.as_deref().map(Etag::new).ok_or_else(|| no("etag"))
}

fn no(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("S3's answer tells no {what} of the object"))
}

/// User metadata and token as headers.
pub(super) fn encode(properties: &Properties, token: Token) -> HashMap<String, String> {
    stored::encoded(properties, token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(metadata: &[(&str, &str)]) -> Told {
        Told {
            size: Some(3),
            etag: Some("\"e\"".to_owned()),
            modified: Some(DateTime::from_secs(7)),
            content_type: Some(stored::NO_TYPE.to_owned()),
            cache_control: None,
            content_disposition: None,
            content_encoding: None,
            content_language: None,
            expires: None,
            metadata: Some(metadata.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()),
        }
    }

    #[test]
    fn values_are_decoded_only_where_skyport_wrote_them() {
        let token = Token::new();
        let ours =
            told(&[("a", "%C3%BC%25"), (stored::TOKEN, &token.to_string())]).meta().expect("an object");
        assert_eq!((ours.token, &*ours.properties.metadata["a"]), (Some(token), "ü%"));
        assert_eq!(ours.properties.metadata.len(), 1, "the token is no user metadata");
        let foreign = told(&[("a", "%41"), (stored::TOKEN, "no token")]).meta().expect("an object");
        assert_eq!((foreign.token, &*foreign.properties.metadata["a"]), (None, "%41"));
    }

    #[test]
    fn an_object_without_a_content_type_is_read_without_one() {
        let meta = told(&[]).meta().expect("an object");
        assert_eq!((meta.properties.content_type.as_deref(), meta.etag.as_str()), (None, "e"));
    }

    #[test]
    fn an_answer_that_does_not_tell_enough_is_an_error() {
        let mut nameless = told(&[]);
        nameless.etag = None;
        assert_eq!(nameless.meta().expect_err("no etag").kind(), ErrorKind::Malformed);
        let mut negative = told(&[]);
        negative.size = Some(-1);
        assert_eq!(negative.meta().expect_err("no size").kind(), ErrorKind::Malformed);
    }
}
