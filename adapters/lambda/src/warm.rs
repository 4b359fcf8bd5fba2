//! Connections are made before they are needed: beside the first event, or before it where Lambda starts the process ahead of
//! time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use skyport_core::app::{Declaration, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::{Key, KeyValueStore};
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{ErrorKind, Result};

/// What is asked for and is not there: the answer does not matter, the connection does.
const NOTHING: &str = "skyport-warm-up";

/// The longest time for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The opened resources of an application.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    buckets: Vec<Arc<dyn BlobStore>>,
    queues: Vec<Arc<dyn MessageQueue>>,
    tables: Vec<Arc<dyn KeyValueStore>>,
}

impl Ports {
    /// Makes one cheap call to each service that the resources are on. Whether it succeeds does not matter: by then names are
    /// resolved, certificates are loaded, credentials are there and the connection is open.
    pub(crate) async fn warm(self) {
        let mut calls: Vec<BoxFuture<'_, (&'static str, Result<()>)>> = Vec::new();
        let mut services = HashSet::new();
        for bucket in self.buckets {
            let provider = bucket.info().provider;
            if services.insert((provider, "blob")) {
                calls.push(Box::pin(async move { (provider, bucket.head(NOTHING).await.map(drop)) }));
            }
        }
        for queue in self.queues {
            let provider = queue.info().provider;
            if services.insert((provider, "queue")) {
                calls.push(Box::pin(async move { (provider, queue.depth().await.map(drop)) }));
            }
        }
        for table in self.tables {
            let provider = table.info().provider;
            if services.insert((provider, "kv")) {
                let key = Key::new(NOTHING, "");
                calls.push(Box::pin(async move { (provider, table.get(&key).await.map(drop)) }));
            }
        }
        match tokio::time::timeout(PATIENCE, join_all(calls)).await {
            Err(_) => {
                tracing::warn!("connections could not be made ahead of time: the services are slow to answer")
            }
            Ok(answers) => answers.into_iter().for_each(|(provider, answer)| note(provider, answer)),
        }
    }
}

fn note(provider: &str, answer: Result<()>) {
    match answer {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            tracing::warn!(provider, %error, "a connection could not be made ahead of time");
        }
        _ => tracing::debug!(provider, "a connection was made ahead of time"),
    }
}

/// An opener that remembers what it opened: for [`LambdaConfig::ports`](crate::LambdaConfig::ports).
///
/// ```
/// # fn example<R: skyport_core::app::Resources>(
/// #     app: skyport_core::app::App<R>, opener: &dyn skyport_core::app::Opener,
/// # ) -> skyport_core::Result<()> {
/// let remembering = skyport_lambda::Remembering::new(opener);
/// let (functions, _) = app.bind(&remembering)?;
/// let mut config = skyport_lambda::LambdaConfig::default();
/// config.ports = remembering.into_ports();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Remembering<'o> {
    opener: Shown<'o>,
    ports: Mutex<Ports>,
}

struct Shown<'o>(&'o dyn Opener);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener")
    }
}

impl<'o> Remembering<'o> {
    /// Opens with `opener`.
    #[must_use]
    pub fn new(opener: &'o dyn Opener) -> Self {
        Self { opener: Shown(opener), ports: Mutex::default() }
    }

    /// What was opened.
    #[must_use]
    pub fn into_ports(self) -> Ports {
        self.ports.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, put: impl FnOnce(&mut Ports)) {
        put(&mut self.ports.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Opener for Remembering<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        let bucket = self.opener.0.bucket(declaration)?;
        self.remember(|ports| ports.buckets.push(Arc::clone(&bucket)));
        Ok(bucket)
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let queue = self.opener.0.queue(declaration, settings)?;
        self.remember(|ports| ports.queues.push(Arc::clone(&queue)));
        Ok(queue)
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        let table = self.opener.0.table(declaration, settings)?;
        self.remember(|ports| ports.tables.push(Arc::clone(&table)));
        Ok(table)
    }
}
