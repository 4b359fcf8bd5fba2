//! Cloud Storage behind the port `BlobStore`, by calls of its JSON API; a download is one of its XML API, which alone tells a user's
//! metadata beside the bytes.
//!
//! - An object's etag is its generation, and every condition is one on generations.
//! - An object's write token is its metadata `skyport_w`. What others wrote is told as it is.
//! - An object without a content type is stored as [`NO_TYPE`](skyport_core::blob::stored::NO_TYPE), and that is read as none.
//! - A small read or write is one request; a read of what others wrote is followed by one for what headers cannot tell. What finds nothing is followed by one that tells whether the bucket is there,
//!   since Cloud Storage says only in words which of them is missing; a copy is preceded by a look at its source.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::MessageQueue;

use crate::config::Connection;
use crate::provision::NAME;
use call::Call;

pub(crate) mod call;
mod copy;
mod delete;
mod describe;
mod empty;
#[cfg(feature = "events")]
mod events;
mod list;
mod meta;
mod put;
mod read;
mod refused;
mod session;
mod sign;
mod upload;

/// The largest object.
const OBJECT_BYTES: u64 = 5 << 40;

/// The API's root, and that for writes with bytes.
pub(crate) const API: &str = "/storage/v1";
const UPLOADS: &str = "/upload/storage/v1";

/// A bucket of Cloud Storage. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gcs {
    connection: Arc<Connection>,
    info: Arc<BlobInfo>,
    /// When the bucket's agent was let publish, where that was here.
    #[cfg(feature = "events")]
    admitted: Arc<std::sync::OnceLock<std::time::Instant>>,
}

impl Gcs {
    /// Opens a bucket. No I/O.
    pub(crate) fn open(connection: Arc<Connection>, name: &str) -> Self {
        let mut info = BlobInfo::new(NAME, name);
        // Names of buckets are shared by all projects, and a copy needs no more than the rights to both.
        info.account = connection.endpoint().to_owned();
        // A session takes any number of parts, in their order.
        info.limits.part_concurrency = 1;
        info.limits.parts = u32::try_from(OBJECT_BYTES / info.limits.part_bytes as u64).unwrap_or(u32::MAX);
        info.limits.object_bytes = OBJECT_BYTES;
        // A copy within a place moves no bytes, whatever the size.
        info.limits.copy_bytes = OBJECT_BYTES;
        // Each is a request, 32 at once: so they are done within an attempt even where one takes half a second.
        info.limits.deletions = 500;
        info.capabilities = crate::support::blob();
        Self {
            connection,
            info: Arc::new(info),
            #[cfg(feature = "events")]
            admitted: Arc::default(),
        }
    }

    fn name(&self) -> &str {
        &self.info.resource
    }

    /// A call on a bucket.
    fn on_bucket<'c>(&'c self, method: Method, bucket: &str) -> Call<'c> {
        Call::new(&self.connection, method, API, &["b", bucket])
    }

    /// A call on an object.
    fn on_object<'c>(&'c self, method: Method, bucket: &str, key: &str) -> Call<'c> {
        Call::new(&self.connection, method, API, &["b", bucket, "o", key])
    }

    /// A write with bytes, or the start of one.
    fn uploads(&self, kind: &str) -> Call<'_> {
        let segments = ["b", self.name(), "o"];
        Call::new(&self.connection, Method::POST, UPLOADS, &segments).query("uploadType", kind)
    }
}

#[async_trait]
impl BlobStore for Gcs {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        self.put_object(key, body, &options).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        Ok(Box::new(upload::GcsUpload::start(self, key, options).await?))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.read(key, options).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.look_at(self.name(), key, &[]).await?.meta()
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        self.copy_object(from, to, &options).await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        self.delete_object(key, options.if_match.as_ref()).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        self.delete_all(keys.into_iter().map(delete::Doomed::from).collect()).await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        self.page(&options).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        self.presign(key, &options).await
    }

    #[cfg(feature = "events")]
    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        self.subscribe(subscriber).await
    }

    #[cfg(not(feature = "events"))]
    async fn events(&self, _: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        Err(skyport_core::Error::unsupported(
            "this program was built without the feature `gcp-events`: add it to `skyport` in Cargo.toml",
        ))
    }
}

impl fmt::Debug for Gcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcs")
            .field("bucket", &self.name())
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::provider::{Provider, ResourceUrl};

    use super::*;

    #[test]
    fn parts_hold_the_largest_object_and_each_is_one_that_a_session_takes() {
        let store = crate::Gcp::new().bucket(&ResourceUrl::new("gs", "bucket")).expect("opens");
        let limits = store.info().limits;
        assert_eq!(limits.upload_bytes(), OBJECT_BYTES);
        for index in [0, 1, limits.parts - 1] {
            assert_eq!(limits.part_size(index) % (256 << 10), 0);
        }
    }
}
