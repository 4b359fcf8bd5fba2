//! Reading an object.

use std::collections::Bound;
use std::future::IntoFuture;
use std::ops::RangeBounds;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::port::{ByteRange, Etag, GetOptions, GetResult, Metadata, ObjectMeta};
use super::ranges::{self, GetInRanges};
use super::reader::BodyReader;
use super::resume;
use crate::body::Body;
use crate::{Error, ErrorKind, Result};

pub(super) const OPERATION: &str = "blob.get";
/// What `bytes()` and `text()` read at most, unless told otherwise.
const DEFAULT_LIMIT: usize = 256 << 20;

/// A read that happens when it is awaited; made by [`Bucket::get`].
///
/// Awaited, it gives an [`Object`] whose bytes are still to be read; [`bytes`](Self::bytes) and [`text`](Self::text)
/// read them at once.
///
/// # Errors
/// When awaited: `NotFound` where there is no such object; `PreconditionFailed` where `if_match` names another content;
/// `InvalidArgument` for a range that starts past the object's end, or ends before it starts.
#[must_use = "nothing is read until this is awaited"]
#[derive(Clone, Debug)]
pub struct Get<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) key: &'a str,
    pub(super) options: GetOptions,
    pub(super) limit: usize,
    backwards: bool,
}

impl<'a> Get<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str) -> Self {
        Self { bucket, key, options: GetOptions::default(), limit: DEFAULT_LIMIT, backwards: false }
    }

    /// Only these bytes: `0..100`, `100..`, `..=9`. An end past the object's is held to it.
    pub fn range(mut self, range: impl RangeBounds<u64>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => Some(last.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        self.backwards = end.is_some_and(|end| end < start);
        self.options.range =
            if start == 0 && end.is_none() { ByteRange::All } else { ByteRange::From(start, end) };
        self
    }

    /// Only the last `n` bytes; all where the object is shorter.
    pub fn last(mut self, n: u64) -> Self {
        self.backwards = false;
        self.options.range = ByteRange::Last(n);
        self
    }

    /// Only this content: else `PreconditionFailed`.
    pub fn if_match(mut self, etag: &Etag) -> Self {
        self.options.if_match = Some(etag.clone());
        self
    }

    /// Only another content than this: awaited, it gives `None` where the content is still the same.
    pub fn if_none_match(mut self, etag: &Etag) -> GetIfChanged<'a> {
        self.options.if_none_match = Some(etag.clone());
        GetIfChanged(self)
    }

    /// What [`bytes`](Self::bytes) and [`text`](Self::text) read at most; 256 MiB by default. A larger object gives
    /// `TooLarge`, before its bytes are read.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Reads in ranges of `limits().part_bytes`, so many at once (at most 64), each by a request of its own.
    ///
    /// Worth it for large objects where a single connection is slower than your network and your processors: S3 and its like give each
    /// some 50 to 100 MB a second. So many ranges are in memory at most. A range costs a request more, and a few of them too many where the reader
    /// stops early. All are of one content: where the object changes meanwhile, reading fails with `Conflict`, or `PreconditionFailed` with
    /// [`if_match`](Self::if_match). The end of an object ([`last`](Self::last)) is always read by one request, and so is what is no longer than
    /// a range.
    ///
    /// The first range is asked for when this is awaited, the others once its bytes are read, by tasks of tokio's runtime.
    ///
    /// ```
    /// # use skyport_core::blob::Bucket;
    /// # async fn f(backups: Bucket) -> skyport_core::Result<()> {
    /// let backup = backups.get("monday.tar").concurrency(4).await?;
    /// let mut bytes = backup.into_reader();
    /// # tokio::io::copy(&mut bytes, &mut tokio::io::sink()).await.ok();
    /// # Ok(()) }
    /// ```
    pub fn concurrency(self, ranges: usize) -> GetInRanges<'a> {
        GetInRanges { get: self, at_once: ranges.clamp(1, ranges::MOST) }
    }

    /// The object's bytes in memory.
    ///
    /// # Errors
    /// As awaiting it; `TooLarge` over [`limit`](Self::limit); `Conflict` where a broken download could not be resumed
    /// because the object changed meanwhile.
    pub async fn bytes(self) -> Result<Bytes> {
        let (bucket, key, limit) = (self.bucket, self.key, self.limit);
        let conditional = self.options.if_match.is_some();
        let span = operation_span!("blob.get", bucket, key);
        // What was found is looked at where it lies: moved on as a whole it would cost more than the read.
        let result = match self.ask().instrument(span).await {
            Ok(GetResult::Found { meta, range, body }) => {
                match resume::guard(
                    resume::Target { bucket, key, etag: &meta.etag, conditional },
                    range,
                    body,
                ) {
                    Ok(body) => collect(range, body, limit).await,
                    Err(error) => Err(error),
                }
            }
            Ok(GetResult::NotModified) => Err(unchanged()),
            Err(error) => Err(error),
        };
        bucket.named(OPERATION, key, result)
    }

    /// The object's text in memory.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); `Malformed` where it is not UTF-8.
    pub async fn text(self) -> Result<String> {
        self.object().await?.text().await
    }

    async fn object(self) -> Result<Object> {
        let (bucket, key, limit) = (self.bucket, self.key, self.limit);
        Ok(Object::new(bucket, key, limit, self.found().await?))
    }

    async fn found(self) -> Result<Found> {
        let (bucket, key) = (self.bucket, self.key);
        let found = self.find().await?;
        bucket.named(OPERATION, key, found.ok_or_else(unchanged))
    }

    async fn find(self) -> Result<Option<Found>> {
        let (bucket, key) = (self.bucket, self.key);
        let span = operation_span!("blob.get", bucket, key);
        bucket.named(OPERATION, key, self.run().instrument(span).await)
    }

    async fn ask(self) -> Result<GetResult> {
        key::check_read(self.key)?;
        if self.backwards {
            return Err(Error::invalid("the range ends before it starts"));
        }
        self.bucket.port().get(self.key, self.options).await
    }

    pub(super) async fn run(self) -> Result<Option<Found>> {
        let (bucket, key, conditional) = (self.bucket, self.key, self.options.if_match.is_some());
        match self.ask().await? {
            GetResult::NotModified => Ok(None),
            GetResult::Found { meta, range, body } => {
                let target = resume::Target { bucket, key, etag: &meta.etag, conditional };
                let body = resume::guard(target, range, body)?;
                Ok(Some((meta, range, body)))
            }
        }
    }
}

impl<'a> IntoFuture for Get<'a> {
    type Output = Result<Object>;
    type IntoFuture = BoxFuture<'a, Result<Object>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.object())
    }
}

/// A read that gives `None` where the object is still the one named; made by [`Get::if_none_match`].
///
/// # Errors
/// When awaited: as [`Get`].
#[must_use = "nothing is read until this is awaited"]
#[derive(Clone, Debug)]
pub struct GetIfChanged<'a>(Get<'a>);

impl<'a> IntoFuture for GetIfChanged<'a> {
    type Output = Result<Option<Object>>;
    type IntoFuture = BoxFuture<'a, Result<Option<Object>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (bucket, key, limit) = (self.0.bucket, self.0.key, self.0.limit);
            let found = self.0.find().await?;
            Ok(found.map(|found| Object::new(bucket, key, limit, found)))
        })
    }
}

/// An object, which bytes of it were asked for, and those bytes.
pub(super) type Found = (ObjectMeta, (u64, u64), Body);

pub(super) fn unchanged() -> Error {
    Error::internal("the provider said that nothing changed, although nothing was compared")
}

/// The bytes in memory, if there are no more than `limit`.
async fn collect(range: (u64, u64), body: Body, limit: usize) -> Result<Bytes> {
    let length = range.1 - range.0;
    if usize::try_from(length).is_ok_and(|length| length <= limit) {
        return body.collect(limit).await;
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "{length} bytes are more than the limit of {limit}; read them as a stream, or raise the limit"
        ),
    ))
}

/// An object that was found, its bytes still to be read.
#[derive(Debug)]
pub struct Object {
    meta: ObjectMeta,
    range: (u64, u64),
    body: Body,
    limit: usize,
    origin: Origin,
}

/// For the errors of reading on.
#[derive(Debug)]
struct Origin {
    bucket: Bucket,
    key: String,
}

impl Object {
    pub(super) fn new(bucket: &Bucket, key: &str, limit: usize, (meta, range, body): Found) -> Self {
        let origin = Origin { bucket: bucket.clone(), key: key.to_owned() };
        Self { meta, range, body, limit, origin }
    }

    /// All that is known of the object.
    #[must_use]
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// The whole object's size in bytes, also where only a range of it is read.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// Names the content.
    #[must_use]
    pub fn etag(&self) -> &Etag {
        &self.meta.etag
    }

    /// When it was written.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        self.meta.modified
    }

    /// `Content-Type`, where one was given.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.meta.properties.content_type.as_deref()
    }

    /// User metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.meta.properties.metadata
    }

    /// Which bytes are to be read: start and end (exclusive).
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        self.range
    }

    /// The bytes in memory.
    ///
    /// # Errors
    /// As [`Get::bytes`].
    pub async fn bytes(self) -> Result<Bytes> {
        let result = collect(self.range, self.body, self.limit).await;
        self.origin.bucket.named(OPERATION, &self.origin.key, result)
    }

    /// The text in memory.
    ///
    /// # Errors
    /// As [`Get::text`].
    pub async fn text(mut self) -> Result<String> {
        let origin = Origin { bucket: self.origin.bucket.clone(), key: std::mem::take(&mut self.origin.key) };
        let read = match self.bytes().await {
            Ok(bytes) => String::from_utf8(bytes.into()).map_err(|error| {
                Error::new(ErrorKind::Malformed, "the object is not UTF-8").with_source(error)
            }),
            Err(error) => Err(error),
        };
        origin.bucket.named(OPERATION, &origin.key, read)
    }

    /// The bytes as a stream (and an `http_body::Body`) that knows its length; also the body of another put.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// What is known of the object, and its bytes.
    #[must_use]
    pub fn into_parts(self) -> (ObjectMeta, Body) {
        (self.meta, self.body)
    }

    /// The bytes through `AsyncRead` and `AsyncBufRead`.
    #[must_use]
    pub fn into_reader(self) -> BodyReader {
        BodyReader::new(self.body)
    }
}
