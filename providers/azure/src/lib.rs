//! Skyport on Azure: Blob Storage, Queue Storage as queues, Table Storage as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_azure::Azure;
//! use skyport_core::provider::{Provider, ResourceUrl};
//!
//! let azure = Azure::new();
//! let photos: ResourceUrl = "azblob://my-photos?account=mystorage".parse()?;
//! let bucket = azure.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `azblob://container` | a container of Blob Storage |
//! | `azqueue://queue` | a queue of Queue Storage; its dead letters are in `<queue>-poison` |
//! | `aztable://table` | a table of Table Storage |
//!
//! Each takes `account` and `endpoint`; what they do not say comes from [`AzureConfig`], and then from the environment.
//!
//! # Account, endpoint, credentials
//! The account is that of the URL, of [`AzureConfig`], or of the environment: `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_ACCOUNT`,
//! and, on Azure Functions, `AzureWebJobsStorage`.
//!
//! # Buckets
//! - A bucket is a container, an object a block blob; those that others wrote are read whatever they are, and archived ones are `Unsupported`
//!   until they are brought back. Accounts with a hierarchical namespace are not flat: there `a` and `a/b` cannot stand side by side, and
//!   directories are listed among objects. Use an account without one.
//! - The calls are those of `azure_storage_blob`, but for two on the same pipeline: a download, which is one stream here, and a listing, to which
//!   the SDK has no delimiter.
//! - A small read or write is one request. A read of the last bytes, and a copy, are preceded by one, since Azure knows no ranges from
//!   the end, and a copy bears a token of its own. What is missing, the blob or its container, Azure says in a code.
//! - An etag is Azure's own, and new with every write, also with one that changes only properties. Every condition of the port is native.
//! - A writer, and a stream of over 8 MiB, go up as staged blocks, four at once, and are visible when their list is committed, under the
//!   condition. Blocks double every 5,000 from 8 MiB to 2 GiB, so that 50,000 of them hold 29 TiB. An upload that is given up
//!   leaves staged blocks, which nobody sees and which Azure drops after a week: no rule of the container is needed, but until then they are
//!   paid for. Any other write of the same blob takes the blocks from an upload: of two writers of one blob the later one gets a
//!   `Conflict` that no retry mends, and begins again. So it does where another program has staged blocks of the same blob with names of
//!   another length. That an upload begins is a HEAD of the blob, which tells what stands in its way before the stream is sent;
//!   whoever may write only is told at its end.
//! - A copy is Copy Blob, from any container of the account and of any size: within an account Azure moves no bytes, and has done it when it answers.
//!   Should it say that it is still at it, the copy is waited for within the 5 minutes that the layer `Retry` gives it; what is still being copied
//!   to is not read, but `Conflict`. A copy keeps content type and the like, metadata, and Azure's other properties; it has no tags.
//! - A listing is in the order of UTF-8, from any start, page by page of up to 1,000. Azure documents its own order as alphabetical: where
//!   that is the order of UTF-16, keys with letters beyond U+FFFF are put where they belong, by at most a few more requests on a page whose end
//!   falls among such keys.
//! - Keys are encoded letter by letter, so that those with `%`, `?`, `#` or `+` are what they are. Not to be said in a URL are the keys `.` and `..`:
//!   `InvalidArgument`. Azure lists a `\` in others' keys as `/`.
//! - `delete_many` sends single deletions, 32 at once, and 500 within one limit of time. Azure's batches carry out the same, one after
//!   the other, and have to be signed one by one. A deletion takes a blob's snapshots along. A blob that somebody holds a lease on is
//!   neither written nor deleted: `Conflict`.
//! - Values of metadata are stored percent-encoded where they are not plain ASCII, and an empty one as `%`, since Azure keeps none. An object without
//!   a content type is stored as `binary/octet-stream`, and read as having none. Beside a user's own metadata stands `skyport_w`, the
//!   write's token. Others' names of metadata are read in small letters.
//! - Times of writing are told in whole seconds.
//! - Events are `Unsupported`: Azure tells of blobs through Event Grid, whose subscriptions are made where the application is deployed, and call an
//!   Azure Function. No process can ask for them.
//! - Creating a container opens it to nobody. Removing one removes all that is in it; Azure takes about 40 seconds to clear it away, for which
//!   creating it again waits. A container that is there already is left as it is.
//! - What has to be permitted, by role, and in a SAS: `Storage Blob Data Reader` (`r`, `l`) to read and list, `Storage Blob Data Contributor` (`rlcwd`)
//!   for all the rest, containers included. A SAS for containers needs the types `sco`. Reading the source is enough for a copy's source.
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
mod http;
#[cfg(feature = "kv")]
mod kv;
mod provision;
#[cfg(feature = "queue")]
mod queue;

pub use config::{Azure, AzureConfig};
