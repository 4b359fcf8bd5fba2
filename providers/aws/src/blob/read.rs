//! Reading: whole, ranges, conditions; and what is missing.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use skyport_core::blob::http_range::{RangeHeader, content_range};
use skyport_core::blob::port::{GetOptions, GetResult};
use skyport_core::refusal::Refusal;
use skyport_core::{Body, Error, ErrorKind, Result};

use super::key::send_on;
use super::meta::{Told, told};
use super::refused::{self, Failed};
use super::{NAME, S3};
use crate::error;

/// An object of at most so many bytes is waited for, and handed over without a stream around it.
const SMALL: u64 = 64 << 10;

impl S3 {
    /// As [`BlobStore::get`](skyport_core::blob::port::BlobStore::get) says.
    pub(super) async fn read(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        let range = match RangeHeader::of(options.range) {
            RangeHeader::None => None,
            RangeHeader::Value(text) => Some(text),
            RangeHeader::Unsayable => return self.read_nothing(key, &options).await,
        };
        let get = self.client().await.get_object().bucket(self.name());
        let get = get
            .set_range(range)
            .set_if_match(options.if_match.as_ref().map(refused::quoted))
            .set_if_none_match(options.if_none_match.as_ref().map(refused::quoted));
        let output = match send_on!(key, get) {
            Ok(output) => output,
            Err(error) => {
                return match refused::status(&error) {
                    Some(304) => Ok(GetResult::NotModified),
                    Some(416) => self.read_nothing(key, &options).await,
                    _ => Err(refused::reading(error, key)),
                };
            }
        };
        let told_range = output.content_range;
        let body = output.body;
        let told = told!(output);
        let length = told.length()?;
        let (range, size) = match told_range.as_deref() {
            Some(text) => match content_range(text) {
                Some(parsed) => parsed,
                // The last bytes of nothing are told in odd ways.
                None if length == 0 => return self.read_nothing(key, &options).await,
                None => return Err(odd()),
            },
            None => ((0, length), length),
        };
        if range != options.range.resolve(size)? || range.1 - range.0 != length {
            return Err(odd());
        }
        Ok(GetResult::Found { meta: told.meta_of(size)?, range, body: bytes_of(body, length).await })
    }

    /// A range that has no bytes, which HTTP cannot say or S3 refuses: the object's size tells what it is.
    async fn read_nothing(&self, key: &str, options: &GetOptions) -> Result<GetResult> {
        let head = self.client().await.head_object().bucket(self.name());
        let head = head
            .set_if_match(options.if_match.as_ref().map(refused::quoted))
            .set_if_none_match(options.if_none_match.as_ref().map(refused::quoted));
        let meta = match send_on!(key, head) {
            Ok(output) => told!(output).meta()?,
            Err(error) if refused::status(&error) == Some(304) => return Ok(GetResult::NotModified),
            Err(error) => return Err(self.not_seen(self.name(), key, error).await),
        };
        let range = options.range.resolve(meta.size)?;
        if range.0 < range.1 {
            let text = "the object was replaced while a range of it was asked for: read it again";
            return Err(Error::new(ErrorKind::Conflict, text).with_provider(NAME));
        }
        Ok(GetResult::Found { meta, range, body: Body::empty() })
    }

    /// HEAD of an object in this or another bucket.
    pub(super) async fn look_at(&self, bucket: &str, key: &str) -> Result<Told> {
        let head = self.client().await.head_object().bucket(bucket);
        match send_on!(key, head) {
            Ok(output) => Ok(told!(output)),
            Err(error) => Err(self.not_seen(bucket, key, error).await),
        }
    }

    /// What a HEAD failed with. Its answer has no body: whether it is the bucket that is missing is asked for.
    async fn not_seen(&self, bucket: &str, key: &str, error: Failed<HeadObjectError>) -> Error {
        let missing = refused::status(&error) == Some(404);
        let told = refused::reading(error, key);
        if !missing {
            return told;
        }
        let asked = Box::pin(self.client().await.head_bucket().bucket(bucket).send()).await;
        match asked {
            Err(error) if refused::status(&error) == Some(404) => {
                refused::as_refusal(Refusal::NoBucket, error::of(error))
            }
            // Nobody answered: then nobody knows which of them is missing.
            Err(error) if !matches!(error, SdkError::ServiceError(_)) => error::of(error),
            _ => refused::as_refusal(Refusal::NoObject, told).with_key(key),
        }
    }
}

fn odd() -> Error {
    Error::new(ErrorKind::Malformed, "S3 answered with another range than was asked for").with_provider(NAME)
}

/// The bytes: those of a small object at once, where they came in one piece, and others as they arrive.
async fn bytes_of(mut body: ByteStream, length: u64) -> Body {
    if length > SMALL {
        return Body::from_stream(rest(body)).with_len(length);
    }
    match body.next().await {
        None if length == 0 => Body::empty(),
        Some(Ok(all)) if all.len() as u64 == length => Body::from(all),
        first => {
            let first = stream::iter(first.map(|first| first.map_err(broke_off)));
            Body::from_stream(first.chain(rest(body))).with_len(length)
        }
    }
}

fn rest(body: ByteStream) -> impl Stream<Item = Result<Bytes>> {
    stream::try_unfold(body, |mut body| async move {
        let chunk = body.try_next().await.map_err(broke_off)?;
        Ok(chunk.map(|chunk| (chunk, body)))
    })
}

fn broke_off(error: aws_sdk_s3::primitives::ByteStreamError) -> Error {
    Error::new(ErrorKind::Unavailable, "the download from S3 broke off")
        .with_provider(NAME)
        .with_source(error)
}
