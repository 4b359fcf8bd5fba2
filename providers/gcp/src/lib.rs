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
