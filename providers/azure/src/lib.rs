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
#[cfg(any(feature = "blob", feature = "queue", feature = "kv"))]
mod support;

pub use config::{Azure, AzureConfig};
