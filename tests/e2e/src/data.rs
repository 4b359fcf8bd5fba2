//! A data folder, and what is in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport::Error;
use skyport::blob::Bucket;
use skyport::blob::port::Subscriber;
use skyport::local::{Local, LocalConfig};
use skyport::provider::{Provider, ResourceUrl};
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

    /// Opens it in this process, beside whatever else has it open.
    #[must_use]
    pub fn open(&self) -> Open {
        Open(Local::new(LocalConfig::new(self.path())))
    }
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

    /// A queue of this name.
    ///
    /// # Panics
    /// Where the provider refuses the name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Queue<serde_json::Value> {
        Queue::new(self.0.queue(&ResourceUrl::new("local", name), &QueueSettings::default()).expect("a name"))
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
