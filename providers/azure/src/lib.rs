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
//! # Tables
//! A table is one of Table Storage in a storage account, and an item the entity with the PartitionKey of its partition and the RowKey of its sort
//! key, in letters that Azure takes everywhere and orders as UTF-8 is ordered: letters, digits and `-` as they are, `/` as `._`, `.` as `..`, `_`
//! as `__`, and so on. Before a sort key stands `:`. An entity has the properties `v0`, `v1` and on, the value in parts of 64 KiB, or
//! `c`, an Int64, where it is an integer of 64 bits in JSON; `w`, which names its last write; `exp`, in milliseconds, where it expires; `b`, when it was put;
//! and `i`, where it is a counter. Others may read them; who writes there, too, gives an item all that it needs.
//!
//! - Azure's names of tables have 3 to 63 letters and digits. `-` becomes `qzd`, `_` `qzu` and `.` `qzp`: `photos-catalogue` is the table
//!   `photosqzdcatalogue`. `qzn` comes before a digit at the beginning, and `qz` itself becomes `qzq`, so that no two names become one. Every
//!   other name is left as it is. Azure knows no case in them.
//! - A read, a write, a transaction of writes and a page are one request each. A version tells the etag, which Azure compares, and the token of
//!   the write. What fails a condition costs reads more, to tell which. An increment is a read and a write; those of one counter that wait for each
//!   other in one process go together, up to sixteen in one write.
//! - Azure has no operation that only checks. A check that an item is as it was notes in it which version it has, so that it keeps it though
//!   its etag moves; one that there is none makes a row that is absent to all, and deletes it afterwards.
//! - A value has up to 704 KiB, so that the entity stays under Azure's 1 MiB also in base64.
//! - With a `reverse_index`, each item has a second row, without a value, whose RowKey begins with `~` and sorts backwards; it is written in the same
//!   transaction. A page that is read backwards costs two requests, and one for each item. A transaction of more rows than Azure's hundred leaves a row
//!   first that names its items (`@`), until theirs are made. Every program that writes the table has to declare it alike.
//!   [`create`](skyport_core::provider::Provider::create) makes the second rows that are missing, where the table was there before.
//! - Nothing deletes what has expired but a write over it and [`sweep`](skyport_core::kv::port::KeyValueStore::sweep), which looks through the whole
//!   table. It also finishes what a killed process left.
//! - A put forgets which increments a counter has had. One that is repeated, because its answer was lost, and finds such a put since it began, is
//!   `Indeterminate`.
//! - The name of a table that was removed is free again after 40 seconds or more; `create` waits for up to a minute. A table that is missing is
//!   `NotFound` at its first use.
//! - Cosmos DB for Table does not keep rows in order: its endpoints are refused as `Unsupported`, and another service that does not is `Malformed` at
//!   the first query that shows it.
//! - What has to be permitted: the role `Storage Table Data Contributor`, or `Storage Table Data Reader` to read alone; a shared access signature needs
//!   `raud` on entities (`srt=o`) and for `create` and `remove` also `c` and `d` on tables (`srt=c`).
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
