//! A data folder, and what is in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use skyport::Error;
use skyport::blob::Bucket;
use skyport::blob::port::Subscriber;
use skyport::kv::Table;
use skyport::local::{Local, LocalConfig};
use skyport::provider::{Provider, ResourceUrl, TableSettings};
use skyport::queue::port::{MessageQueue, OutMessage, QueueSettings};
use skyport::queue::{Delivery, Queue};
use tempfile::TempDir;

use crate::program;

/// A data folder for one test; goes with it.
#[derive(Debug)]
pub struct Data(TempDir);

impl Default for Data {
    fn default() -> Self {
        Self::new()
    }
}

impl Data {
    /// An empty one.
    ///
    /// # Panics
    /// Where the disk has no room.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::new_in(program::scratch()).expect("a temporary folder"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Asserts that the database is sound, and that there are as many files as objects: after the collector has come by, which finds nothing that a
    /// living process would still want.
    ///
    /// # Panics
    /// Where something is wrong.
    pub async fn assert_sound(&self, objects: usize) {
        let local = Local::new(LocalConfig::new(self.path()));
        // The folder is known to it once something in it is named.
        drop(local.bucket(&ResourceUrl::new("local", "any")).expect("a name"));
        local.collect_garbage(Duration::ZERO).await.expect("collected");
        drop(local);
        let database = Connection::open(self.path().join("skyport.db")).expect("the database");
        let told: String =
            database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
        assert_eq!(told, "ok");
        let named: usize =
            database.query_row("SELECT COUNT(*) FROM objects", [], |row| row.get(0)).expect("counted");
        assert_eq!(
            (named, files(&self.path().join("blobs")), files(&self.path().join("tmp"))),
            (objects, objects, 0)
        );
    }

    /// Opens it in this process, beside whatever else has it open.
    #[must_use]
    pub fn open(&self) -> Open {
        Open(Local::new(LocalConfig::new(self.path())))
    }
}

/// How many files are in a folder and those below it.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

/// A data folder as this process sees it.
#[derive(Debug)]
pub struct Open(Local);

impl Open {
    /// A bucket of this name.
    ///
    /// # Panics
    /// Where the provider refuses the name.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Bucket {
        Bucket::new(self.0.bucket(&ResourceUrl::new("local", name)).expect("a name"))
    }

    /// The keys of a bucket, up to 10,000.
    ///
    /// # Panics
    /// Where it cannot be listed.
    pub async fn keys(&self, bucket: &str) -> BTreeSet<String> {
        let entries = self.bucket(bucket).list().collect(10_000).await.expect("a listing");
        entries.iter().map(|entry| entry.key().to_owned()).collect()
    }

    /// A queue of this name.
    ///
    /// # Panics
    /// Where the provider refuses the name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Queue<serde_json::Value> {
        Queue::new(self.0.queue(&ResourceUrl::new("local", name), &QueueSettings::default()).expect("a name"))
    }

    /// A table of this name.
    ///
    /// # Panics
    /// Where the provider refuses the name.
    #[must_use]
    pub fn table<T>(&self, name: &str) -> Table<T> {
        let settings = TableSettings::default();
        Table::new(self.0.table(&ResourceUrl::new("local", name), &settings).expect("a name"))
    }

    /// How many messages wait in a queue, are being worked on, or are held back.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn waiting(&self, queue: &str) -> Result<u64, Error> {
        Ok(self.queue(queue).depth().await?.total())
    }

    /// How many events of a bucket wait for an application's function.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn events_waiting(&self, bucket: &str, subscriber: Subscriber) -> Result<u64, Error> {
        let events: Arc<dyn MessageQueue> = self.bucket(bucket).port().events(&subscriber).await?;
        Ok(events.depth().await?.total())
    }

    /// All dead letters of a queue; they are taken out.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn take_dead_letters(&self, queue: &str) -> Result<Vec<Delivery<serde_json::Value>>, Error> {
        let dead = self.queue(queue).dead_letters()?;
        let mut all = Vec::new();
        loop {
            let some = dead.receive(10, Duration::ZERO, Duration::from_secs(60)).await?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(some);
        }
    }

    /// Sends bytes as they are, as another program would.
    ///
    /// # Panics
    /// Where they cannot be sent.
    pub async fn send_foreign(&self, queue: &str, body: impl Into<Bytes>) {
        let sent = self.queue(queue).port().send(vec![OutMessage::new(body)]).await;
        sent.into_iter().for_each(|sent| {
            sent.expect("sent");
        });
    }
}
