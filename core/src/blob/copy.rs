//! Copying and deleting.

use std::fmt;
use std::future::{IntoFuture, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::options::condition_methods;
use super::port::{CopyOptions, DeleteOptions, Etag, Written};
use crate::{Error, Result};

/// A copy that happens when it is awaited; made by [`Bucket::copy`] and [`Bucket::copy_from`].
///
/// # Errors
/// When awaited: `NotFound` for a missing source; `Unsupported` for a bucket of another provider or account, before any I/O; `AlreadyExists`, `PreconditionFailed` and `Conflict` as for
/// [`Put`](super::Put); `PreconditionFailed` where the source is no longer the one named; `TooLarge` over
/// `limits().copy_bytes`. An error names the target's key, a `NotFound` the source's.
#[must_use = "nothing is copied until this is awaited"]
#[derive(Debug)]
pub struct Copy<'a> {
    bucket: &'a Bucket,
    /// The bucket that the source lies in, where that is another.
    source: Option<&'a Bucket>,
    from: &'a str,
    to: &'a str,
    options: CopyOptions,
}

impl<'a> Copy<'a> {
    pub(super) fn new(bucket: &'a Bucket, source: Option<&'a Bucket>, from: &'a str, to: &'a str) -> Self {
        let options = CopyOptions::default();
        Self { bucket, source, from, to, options }
    }

    condition_methods!(options.condition);

    /// Only while the source has this etag: else `PreconditionFailed`.
    pub fn source_if_match(mut self, etag: &Etag) -> Self {
        self.options.source_if_match = Some(etag.clone());
        self
    }

    async fn run(mut self) -> Result<Written> {
        key::check_read(self.from)?;
        key::check_written(self.to, self.bucket.limits())?;
        let port = self.bucket.port();
        let Some(source) = self.source else {
            return port.copy(self.from, self.to, self.options).await;
        };
        let (from, to) = (source.info(), self.bucket.info());
        if (from.provider, &from.account) != (to.provider, &to.account) {
            return Err(Error::unsupported(
                "a copy stays within one account of one provider; between others, get the object and put its body",
            ));
        }
        let key = format!("{}{}", from.key_prefix, self.from);
        self.options.source_bucket = Some(from.resource.clone());
        port.copy(&key, self.to, self.options).await
    }
}

impl<'a> IntoFuture for Copy<'a> {
    type Output = Result<Written>;
    type IntoFuture = BoxFuture<'a, Result<Written>>;

    fn into_future(self) -> Self::IntoFuture {
        let (bucket, to) = (self.bucket, self.to);
        let span = operation_span!("blob.copy", bucket, to);
        Box::pin(async move { bucket.named("blob.copy", to, self.run().instrument(span).await) })
    }
}

/// A deletion that happens when it is awaited; made by [`Bucket::delete`].
///
/// # Errors
/// When awaited: `PreconditionFailed` where a condition names another etag, or the object is missing;
/// `Indeterminate` where the answer of a conditional deletion was lost.
#[must_use = "nothing is deleted until this is awaited"]
#[derive(Debug)]
pub struct Delete<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    options: DeleteOptions,
}

impl<'a> Delete<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str) -> Self {
        let options = DeleteOptions::default();
        Self { bucket, key, options }
    }

    /// Only the object with this etag: else `PreconditionFailed`, also where there is none.
    pub fn if_match(mut self, etag: &Etag) -> Self {
        self.options.if_match = Some(etag.clone());
        self
    }
}

impl<'a> IntoFuture for Delete<'a> {
    type Output = Result<()>;
    type IntoFuture = Deleting<'a>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { bucket, key, options } = self;
        let span = operation_span!("blob.delete", bucket, key);
        let work = match key::check_read(key) {
            Ok(()) => bucket.port().delete(key, options),
            Err(error) => Box::pin(ready(Err(error))),
        };
        Deleting { bucket, key, work: work.instrument(span) }
    }
}

/// A deletion under way; what awaiting a [`Delete`] polls. A type of its own, for to box what the port has boxed already would cost
/// as much as many a deletion.
#[must_use = "nothing is deleted until this is awaited"]
pub struct Deleting<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    work: Instrumented<BoxFuture<'a, Result<()>>>,
}

impl Future for Deleting<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.work).poll(cx));
        Poll::Ready(self.bucket.named("blob.delete", self.key, result))
    }
}

impl fmt::Debug for Deleting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deleting").field("bucket", self.bucket).finish_non_exhaustive()
    }
}
