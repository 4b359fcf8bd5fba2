//! Writing an object from bytes or a stream.

use std::future::{IntoFuture, poll_fn};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::options::{condition_methods, property_methods};
use super::parts::Parts;
use super::port::{BlobLimits, PutOptions, Written};
use super::upload::Uploading;
use crate::body::Body;
use crate::{Error, ErrorKind, Result};

/// A write that happens when it is awaited; made by [`Bucket::put`].
///
/// # Errors
/// When awaited: `AlreadyExists` and `PreconditionFailed` as the condition says; `Conflict` where a rival write was in
/// the way (start again from the source); `InvalidArgument` and `TooLarge` for what is over a limit, before any I/O
/// where the length is known; what the source of the body failed with. In all of these nothing has become visible.
/// `Indeterminate` where the answer was lost and the truth cannot be known.
#[must_use = "nothing is written until this is awaited"]
#[derive(Debug)]
pub struct Put<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    body: Body,
    options: PutOptions,
}

impl<'a> Put<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str, body: Body) -> Self {
        let options = PutOptions::default();
        Self { bucket, key, body, options }
    }

    condition_methods!(options.condition);
    property_methods!();
}

/// What can be known before anything is sent.
fn check(key: &str, len: Option<u64>, options: &PutOptions, limits: &BlobLimits) -> Result<()> {
    key::check_written(key, limits)?;
    key::check_properties(&options.properties, limits)?;
    check_size(len.unwrap_or(0), limits)
}

/// Writes what does not fit in one part, or may not.
async fn in_parts(bucket: &Bucket, key: &str, body: Body, options: PutOptions) -> Result<Written> {
    let limits = bucket.limits();
    check(key, body.known_len(), &options, limits)?;
    let mut parts = Parts::new(body, limits);
    let first = next_part(&mut parts).await?.unwrap_or_default();
    if poll_fn(|cx| parts.poll_at_end(cx)).await.map_err(refused)? {
        return bucket.port().put(key, first, options).await;
    }
    let upload = bucket.port().start_upload(key, options).await?;
    let mut uploading = Uploading::new(upload, limits);
    match send_all(&mut uploading, first, &mut parts, limits).await {
        Ok(()) => uploading.complete().await,
        Err(error) => {
            uploading.give_up().await;
            Err(error)
        }
    }
}

impl<'a> IntoFuture for Put<'a> {
    type Output = Result<Written>;
    type IntoFuture = BoxFuture<'a, Result<Written>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { bucket, key, body, options } = self;
        let span = operation_span!("blob.put", bucket, key);
        let body = match body.try_into_bytes() {
            // A future of its own: a large one, of which this needs little, would cost more than what it does.
            Ok(bytes) if bytes.len() <= bucket.limits().part_bytes => {
                let work = async move {
                    let result = match check(key, Some(bytes.len() as u64), &options, bucket.limits()) {
                        Ok(()) => bucket.port().put(key, bytes, options).await,
                        Err(error) => Err(error),
                    };
                    bucket.named("blob.put", key, result)
                };
                return Box::pin(work.instrument(span));
            }
            Ok(bytes) => Body::from(bytes),
            Err(stream) => stream,
        };
        let work = async move { bucket.named("blob.put", key, in_parts(bucket, key, body, options).await) };
        Box::pin(work.instrument(span))
    }
}

pub(super) fn check_size(size: u64, limits: &BlobLimits) -> Result<()> {
    let max = limits.upload_bytes();
    if size > max {
        return Err(Error::new(ErrorKind::TooLarge, format!("an object has at most {max} bytes")));
    }
    Ok(())
}

/// The source failed: whatever its error says, nothing was written.
fn refused(error: Error) -> Error {
    error.with_ambiguous(false)
}

async fn next_part(parts: &mut Parts) -> Result<Option<Bytes>> {
    poll_fn(|cx| parts.poll_part(cx)).await.map_err(refused)
}

async fn send_all(
    uploading: &mut Uploading,
    first: Bytes,
    parts: &mut Parts,
    limits: &BlobLimits,
) -> Result<()> {
    let mut size = first.len() as u64;
    uploading.push(first)?;
    while let Some(part) = poll_fn(|cx| poll_next(uploading, parts, cx)).await? {
        size += part.len() as u64;
        check_size(size, limits)?;
        uploading.push(part)?;
    }
    Ok(())
}

/// The next part, while those in flight move on.
fn poll_next(
    uploading: &mut Uploading,
    parts: &mut Parts,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>>> {
    uploading.poll_progress(cx)?;
    ready!(uploading.poll_room(cx))?;
    parts.poll_part(cx).map_err(refused)
}
