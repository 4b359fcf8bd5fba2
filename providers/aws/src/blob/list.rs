//! Listing.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;
use skyport_core::blob::port::{Etag, ListEntry, ListOptions, ListPage, ObjectKey};
use skyport_core::seek::Listing;
use skyport_core::{Error, ErrorKind, Result};

use super::{NAME, S3};
use crate::error;

impl S3 {
    /// A page goes on after the last entry told rather than by S3's own token, which does not tell what listing it is of.
    pub(super) async fn page(&self, options: &ListOptions) -> Result<ListPage> {
        let listing = Listing::of(self.name(), options)?;
        let Some(after) = listing.start_past(self.info.limits.key_bytes) else {
            return Ok(listing.page(Vec::new(), false));
        };
        let list = self.client().await.list_objects_v2().bucket(self.name());
        let list = list
            .encoding_type(EncodingType::Url)
            .set_prefix(Some(options.prefix.clone()).filter(|prefix| !prefix.is_empty()))
            .set_delimiter(options.delimiter.clone().filter(|delimiter| !delimiter.is_empty()))
            .set_start_after(Some(after).filter(|after| !after.is_empty()))
            .max_keys(i32::try_from(listing.size()).unwrap_or(i32::MAX));
        let output = list.send().await.map_err(error::of)?;
        let more = output.is_truncated.unwrap_or(false);
        let entries = entries(output)?;
        if more && entries.is_empty() {
            return Err(malformed("S3 says that a listing goes on, after a page with nothing on it"));
        }
        Ok(listing.page(entries, more))
    }
}

/// Objects and directories in one order; S3 tells each for itself.
fn entries(output: ListObjectsV2Output) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::with_capacity(output.contents().len() + output.common_prefixes().len());
    let encoding = output.encoding_type.as_ref();
    for object in output.contents.unwrap_or_default() {
        let key = object.key.as_deref().ok_or_else(|| malformed("S3 lists an object without a key"))?;
        let incomplete = || malformed("S3 lists an object without its size, etag or time");
        entries.push(ListEntry::Object {
            key: ObjectKey::new(decode(key, encoding)?),
            size: object.size.and_then(|size| u64::try_from(size).ok()).ok_or_else(incomplete)?,
            etag: object.e_tag.as_deref().map(Etag::new).ok_or_else(incomplete)?,
            modified: object
                .last_modified
                .and_then(|time| SystemTime::try_from(time).ok())
                .ok_or_else(incomplete)?,
        });
    }
    let objects = entries.len();
    for directory in output.common_prefixes.unwrap_or_default() {
        let name = directory.prefix.as_deref();
        let name = name.ok_or_else(|| malformed("S3 lists a directory without a name"))?;
        entries.push(ListEntry::Directory(ObjectKey::new(decode(name, encoding)?)));
    }
    if objects > 0 && objects < entries.len() {
        entries.sort_by(|a, b| a.key().cmp(b.key()));
    }
    Ok(entries)
}

/// A key as it is, from the form in which XML can carry any, where the answer says that it has it.
pub(super) fn decode<'t>(text: &'t str, encoding: Option<&EncodingType>) -> Result<Cow<'t, str>> {
    let is_plain = encoding != Some(&EncodingType::Url) || !text.contains(['+', '%']);
    if is_plain {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8();
    let key = key.map_err(|error| malformed("S3 lists a key that is not UTF-8").with_source(error))?;
    Ok(Cow::Owned(key.into_owned()))
}

fn malformed(text: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_key_is_decoded() {
        for (text, key) in [("a+b%2Bc", "a b+c"), ("%C3%A9/%25", "é/%"), ("plain/x", "plain/x")] {
            assert_eq!(decode(text, Some(&EncodingType::Url)).expect("a key"), key);
            assert_eq!(decode(text, None).expect("a key"), text);
        }
        assert_eq!(
            decode("%ff", Some(&EncodingType::Url)).expect_err("not UTF-8").kind(),
            ErrorKind::Malformed
        );
    }
}
