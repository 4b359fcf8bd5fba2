//! Reading: whole, ranges, conditions; and what is missing.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue, RANGE};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Response;
use serde_json::Value;
use skyport_core::blob::http_range::{RangeHeader, content_range};
use skyport_core::blob::port::{ByteRange, GetOptions, GetResult, ObjectMeta};
use skyport_core::refusal::Refusal;
use skyport_core::{Body, Error, ErrorKind, Result};
use tokio::time::timeout;

use super::call::{Call, Refused, malformed};
use super::meta::{self, FIELDS, Resource};
use super::refused::{self, as_refusal};
use super::{Gcs, NAME};
use crate::error;

/// How many bytes the object has, whatever part of it was asked for.
const STORED_LENGTH: HeaderName = HeaderName::from_static("x-goog-stored-content-length");

/// So long the next bytes of a download may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The condition that names one content, in the XML API.
pub(super) const IF_GENERATION_MATCH: HeaderName = HeaderName::from_static("x-goog-if-generation-match");

impl Gcs {
    /// As [`BlobStore::get`](skyport_core::blob::port::BlobStore::get) says.
    pub(super) async fn read(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        let range = match RangeHeader::of(options.range) {
            RangeHeader::None => None,
            RangeHeader::Value(text) => Some(text),
            RangeHeader::Unsayable => return self.read_nothing(key, &options).await,
        };
        if is_unsayable(key) {
            return Err(self.missing(self.name(), key, None).await);
        }
        if let Some(generation) = options.if_none_match.as_ref().and_then(refused::generation)
            && self.is_still(key, generation).await?
        {
            return Ok(GetResult::NotModified);
        }
        match self.download(key, &options, range).await {
            Ok(answer) => self.found(key, &options, answer).await,
            Err(refused) if refused.is(StatusCode::RANGE_NOT_SATISFIABLE) => {
                self.read_nothing(key, &options).await
            }
            Err(refused) => Err(self.not_read(self.name(), key, refused).await),
        }
    }

    /// A GET of the XML API: a download of the JSON API does not tell a user's metadata, and to ask for it beside would be to ask for
    /// another object, where that is written all the time.
    async fn download(
        &self,
        key: &str,
        options: &GetOptions,
        range: Option<String>,
    ) -> Result<Response, Refused> {
        // Else what is stored as gzip comes decoded, and a range of it whole.
        let mut get = Call::new(&self.connection, Method::GET, "", &[self.name(), key])
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(etag) = &options.if_match {
            get = get.header(IF_GENERATION_MATCH, value(refused::only(etag)?)?);
        }
        if let Some(range) = range {
            get = get.header(RANGE, value(range)?);
        }
        get.send().await
    }

    /// Whether the object is still this content. The XML API has no such condition.
    async fn is_still(&self, key: &str, generation: u64) -> Result<bool> {
        let condition = [("ifGenerationNotMatch", generation.to_string())];
        match self.seen(self.name(), key, &condition).await {
            Ok(_) => Ok(false),
            Err(refused) if refused.is(StatusCode::NOT_MODIFIED) => Ok(true),
            Err(refused) => Err(self.not_read(self.name(), key, refused).await),
        }
    }

    async fn found(&self, key: &str, options: &GetOptions, answer: Response) -> Result<GetResult> {
        let headers = answer.headers();
        let (range, size, length) = extent(headers)?;
        if length == 0 && size == 0 && options.range != ByteRange::All {
            // A range of nothing is told in odd ways.
            return self.read_nothing(key, options).await;
        }
        if range != options.range.resolve(size)? || range.1 - range.0 != length {
            return Err(odd());
        }
        let mut meta = meta::of_headers(headers, size)?;
        if options.if_none_match.as_ref() == Some(&meta.etag) {
            return Ok(GetResult::NotModified);
        }
        if !meta::is_told_by_headers(headers, &meta) {
            meta = self.of_others(key, meta).await?;
        }
        Ok(GetResult::Found { meta, range, body: stream(answer, length) })
    }

    /// What describes an object that others wrote: all of it, unless the object is gone since.
    async fn of_others(&self, key: &str, told: ObjectMeta) -> Result<ObjectMeta> {
        let only = [("ifGenerationMatch", told.etag.to_string())];
        match self.seen(self.name(), key, &only).await {
            Ok(resource) => resource.meta(),
            Err(refused) if refused.is(StatusCode::NOT_FOUND) => Ok(told),
            Err(refused) if refused.is(StatusCode::PRECONDITION_FAILED) => Ok(told),
            Err(refused) => Err(refused.error),
        }
    }

    /// A range that has no bytes, which HTTP cannot say or Cloud Storage refuses: the object's size tells what it is.
    async fn read_nothing(&self, key: &str, options: &GetOptions) -> Result<GetResult> {
        let conditions = conditions(options)?;
        let meta = match self.seen(self.name(), key, &conditions).await {
            Ok(resource) => resource.meta()?,
            Err(refused) if refused.is(StatusCode::NOT_MODIFIED) => return Ok(GetResult::NotModified),
            Err(refused) => return Err(self.not_read(self.name(), key, refused).await),
        };
        let range = options.range.resolve(meta.size)?;
        if range.0 < range.1 {
            return Err(replaced());
        }
        Ok(GetResult::Found { meta, range, body: Body::empty() })
    }

    /// An object of this or another bucket, without its bytes.
    pub(super) async fn look_at(
        &self,
        bucket: &str,
        key: &str,
        conditions: &[(&'static str, String)],
    ) -> Result<Resource> {
        match self.seen(bucket, key, conditions).await {
            Ok(resource) => Ok(resource),
            Err(refused) => Err(self.not_read(bucket, key, refused).await),
        }
    }

    async fn seen(
        &self,
        bucket: &str,
        key: &str,
        conditions: &[(&'static str, String)],
    ) -> Result<Resource, Refused> {
        if is_unsayable(key) {
            return Err(self.missing(bucket, key, None).await.into());
        }
        let mut get = self.on_object(Method::GET, bucket, key).query("fields", FIELDS);
        for (name, value) in conditions {
            get = get.query(name, value);
        }
        get.read().await
    }

    /// What a read failed with; where nothing is there, what of it is missing.
    pub(super) async fn not_read(&self, bucket: &str, key: &str, refused: Refused) -> Error {
        if refused.is(StatusCode::NOT_FOUND) {
            return self.missing(bucket, key, Some(refused.error)).await;
        }
        refused::reading(refused)
    }

    /// Either the object or its bucket: Cloud Storage tells them apart in words only, so it is asked for the bucket.
    async fn missing(&self, bucket: &str, key: &str, told: Option<Error>) -> Error {
        if let Err(error) = self.expect_bucket(bucket).await {
            return error;
        }
        let error = Error::from(Refusal::NoObject).with_provider(NAME).with_key(key);
        match told {
            Some(told) => error.with_source(told),
            None => error,
        }
    }

    /// An error where the bucket is not there, or nobody says whether it is. Whoever may not ask for it has it: of a missing one
    /// anybody is told.
    pub(super) async fn expect_bucket(&self, bucket: &str) -> Result<()> {
        match self.on_bucket(Method::GET, bucket).query("fields", "name").read::<Value>().await {
            Ok(_) => Ok(()),
            Err(refused) if refused.is(StatusCode::NOT_FOUND) => {
                Err(as_refusal(Refusal::NoBucket, refused.error))
            }
            Err(refused) if refused::is_denied(&refused.error) => Ok(()),
            // To ask changes nothing, whatever it is asked for.
            Err(refused) => Err(refused.error.with_ambiguous(false)),
        }
    }
}

/// A key that no URL can say, since it would be the way back. Cloud Storage has no objects of such names.
pub(super) fn is_unsayable(key: &str) -> bool {
    matches!(key, "." | "..")
}

/// The conditions of a read. Any content is another one than what no object has.
fn conditions(options: &GetOptions) -> Result<Vec<(&'static str, String)>> {
    let mut conditions = Vec::new();
    if let Some(etag) = &options.if_match {
        conditions.push(("ifGenerationMatch", refused::only(etag)?));
    }
    if let Some(generation) = options.if_none_match.as_ref().and_then(refused::generation) {
        conditions.push(("ifGenerationNotMatch", generation.to_string()));
    }
    Ok(conditions)
}

/// A header of letters and digits.
fn value(text: String) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(|error| Error::internal("it is no header").with_source(error))
}

/// Which bytes a download has, of how many there are, and how many it has.
fn extent(headers: &HeaderMap) -> Result<((u64, u64), u64, u64)> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: HeaderName| text(name).and_then(|text| text.parse::<u64>().ok());
    // Without it the bytes were made anew on the way.
    let length =
        number(CONTENT_LENGTH).ok_or_else(|| malformed("Cloud Storage tells no length of a download"))?;
    let (range, size) = match text(CONTENT_RANGE) {
        Some(text) => content_range(text).ok_or_else(odd)?,
        None => ((0, length), length),
    };
    if number(STORED_LENGTH).is_some_and(|stored| stored != size) {
        return Err(odd());
    }
    Ok((range, size, length))
}

fn odd() -> Error {
    malformed("Cloud Storage answered with other bytes than were asked for")
}

fn replaced() -> Error {
    let text = "the object was replaced while it was read: read it again";
    Error::new(ErrorKind::Conflict, text).with_provider(NAME)
}

/// The bytes as they arrive. Where none do for long, that is told, so that the rest can be asked for on another connection.
fn stream(answer: Response, length: u64) -> Body {
    if length == 0 {
        return Body::empty();
    }
    let chunks = stream::unfold(Some(answer.bytes_stream()), |chunks| async {
        let mut chunks = chunks?;
        match timeout(PATIENCE, chunks.next()).await {
            Ok(chunk) => Some((chunk?.map_err(error::unanswered), Some(chunks))),
            Err(_) => Some((Err(stalled()), None)),
        }
    });
    Body::from_stream(chunks).with_len(length)
}

fn stalled() -> Error {
    let text = format!("no byte of the download came for {} seconds", PATIENCE.as_secs());
    Error::new(ErrorKind::Timeout, text).with_provider(NAME)
}
