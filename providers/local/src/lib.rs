//! Skyport's embedded default: queues, tables and the index of blobs in SQLite, blobs' bytes in files.
//!
//! ```
//! # use skyport_core::provider::{Provider, ResourceKind};
//! # use skyport_local::{Local, LocalConfig};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> skyport_core::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! let local = Local::new(LocalConfig::new(folder.path()));
//! let url = "local://photos".parse()?;
//! local.create(&url, &ResourceKind::Bucket).await?;
//! let bucket = local.bucket(&url)?;
//! bucket.put("cat.jpg", "..".into(), Default::default()).await?;
//! assert_eq!(bucket.head("cat.jpg").await?.size, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # URLs
//! `local://name?data=/path&sync=normal`. `data` is the folder that holds everything, else [`LocalConfig::data`]; `sync` is
//! `normal` (what was answered survives a process that is killed) or `full` (a loss of power, too), else
//! [`LocalConfig::durability`]. All resources of one folder have the same `sync`.
//!
//! # The data folder
//! `skyport.db` (with `-wal` and `-shm` beside it) is the database; `blobs/<xx>/<id>` are contents, named by the index;
//! `tmp/` holds what is being written; `signing.key` signs URLs, which [`Provider::endpoint`] serves. Any number of processes on one machine may share the folder; one on a network
//! drive must not be shared, for SQLite's locks do not work there. Receivers in the same process wake at once, those
//! in others within about a tenth of a second.
//!
//! # Limits
//! The floors of the contract, with parts of 4 MiB and 100 messages a receive. Writes of one folder stand in one line and are committed together;
//! reads go beside them. A file that is damaged, another program's or a later version's is refused and left as it is; of a
//! large one (over 32 MiB) only the beginning is checked at the start.
//!
//! [`Provider::endpoint`]: skyport_core::provider::Provider::endpoint

mod blob;
mod collect;
mod config;
mod content;
mod db;
mod endpoint;
mod engine;
mod error;
mod folders;
mod kv;
mod lookups;
mod provision;
mod queue;
mod readers;
mod schema;
mod soon;
mod support;
mod wake;
mod writer;

pub use collect::Garbage;
pub use config::{Durability, LocalConfig};
pub use provision::Local;
