//! Blob Storage behind the port `BlobStore`: calls of our own where one is all that an operation makes, and the SDK's clients for blocks, copies
//! and containers. The SDK has no download as one stream and no listing with a delimiter, and a client of a blob costs it more to make than the
//! call itself.
//!
//! - A blob's write token is its metadata `skyport_w`; values of metadata that Skyport wrote are percent-encoded where they are
//!   not plain ASCII. What others wrote is told as it is.
//! - A blob without a content type is stored as [`NO_TYPE`](skyport_core::blob::stored::NO_TYPE), and that is read as none.
//! - Azure says in a code whether it is a blob or its container that is missing, also to a HEAD: nothing has to be asked for that.
//! - A read or a small write is one request; the last bytes of a blob, and a copy, are preceded by a HEAD.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::{Method, Request, Url};
use azure_storage_blob::{BlobClient, BlobClientOptions};
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::MessageQueue;

use crate::config::Connection;
use crate::provision::NAME;

mod copy;
mod delete;
#[cfg(feature = "events")]
mod events;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod list;
mod meta;
pub(crate) mod name;
mod order;
mod page_xml;
mod put;
mod read;
mod refused;
pub(crate) mod sign;
mod upload;
mod walk;

#[cfg(feature = "events")]
pub(crate) use events::Deliveries;

/// The version of the service that is spoken, which is the SDK's.
const VERSION: &str = "2026-04-06";

/// The most blocks of a blob.
const BLOCKS: u32 = 50_000;

/// A container of Blob Storage. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Container {
    connection: Arc<Connection>,
    info: Arc<BlobInfo>,
    /// Where its events are delivered.
    #[cfg(feature = "events")]
    deliveries: Option<Arc<Deliveries>>,
}

impl Container {
    /// Opens a container. No I/O.
    pub(crate) fn open(connection: Arc<Connection>, name: &str) -> Self {
        let mut info = BlobInfo::new(NAME, name);
        info.account = format!("{} {}", connection.endpoint(), connection.account());
        // Blocks of 8 MiB would end at 390 GiB; so every 5,000 of them they double, and the largest are far from Azure's limit of 4,000 MiB.
        info.limits.parts = BLOCKS;
        info.limits.parts_of_a_size = 5_000;
        info.limits.largest_part_bytes = 2 << 30;
        info.limits.object_bytes = u64::MAX;
        info.limits.object_bytes = info.limits.upload_bytes();
        // A copy within an account moves no bytes, whatever the size.
        info.limits.copy_bytes = info.limits.object_bytes;
        // Each is a request, 32 at once: so they are done within an attempt even where one takes half a second.
        info.limits.deletions = 500;
        info.capabilities = crate::support::blob(sign::is_possible(&connection), false);
        Self {
            connection,
            info: Arc::new(info),
            #[cfg(feature = "events")]
            deliveries: None,
        }
    }

    fn name(&self) -> &str {
        &self.info.resource
    }

    /// A call of our own.
    fn call(&self, method: Method, url: Url) -> Request {
        let mut request = Request::new(url, method);
        request.insert_header(HeaderName::from_static("x-ms-version"), HeaderValue::from_static(VERSION));
        request
    }

    /// A call about a blob in this container.
    fn call_of(&self, method: Method, key: &str) -> Result<Request> {
        Ok(self.call(method, name::of_blob(&self.connection, self.name(), key)?))
    }

    /// The SDK's client of a blob in this container.
    fn blob(&self, key: &str) -> Result<BlobClient> {
        self.blob_of(self.name(), key)
    }

    /// The SDK's client of a blob in any container of the account.
    fn blob_of(&self, container: &str, key: &str) -> Result<BlobClient> {
        let url = name::of_blob(&self.connection, container, key)?;
        let options =
            BlobClientOptions { client_options: self.connection.options(), ..BlobClientOptions::default() };
        BlobClient::new(url, None, Some(options)).map_err(crate::error::of_azure)
    }
}

#[async_trait]
impl BlobStore for Container {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        self.put_blob(key, body, options).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        Ok(Box::new(upload::Blocks::start(self, key, options).await?))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.read(key, options).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.look_at(self.name(), key).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        self.copy_blob(from, to, &options).await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        self.delete_blob(key, options.if_match.as_ref()).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        self.delete_all(keys).await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        self.page(&options).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        sign::sign(&self.connection, self.name(), key, self.info.clock, &options).await
    }

    #[cfg(feature = "events")]
    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        self.subscribe(subscriber).await
    }

    #[cfg(not(feature = "events"))]
    async fn events(&self, _: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        Err(skyport_core::Error::unsupported(
            "this program was built without the feature `azure-events`: add it to `skyport` in Cargo.toml",
        ))
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("container", &self.name())
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::provider::{Provider, ResourceUrl};

    #[test]
    fn the_version_is_that_of_the_sdk() {
        assert_eq!(super::VERSION, azure_storage_blob::BlobClientOptions::default().version);
    }

    #[test]
    fn fifty_thousand_blocks_are_each_one_that_azure_takes_and_little_beside_what_came_before() {
        let (account, account_key) = (Some("acc".to_owned()), Some("a2V5".to_owned()));
        let config = crate::AzureConfig { account, account_key, ..crate::AzureConfig::default() };
        let store = crate::Azure::with(config).bucket(&ResourceUrl::new("azblob", "bkt")).expect("opens");
        let limits = store.info().limits;
        assert_eq!((limits.parts, limits.object_bytes >> 40), (50_000, 29));
        let mut before = 0;
        for size in (0..limits.parts).map(|index| limits.part_size(index) as u64) {
            assert!(size <= 4_000 << 20 && size <= (8 << 20) + before / 5_000, "{size} after {before}");
            before += size;
        }
        assert_eq!(before, limits.object_bytes);
    }
}
