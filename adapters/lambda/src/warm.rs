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
    /// [`connect`](Self::connect), named only where something was opened: in a program without resources it is not linked.
    connect: Option<fn(Self) -> BoxFuture<'static, ()>>,
}

impl Ports {
    /// Connects to what was opened, where anything was.
    pub(crate) async fn warm(self) {
        if let Some(connect) = self.connect {
            connect(self).await;
        }
    }

    /// Makes one cheap call to each service that the resources are on. Whether it succeeds does not matter: by then names are
    /// resolved, certificates are loaded, credentials are there and the connection is open.
    async fn connect(self) {
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
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.connect = Some(|ports| Box::pin(ports.connect()));
        put(&mut ports);
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

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind::{NotFound, Unavailable};
    use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    use skyport_memory::{Fault, Memory, Operation};

    use super::*;

    struct Fakes<'m>(&'m Memory);

    impl Opener for Fakes<'_> {
        fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
            self.0.bucket(&ResourceUrl::new("memory", &*declaration.name))
        }

        fn queue(
            &self,
            declaration: &Declaration,
            settings: &QueueSettings,
        ) -> Result<Arc<dyn MessageQueue>> {
            self.0.queue(&ResourceUrl::new("memory", &*declaration.name), settings)
        }

        fn table(
            &self,
            declaration: &Declaration,
            settings: &TableSettings,
        ) -> Result<Arc<dyn KeyValueStore>> {
            self.0.table(&ResourceUrl::new("memory", &*declaration.name), settings)
        }
    }

    #[tokio::test]
    async fn each_service_is_called_once_and_a_failure_does_no_harm() {
        let memory = Memory::new();
        let fakes = Fakes(&memory);
        let remembering = Remembering::new(&fakes);
        let mut buckets = Vec::new();
        for name in ["one", "two"] {
            let declaration = Declaration::new(name, ResourceKind::Bucket);
            buckets.push(remembering.bucket(&declaration).expect("opens"));
        }
        let settings = QueueSettings::default();
        let jobs = Declaration::new("jobs", ResourceKind::Queue(settings.clone()));
        let queue = remembering.queue(&jobs, &settings).expect("opens");
        // The first call to each fails, and so does the second: if that is to come from here.
        for operation in [Operation::BlobHead, Operation::QueueDepth] {
            memory.faults().inject(operation, Fault::refuse(Unavailable).nth(1));
            memory.faults().inject(operation, Fault::refuse(Unavailable).nth(2));
        }
        remembering.into_ports().warm().await;
        let second = buckets[1].head("x").await.expect_err("the second call");
        assert_eq!(second.kind(), Unavailable);
        assert_eq!(buckets[1].head("x").await.expect_err("no such bucket").kind(), NotFound);
        assert_eq!(queue.depth().await.expect_err("the second call").kind(), Unavailable);
    }
}
