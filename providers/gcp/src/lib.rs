//! Skyport on Google Cloud: Cloud Storage as blob storage, Pub/Sub as queues, Firestore as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_core::provider::{Provider, ResourceUrl};
//! use skyport_gcp::Gcp;
//!
//! let gcp = Gcp::new();
//! let photos: ResourceUrl = "gs://my-photos".parse()?;
//! let bucket = gcp.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `gs://bucket` | a bucket of Cloud Storage |
//! | `pubsub://topic?subscription=name` | a topic of Pub/Sub, sent to, and a subscription, received from; without the parameter, the one that is called like the topic |
//! | `firestore://project/collection` or `firestore://collection` | a collection of Firestore, in the database `(default)` unless `database` names another |
//!
//! Each takes `project` and `endpoint`; what they do not say comes from [`GcpConfig`], and then from the environment as for
//! every tool of Google's. `location` says where what [`create`](skyport_core::provider::Provider::create) makes is to be.
//!
//! # Project, endpoint, credentials
//! The project is that of the URL, of [`GcpConfig`], of `GOOGLE_CLOUD_PROJECT`, of the credentials' file, or, on Cloud Run, of the
//! metadata server. `STORAGE_EMULATOR_HOST`, `PUBSUB_EMULATOR_HOST` and `FIRESTORE_EMULATOR_HOST` are obeyed; an endpoint
//! without TLS gets no credentials. Credentials are Application Default Credentials: the file of `GOOGLE_APPLICATION_CREDENTIALS` (a key, an
//! impersonation, a workload's identity), that of `gcloud auth application-default login`, or the metadata server.
//!
//! # Connections
//! Opening does no I/O. Clients are made at their first use. TLS is rustls with ring, and with the roots that come
//! with the program.
//!
//! # Tables
//! A table is a collection of Firestore in Native mode, and an item the document `{collection}/{partition}/{collection}_items/{sort}`. The two
//! ids of documents are `=` and the key, with `/`, `%` and control characters in percent encoding; what stands for a partition is
//! not there itself. An item has the fields `k`, the sort key, by which it is ordered; `v`, the value, an integer where
//! it is one of 64 bits in JSON, and bytes otherwise; `w`, which names its last write; `exp`, a timestamp, where it expires; and
//! `i`, where it is a counter. Others may read them; who writes there, too, gives an item all that it needs.
//!
//! - Firestore has no tables. [`create`](skyport_core::provider::Provider::create) writes the document `{collection}/skyport`, which stands for the table, sets a time to live on
//!   `exp`, and takes the indexes of `v`, `w`, `i` and `exp` away, for the items' collection group `{collection}_items`. The database has to be there. The
//!   first use of an opened table looks for that document, a read together with what it reads anyway; where it is missing, that
//!   is `NotFound`.
//! - A read, a write, and a transaction without checks are one request each, and take no locks: a version tells Firestore's time of the
//!   write, which Firestore compares. What fails a condition costs a read more, to tell which. A transaction with checks reads
//!   them in a transaction of Firestore's. An increment is a read and a write.
//! - A value has up to 1,000 KiB. Firestore sustains one write a second of one document, and more for a while; a write that
//!   others are in the way of for 5 seconds is a `Conflict`.
//! - Firestore deletes what has expired within a day, and charges each as a deletion. `sweep` only makes sure that it does; where it does
//!   not, as on the emulator, it looks for what has expired and deletes it.
//! - Removing a table deletes document by document, and gives the settings of its fields back.
//! - What has to be permitted: `datastore.databases.get`, `datastore.entities.get`, `list`, `create`, `update` and `delete`, all in the role
//!   `roles/datastore.user`; `sweep` needs `datastore.indexes.get`, `create` and `remove` `datastore.indexes.update`, too, both in
//!   `roles/datastore.indexAdmin`.
//!
//! # Retries
//! The layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a write whose answer was lost has been
//! applied. Without that layer a call is tried once.

#[cfg(feature = "blob")]
mod blob;
mod config;
mod error;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "kv")]
mod kv;
mod provision;
#[cfg(feature = "queue")]
mod queue;

pub use config::{Gcp, GcpConfig};
