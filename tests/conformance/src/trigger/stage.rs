//! What a case works with: the application, served, with resources of its own.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::app::{Declaration, Opener, Resources};
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::queue::{Delivery, Queue};
use skyport_core::{Error, ErrorKind, Raw, Result, Token};

use super::app::{Bench, Job, app};
use super::{Platform, TriggerHarness};

/// Nothing in a case takes longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The application on an adapter; derefs to its resources.
pub(crate) struct Stage {
    backing: Backing,
    bench: Arc<Bench>,
    pub(crate) platform: Box<dyn Platform>,
}

/// Where the resources of one case come from.
struct Backing {
    harness: Arc<dyn TriggerHarness>,
    provider: Arc<dyn Provider>,
    run: Token,
    /// Whether the provider has ordered queues; else the case's is an ordinary one.
    orders: bool,
}

impl Backing {
    fn url(&self, declaration: &Declaration) -> ResourceUrl {
        // Short, lower case, no underscore: a valid name everywhere.
        let run = self.run.to_bits() as u64;
        self.harness.url(&declaration.kind, &format!("sky{run:016x}{}", declaration.name))
    }

    /// What the provider can do of what is declared: an application with an ordered queue does not start without.
    fn settings(&self, settings: &QueueSettings) -> QueueSettings {
        let mut settings = settings.clone();
        settings.ordered &= self.orders;
        settings
    }

    fn kind(&self, declaration: &Declaration) -> ResourceKind {
        match &declaration.kind {
            ResourceKind::Queue(settings) => ResourceKind::Queue(self.settings(settings)),
            other => other.clone(),
        }
    }
}

impl Opener for Backing {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        self.provider.bucket(&self.url(declaration))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        self.provider.queue(&self.url(declaration), &self.settings(settings))
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.provider.table(&self.url(declaration), settings)
    }
}

impl Stage {
    pub(crate) async fn set(harness: Arc<dyn TriggerHarness>) -> Result<Arc<Self>> {
        let provider = harness.provider().await?;
        let mut backing = Backing { harness, provider, run: Token::new(), orders: true };
        let declarations = Bench::declarations()?;
        for declaration in &declarations {
            if let ResourceKind::Queue(settings) = &declaration.kind {
                let opened = backing.provider.queue(&backing.url(declaration), settings)?;
                backing.orders &= opened.info().capabilities.ordered.is_supported();
            }
        }
        for declaration in &declarations {
            backing.provider.create(&backing.url(declaration), &backing.kind(declaration)).await?;
        }
        let (functions, bench) = app().bind(&backing)?;
        let platform = backing.harness.serve(Arc::new(functions)).await?;
        Ok(Arc::new(Self { backing, bench, platform }))
    }

    /// Stops the application and removes its resources.
    pub(crate) async fn strike(&self) -> Result<()> {
        let stopped = self.platform.stop().await;
        for declaration in Bench::declarations()? {
            let (url, kind) = (self.backing.url(&declaration), self.backing.kind(&declaration));
            self.backing.provider.remove(&url, &kind).await?;
        }
        stopped
    }

    /// A request without a body.
    pub(crate) async fn get(&self, path: &str) -> Result<http::Response<Bytes>> {
        self.request("GET", path, &[], "").await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<http::Response<Bytes>> {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into());
        let request = request.map_err(|error| Error::invalid("no request").with_source(error))?;
        self.platform.request(request).await
    }

    /// Sends a body that need not be a job.
    pub(crate) async fn send_raw(&self, queue: &Queue<Job>, body: &'static str) -> Result<()> {
        let raw: Queue<String, Raw> = Queue::new(Arc::clone(queue.port()));
        raw.send(&body.to_owned()).await.map(drop)
    }

    /// Waits until nothing is left in a queue.
    pub(crate) async fn drained<T, C>(&self, queue: &Queue<T, C>) -> Result<()> {
        let emptying = async {
            while queue.depth().await?.total() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, emptying)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "a queue was to run empty, and did not")))
    }

    /// The next dead letter of a queue.
    pub(crate) async fn dead_letter(&self, queue: &Queue<Job>) -> Result<Delivery<Job>> {
        let letters = queue.dead_letters()?.receive(1, PATIENCE, Duration::from_secs(60)).await?;
        let missing = || Error::new(ErrorKind::NotFound, "a dead letter was to come, and did not");
        letters.into_iter().next().ok_or_else(missing)
    }
}

impl Deref for Stage {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("platform", &self.platform).finish_non_exhaustive()
    }
}
