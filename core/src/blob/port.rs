//! The implementors' face of blob storage: [`BlobStore`], one options struct a method.
//!
//! Users never see this: they hold a [`Bucket`](super::Bucket), which validates keys and options, cuts streams into
//! parts, resumes broken downloads and names the operation in errors. A store may therefore rely on valid input.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::body::Body;
use crate::queue::port::MessageQueue;
use crate::sparse::{Empty, Sparse};
use crate::support::capabilities;
use crate::{Clock, Error, Result, Token};

mod etag;
mod limits;
mod object_key;

pub use etag::Etag;
pub use limits::BlobLimits;
pub use object_key::ObjectKey;

/// What a store is and what it can do; made once, when it is opened.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct BlobInfo {
    /// The provider's name in errors and spans: `"local"`, `"aws"`..
    pub provider: &'static str,
    /// The bucket's name as the provider knows it.
    pub resource: String,
    /// Names the account and place that the bucket lies in: between two buckets of one provider and one account,
    /// [`BlobStore::copy`] works. Opaque, and no secret; compared, never shown.
    pub account: String,
    /// What a layer puts before each key: with it a key is the one that the provider knows. Empty without such a layer.
    pub key_prefix: String,
    /// The clock by which signatures expire.
    pub clock: Clock,
    /// Sizes.
    pub limits: BlobLimits,
    /// What it can do, and how it comes by it.
    pub capabilities: BlobCapabilities,
}

impl BlobInfo {
    /// A store with the limits that the contract promises everywhere, and every capability, built.
    #[must_use]
    pub fn new(provider: &'static str, resource: impl Into<String>) -> Self {
        Self {
            provider,
            resource: resource.into(),
            account: String::new(),
            key_prefix: String::new(),
            clock: Clock::system(),
            limits: BlobLimits::default(),
            capabilities: BlobCapabilities::default(),
        }
    }
}

capabilities! {
    /// How a store comes by what it offers; what the contract promises everywhere stands first.
    pub struct BlobCapabilities;
    everywhere {
        /// `if_absent` and `if_match` on put, writer and copy.
        conditional_writes,
        /// `if_match` and `if_none_match` on get, `if_match` on the source of a copy.
        conditional_reads,
        /// `if_match` on delete.
        conditional_deletes,
        /// What became of a write whose answer was lost.
        lost_answers,
        /// Writing a stream of unknown length in bounded memory; visible once it is finished.
        streams,
        /// Copying without the bytes going through the program.
        copy,
        /// Deleting many objects.
        delete_many,
        /// Listing in the UTF-8 order of the keys.
        list_order,
        /// Listing what comes after a key.
        start_after,
        /// User metadata of any UTF-8.
        metadata,
    }
    where_told {
        /// Signed URLs, for clients without credentials.
        sign,
        /// Events of created and deleted objects, in a queue for each subscriber.
        events,
        /// `a` and `a/b` side by side.
        flat,
    }
}

/// What must hold for a write to be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// No object stands there. Else `AlreadyExists`.
    IfAbsent,
    /// The object there has this etag. Else `PreconditionFailed`, also where there is no object.
    IfMatch(Etag),
}

/// User metadata: names `[a-z][a-z0-9_]*`, values any UTF-8.
pub type Metadata = BTreeMap<String, String>;

/// What describes an object beside its bytes.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`: kept and told; the stored bytes are never decoded.
    pub content_encoding: Option<String>,
    /// User metadata.
    pub metadata: Metadata,
}

impl Empty for Properties {
    const EMPTY: &'static Self = &Self {
        content_type: None,
        cache_control: None,
        content_disposition: None,
        content_encoding: None,
        metadata: Metadata::new(),
    };
}

/// Options of [`BlobStore::put`] and [`BlobStore::start_upload`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// What must hold.
    pub condition: Condition,
    /// Content type, metadata..
    pub properties: Sparse<Properties>,
    /// Names this call; stored with the object (`skyport_w`), told by [`ObjectMeta::token`].
    pub token: Token,
}

/// What a finished write tells.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The etag of what was written.
    pub etag: Etag,
}

impl Written {
    /// What was written has this etag.
    #[must_use]
    pub fn new(etag: Etag) -> Self {
        Self { etag }
    }
}

/// An object without its bytes.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The whole object's size in bytes.
    pub size: u64,
    /// Names the content.
    pub etag: Etag,
    /// When it was written.
    pub modified: SystemTime,
    /// Content type, metadata..
    pub properties: Sparse<Properties>,
    /// The write that made it, where a Skyport write did.
    pub token: Option<Token>,
}

impl ObjectMeta {
    /// An object of this size, etag and time, with no properties.
    #[must_use]
    pub fn new(size: u64, etag: Etag, modified: SystemTime) -> Self {
        Self { size, etag, modified, properties: Sparse::default(), token: None }
    }
}

/// Which bytes of an object to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteRange {
    /// All of them.
    #[default]
    All,
    /// From an offset to before an end; `None` is the object's end. An end past the object's is held to it; a start
    /// past the object's end gives `InvalidArgument`, at the end exactly nothing.
    From(u64, Option<u64>),
    /// The last so many; all where the object is shorter.
    Last(u64),
}

impl ByteRange {
    /// The start and end (exclusive) within an object of `size` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` for a start past the object's end.
    pub fn resolve(self, size: u64) -> Result<(u64, u64)> {
        match self {
            Self::All => Ok((0, size)),
            Self::From(start, _) if start > size => {
                Err(Error::invalid(format!("the range starts at {start}, past the object's {size} bytes")))
            }
            Self::From(start, end) => Ok((start, end.unwrap_or(size).clamp(start, size))),
            Self::Last(n) => Ok((size.saturating_sub(n), size)),
        }
    }
}

/// Options of [`BlobStore::get`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Which bytes.
    pub range: ByteRange,
    /// Only this content: else `PreconditionFailed`.
    pub if_match: Option<Etag>,
    /// Only another content than this: else [`GetResult::NotModified`].
    pub if_none_match: Option<Etag>,
}

/// What [`BlobStore::get`] found.
#[non_exhaustive]
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // The large variant is the usual one: a box would cost every read.
pub enum GetResult {
    /// The object, and the bytes that were asked for.
    Found {
        /// The object. `size` is the whole object's.
        meta: ObjectMeta,
        /// Which bytes these are: start and end (exclusive).
        range: (u64, u64),
        /// The bytes. An error in the stream that `is_retryable` is resumed by [`Bucket`](super::Bucket).
        body: Body,
    },
    /// The content is the one named by `if_none_match`.
    NotModified,
}

/// Options of [`BlobStore::copy`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct CopyOptions {
    /// What must hold of the target.
    pub condition: Condition,
    /// The bucket that the source lies in, as the provider knows it: another one of the same
    /// [`account`](BlobInfo::account). The source's key is then the one that the provider knows, too: no layer changes it.
    /// `None` for this bucket.
    pub source_bucket: Option<String>,
    /// What the source must still be.
    pub source_if_match: Option<Etag>,
    /// Names this call, as in [`PutOptions`].
    pub token: Token,
}

/// Options of [`BlobStore::delete`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Only this content: else `PreconditionFailed`, also where there is no object.
    pub if_match: Option<Etag>,
}

/// Options of [`BlobStore::list`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys with this text after the prefix are told once, as a directory ending in it. Never empty.
    pub delimiter: Option<String>,
    /// Only entries (a directory counts as its name) after this, in UTF-8 byte order.
    pub start_after: Option<String>,
    /// At most so many entries; between 1 and [`BlobLimits::page_entries`].
    pub page_size: usize,
    /// Where the last page ended: [`ListPage::next`] of the same listing.
    pub token: Option<String>,
}

/// One page of a listing, in UTF-8 byte order.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// Objects and directories.
    pub entries: Vec<ListEntry>,
    /// Where the next page begins; `None` where there is no more. A page may be empty and have a next, and no page
    /// that has a next is followed by nothing but an empty last page, where the provider can avoid it.
    pub next: Option<String>,
}

/// An object or a directory in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListEntry {
    /// An object.
    Object {
        /// Its key, as it is.
        key: ObjectKey,
        /// Its size in bytes.
        size: u64,
        /// Its etag.
        etag: Etag,
        /// When it was written.
        modified: SystemTime,
    },
    /// All keys that begin so: the prefix up to and with the delimiter.
    Directory(ObjectKey),
}

impl ListEntry {
    /// The key, or the directory's name with its delimiter.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Object { key, .. } | Self::Directory(key) => key,
        }
    }

    /// Whether this is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }
}

/// What a signed URL permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignMethod {
    /// Reading.
    Get,
    /// Writing.
    Put,
    /// Deleting.
    Delete,
}

impl SignMethod {
    /// The HTTP method.
    #[must_use]
    pub fn as_http(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Put => http::Method::PUT,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// Options of [`BlobStore::sign`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SignOptions {
    /// What the URL permits.
    pub method: SignMethod,
    /// For how long, from now; at most [`BlobLimits::signed_for`].
    pub expires_in: Duration,
    /// A PUT must bring this content type.
    pub content_type: Option<String>,
    /// A PUT only creates.
    pub if_absent: bool,
}

impl SignOptions {
    /// Permits `method` for `expires_in`.
    #[must_use]
    pub fn new(method: SignMethod, expires_in: Duration) -> Self {
        Self { method, expires_in, content_type: None, if_absent: false }
    }
}

/// A request that anybody may make until it expires. The URL is a secret: Debug does not show its query.
#[non_exhaustive]
#[derive(Clone)]
pub struct SignedRequest {
    /// The method.
    pub method: http::Method,
    /// The whole URL.
    pub url: String,
    /// Headers that the client must send as they are.
    pub headers: http::HeaderMap,
    /// When it stops to work: the credential's end, where that comes sooner than what was asked.
    pub expires: SystemTime,
}

impl SignedRequest {
    /// A request with no headers to send.
    #[must_use]
    pub fn new(method: http::Method, url: String, expires: SystemTime) -> Self {
        Self { method, url, headers: http::HeaderMap::new(), expires }
    }
}

impl Debug for SignedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("url", &format_args!("{path}?<redacted>"))
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// A bucket of one provider.
///
/// Keys and options are valid when they arrive here; limits have been checked. Opening a store does no I/O: a missing
/// bucket is `NotFound` at first use, whatever the method. A `NotFound` for a missing object names its key
/// ([`Error::with_key`]), one for a missing bucket names none. Dropping a future never leaves half an object.
#[async_trait]
pub trait BlobStore: Debug + Send + Sync + 'static {
    /// What this store is and can do.
    fn info(&self) -> &BlobInfo;

    /// Writes a whole object, atomically: readers see all of the old or all of the new.
    ///
    /// # Errors
    /// `AlreadyExists` and `PreconditionFailed` as [`Condition`] says; `Conflict` where a rival write was in the way;
    /// `NotFound` for a missing bucket.
    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written>;

    /// Begins a write in parts. Nothing is visible until [`Upload::complete`]; the condition holds there.
    ///
    /// # Errors
    /// `NotFound` for a missing bucket; conditions may be refused here already, as in [`put`](Self::put).
    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>>;

    /// Reads an object, or a part of it. The stored bytes, never decoded.
    ///
    /// # Errors
    /// `NotFound` where there is none; `PreconditionFailed` as [`GetOptions::if_match`] says; `InvalidArgument` for a
    /// range that starts past the end.
    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult>;

    /// Tells of an object without reading it.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    async fn head(&self, key: &str) -> Result<ObjectMeta>;

    /// Copies an object with its properties, within the bucket or from another one of the account, atomically.
    ///
    /// # Errors
    /// `NotFound` for a missing source, and for a missing bucket, which it then names
    /// ([`Error::with_resource`]); conditions as in [`put`](Self::put); `PreconditionFailed` where the source is no longer
    /// the one named; `TooLarge` for a source over [`BlobLimits::copy_bytes`].
    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written>;

    /// Deletes an object; a missing one is Ok, unless a condition names an etag.
    ///
    /// # Errors
    /// `PreconditionFailed` as [`DeleteOptions`] says.
    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()>;

    /// Deletes any number of objects; one result a key, in order.
    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>>;

    /// One page of a listing.
    ///
    /// # Errors
    /// `InvalidArgument` for a token that is not of this listing; `NotFound` for a missing bucket.
    async fn list(&self, options: ListOptions) -> Result<ListPage>;

    /// Signs a request for a client without credentials.
    ///
    /// # Errors
    /// `Unsupported` where capabilities say so.
    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest>;

    /// A queue of [`BlobEvent`](crate::event::BlobEvent)s (as JSON) of this bucket for one subscriber, who gets each event that happens after the
    /// first call with this name, also those while it was away. Each subscriber has its own queue and its own position.
    ///
    /// # Errors
    /// `Unsupported` where the provider's events come by other ways.
    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>>;
}

/// Who listens to a bucket's events.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber {
    /// Names the subscription: the application and its function.
    pub name: String,
    /// Wants created (and overwritten) objects.
    pub created: bool,
    /// Wants deleted ones.
    pub deleted: bool,
    /// After so many attempts an event goes to the subscription's dead letters.
    pub max_attempts: u32,
}

impl Subscriber {
    /// A subscriber to nothing yet: say `created` or `deleted`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), created: false, deleted: false, max_attempts: 5 }
    }
}

/// A write in parts. Dropped without [`complete`](Self::complete) it is aborted in the background and leaves nothing.
#[async_trait]
pub trait Upload: Debug + Send + Sync {
    /// Uploads part `index` (from 0). All parts but the last have exactly [`BlobLimits::part_size`] of their index, the last has
    /// no more; up to [`BlobLimits::part_concurrency`] calls run at once; the same part may be sent again after a failure.
    ///
    /// # Errors
    /// `Conflict` where a rival ended this upload.
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()>;

    /// Makes the object of parts `0..parts` visible, if the condition holds.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    async fn complete(&self, parts: u32) -> Result<Written>;

    /// Gives up and removes what was uploaded.
    ///
    /// # Errors
    /// What the service says; the upload is then left to its clean-up rules.
    async fn abort(&self) -> Result<()>;
}
