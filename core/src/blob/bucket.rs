//! The handle that users hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use super::copy::{Copy, Delete};
use super::get::Get;
use super::key;
use super::list::List;
use super::port::{BlobCapabilities, BlobInfo, BlobLimits, BlobStore, ObjectMeta, SignMethod};
use super::put::Put;
use super::sign::{Sign, SignPut};
use super::writer::OpenWriter;
use crate::body::Body;
use crate::{Error, ErrorKind, Result};

/// A bucket: any number of objects, each with a key, bytes and properties. Cheap to clone; clones are the same bucket.
///
/// Methods give builders that do their work when awaited. Keys that are written must be 1 to 1,024 bytes of UTF-8
/// without control characters and backslashes, in at most 254 segments between `/`, none of them empty, `.`, `..` or
/// ending in `.`; any key that others wrote can be read, listed, copied from and deleted.
///
/// Errors name provider, operation, bucket and key. A `NotFound` that names no key says that the bucket itself is
/// missing.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn BlobStore>,
}

/// A span of one operation. The key is only in it where debug output is wanted: keys may be personal.
macro_rules! operation_span {
    ($name:literal, $bucket:expr, $key:expr) => {{
        let info = $bucket.info();
        let span = tracing::info_span!(
            $name,
            provider = info.provider,
            resource = info.resource.as_str(),
            key = tracing::field::Empty
        );
        if tracing::enabled!(tracing::Level::DEBUG) {
            span.record("key", $key);
        }
        span
    }};
}
pub(super) use operation_span;

impl Bucket {
    /// The bucket that `store` serves; no I/O.
    #[must_use]
    pub fn new(store: Arc<dyn BlobStore>) -> Self {
        Self { store }
    }

    /// The implementor's face of this bucket.
    #[must_use]
    pub fn port(&self) -> &Arc<dyn BlobStore> {
        &self.store
    }

    /// The provider's name, the bucket's name, limits and capabilities.
    #[must_use]
    pub fn info(&self) -> &BlobInfo {
        self.store.info()
    }

    /// The bucket's name as the provider knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.info().resource
    }

    /// Sizes that this bucket keeps to.
    #[must_use]
    pub fn limits(&self) -> &BlobLimits {
        &self.info().limits
    }

    /// What this bucket can do, and how its provider comes by it.
    #[must_use]
    pub fn capabilities(&self) -> &BlobCapabilities {
        &self.info().capabilities
    }

    /// Writes an object: bytes, or a stream of any length. Readers see all of the old object or all of the new one.
    ///
    /// A stream goes out in parts; memory is bounded by part size x concurrency, see [`limits`](Self::limits). If its
    /// source fails, nothing becomes visible. What it may fail with stands at [`Put`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
    /// # use skyport_core::blob::Bucket;
    /// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    /// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "photos"));
    /// # memory.create(&url, &ResourceKind::Bucket).await?;
    /// # let photos = Bucket::new(memory.bucket(&url)?);
    /// use skyport_core::ErrorKind;
    ///
    /// let written = photos.put("cat.jpg", "meow").content_type("image/jpeg").if_absent().await?;
    /// let again = photos.put("cat.jpg", "purr").if_absent().await;
    /// assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    /// photos.put("cat.jpg", "purr").if_match(&written.etag).await?;
    /// # Ok(()) }
    /// ```
    pub fn put<'a>(&'a self, key: &'a str, body: impl Into<Body>) -> Put<'a> {
        Put::new(self, key, body.into())
    }

    /// A [`Writer`](super::Writer) into an object, for code that writes to `AsyncWrite`. Only its `finish()` makes the
    /// object visible.
    pub fn writer<'a>(&'a self, key: &'a str) -> OpenWriter<'a> {
        OpenWriter::new(self, key)
    }

    /// Reads an object, or a part of it. What it may fail with stands at [`Get`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
    /// # use skyport_core::blob::Bucket;
    /// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    /// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "photos"));
    /// # memory.create(&url, &ResourceKind::Bucket).await?;
    /// # let photos = Bucket::new(memory.bucket(&url)?);
    /// photos.put("cat.txt", "meow and purr").await?;
    /// assert_eq!(photos.get("cat.txt").text().await?, "meow and purr");
    /// assert_eq!(photos.get("cat.txt").range(..4).bytes().await?, "meow");
    ///
    /// let object = photos.get("cat.txt").await?; // its bytes are still to be read
    /// assert_eq!(object.size(), 13);
    /// photos.put("copy.txt", object.into_body()).await?;
    /// # Ok(()) }
    /// ```
    pub fn get<'a>(&'a self, key: &'a str) -> Get<'a> {
        Get::new(self, key)
    }

    /// Tells of an object without reading it.
    ///
    /// # Errors
    /// `NotFound` where there is none; `InvalidArgument` for an empty or overlong key.
    pub async fn head(&self, key: &str) -> Result<ObjectMeta> {
        let span = operation_span!("blob.head", self, key);
        let result = async {
            key::check_read(key)?;
            self.store.head(key).await
        };
        self.named("blob.head", key, result.instrument(span).await)
    }

    /// Whether there is such an object.
    ///
    /// # Errors
    /// As [`head`](Self::head), but `NotFound` only for a missing bucket.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound && error.key().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Copies an object with its properties within this bucket, up to `limits().copy_bytes`, atomically.
    pub fn copy<'a>(&'a self, from: &'a str, to: &'a str) -> Copy<'a> {
        Copy::new(self, None, from, to)
    }

    /// Copies an object of another bucket with its properties into this one, within the service: as
    /// [`copy`](Self::copy). Both buckets must be of one provider and one account.
    ///
    /// ```no_run
    /// # use skyport_core::blob::Bucket;
    /// # async fn f(inbox: Bucket, archive: Bucket) -> skyport_core::Result<()> {
    /// archive.copy_from(&inbox, "scan.pdf", "2026/scan.pdf").if_absent().await?;
    /// # Ok(()) }
    /// ```
    pub fn copy_from<'a>(&'a self, source: &'a Bucket, from: &'a str, to: &'a str) -> Copy<'a> {
        Copy::new(self, Some(source), from, to)
    }

    /// Deletes an object; a missing one is Ok.
    pub fn delete<'a>(&'a self, key: &'a str) -> Delete<'a> {
        Delete::new(self, key)
    }

    /// Deletes any number of objects: one result a key, in order. A missing object is Ok.
    pub async fn delete_many<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) -> Vec<Result<()>> {
        const OPERATION: &str = "blob.delete_many";
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        let mut results: Vec<Result<()>> = keys.iter().map(|key| key::check_read(key)).collect();
        let valid: Vec<usize> = (0..keys.len()).filter(|&at| results[at].is_ok()).collect();
        if !valid.is_empty() {
            let span = operation_span!("blob.delete_many", self, "");
            let wanted = valid.iter().map(|&at| keys[at].clone()).collect();
            let mut answers = self.store.delete_many(wanted).instrument(span).await.into_iter();
            for at in valid {
                results[at] = answers
                    .next()
                    .unwrap_or_else(|| Err(Error::internal("the provider gave fewer results than keys")));
            }
        }
        let named = results.into_iter().zip(&keys);
        named.map(|(result, key)| self.named(OPERATION, key, result)).collect()
    }

    /// Lists objects in UTF-8 byte order of their keys.
    pub fn list(&self) -> List<'_> {
        List::new(self)
    }

    /// Signs a URL that reads an object, for a client without credentials.
    pub fn sign_get<'a>(&'a self, key: &'a str, expires_in: Duration) -> Sign<'a> {
        Sign::new(self, key, SignMethod::Get, expires_in)
    }

    /// Signs a URL that writes an object.
    pub fn sign_put<'a>(&'a self, key: &'a str, expires_in: Duration) -> SignPut<'a> {
        SignPut::new(self, key, expires_in)
    }

    /// Signs a URL that deletes an object.
    pub fn sign_delete<'a>(&'a self, key: &'a str, expires_in: Duration) -> Sign<'a> {
        Sign::new(self, key, SignMethod::Delete, expires_in)
    }

    /// Adds to an error what it was about. A `NotFound` names a key only where the provider does: without one it is the
    /// bucket that is missing.
    pub(super) fn named<T>(&self, operation: &'static str, key: &str, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let info = self.info();
            let error =
                error.with_provider(info.provider).with_operation(operation).with_resource(&info.resource);
            if key.is_empty() || error.kind() == ErrorKind::NotFound { error } else { error.with_key(key) }
        })
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info();
        write!(f, "Bucket({}://{})", info.provider, info.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::layers::{Layer, Retry};
    use crate::retry::RetryPolicy;

    #[tokio::test(start_paused = true)]
    async fn a_large_deletion_is_made_in_pieces_that_the_service_gets_done_in_time() {
        for (deletions, done) in [(500, true), (4_000, false)] {
            let store = Scripted::new(0, Vec::new()).with_limits(|limits| limits.deletions = deletions);
            let bucket = Bucket::new(Retry::new(RetryPolicy::default()).blob(Arc::new(store)));
            let ended = bucket.delete_many((0..1_200).map(|number| format!("k{number}"))).await;
            assert_eq!(ended.len(), 1_200);
            assert_eq!(ended.iter().all(Result::is_ok), done, "{deletions} at once");
        }
    }
}
