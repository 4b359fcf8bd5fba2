//! S3 behind the port `BlobStore`.
//!
//! - An object's write token is its metadata `skyport_w`; values of metadata that Skyport wrote are percent-encoded where they are
//!   not plain ASCII. What others wrote is told as it is.
//! - An object without a content type is stored as [`NO_TYPE`](skyport_core::blob::stored::NO_TYPE), S3's own default, and that is read as none.
//! - A small read or write is one request. A HEAD that finds nothing is followed by one that tells whether the bucket is
//!   there, since S3 gives such an answer no body; a copy is preceded by a HEAD of its source.
//! - Uploads are verified by the hash of their bytes that is part of each request's signature: the SDK's checksums on
//!   top of it are off.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::MessageQueue;

use crate::config::Connection;
use crate::provision::NAME;
use key::send_on;
use meta::describe;

mod copy;
mod delete;
mod empty;
#[cfg(feature = "events")]
mod events;
mod key;
mod list;
mod meta;
mod read;
mod refused;
mod sign;
mod upload;

/// The largest object.
const OBJECT_BYTES: u64 = 5 << 40;

/// A bucket of S3. Cheap to clone.
#[derive(Clone)]
pub(crate) struct S3 {
    connection: Arc<Connection>,
    info: Arc<BlobInfo>,
    signer: Arc<sign::Signer>,
}

impl S3 {
    /// Opens a bucket. No I/O.
    pub(crate) fn open(connection: Arc<Connection>, name: &str) -> Self {
        let mut info = BlobInfo::new(NAME, name);
        info.account = connection.account();
        // S3 takes 10,000 parts of at most 5 GiB: those of 8 MiB would end at 78 GiB.
        info.limits.parts_of_a_size = 1_000;
        info.limits.largest_part_bytes = 2 << 30;
        info.limits.object_bytes = OBJECT_BYTES;
        info.capabilities = crate::support::blob();
        Self { connection, info: Arc::new(info), signer: Arc::default() }
    }

    async fn client(&self) -> &aws_sdk_s3::Client {
        self.connection.s3().await
    }

    fn name(&self) -> &str {
        &self.info.resource
    }

    async fn put_object(&self, key: &str, body: Bytes, options: &PutOptions) -> Result<Written> {
        let put = self.client().await.put_object().bucket(self.name());
        let put = describe!(put, &options.properties, options.token)
            .set_if_match(refused::if_match(&options.condition))
            .set_if_none_match(refused::if_none_match(&options.condition))
            .body(ByteStream::from(body));
        let sent = send_on!(key, put);
        let output = sent.map_err(|error| refused::writing(error, &options.condition))?;
        Ok(Written::new(meta::etag(output.e_tag)?))
    }
}

#[async_trait]
impl BlobStore for S3 {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        self.put_object(key, body, &options).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        Ok(Box::new(upload::S3Upload::start(self, key, options).await?))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.read(key, options).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.look_at(self.name(), key).await?.meta()
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
            "this program was built without the feature `aws-events`: add it to `skyport` in Cargo.toml",
        ))
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
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
    fn ten_thousand_parts_hold_the_largest_object_and_each_is_one_that_s3_takes() {
        let config =
            crate::AwsConfig { region: Some("eu-central-1".to_owned()), ..crate::AwsConfig::default() };
        let store = crate::Aws::with(config).bucket(&ResourceUrl::new("s3", "b")).expect("opens");
        let limits = store.info().limits;
        assert_eq!((limits.parts, limits.upload_bytes()), (10_000, OBJECT_BYTES));
        let sizes = (0..limits.parts).map(|index| limits.part_size(index) as u64);
        assert!(sizes.clone().all(|size| (5 << 20..=5 << 30).contains(&size)));
        // What a part takes of memory is little beside the object it is a part of.
        let mut before = 0;
        for size in sizes {
            assert!(size <= (8 << 20) + before / 1_000, "{size} after {before}");
            before += size;
        }
    }
}
