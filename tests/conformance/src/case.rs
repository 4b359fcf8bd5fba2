//! One case: a named async function, run in a runtime of its own with resources of its own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{BoxError, Error, Token};

use crate::Harness;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sentence holds.
    Passed,
    /// The provider declares that it cannot do this.
    Skipped(&'static str),
}

/// What a case returns: `?` takes any error; assertions panic.
pub type CaseResult = Result<Outcome, BoxError>;

type Run = Arc<dyn Fn(Context) -> Pin<Box<dyn Future<Output = CaseResult>>> + Send + Sync>;

/// A sentence of the contract, as code.
#[derive(Clone)]
pub struct Case {
    name: String,
    run: Run,
}

impl Case {
    /// The case `name`: `blob::conditions::if_absent_creates_once`.
    pub(crate) fn new<F, Fut>(name: &str, run: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = CaseResult> + 'static,
    {
        let name = name.strip_prefix("skyport_conformance::").unwrap_or(name).to_owned();
        Self { name, run: Arc::new(move |context| Box::pin(run(context))) }
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it, and removes what it created, whatever came of it.
    ///
    /// # Errors
    /// What the case failed with.
    pub fn run(&self, harness: Arc<dyn Harness>) -> CaseResult {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(harness.virtual_time());
        let runtime = builder.build()?;
        runtime.block_on(async {
            let context = Context::start(harness).await?;
            let local = tokio::task::LocalSet::new();
            let handle = local.spawn_local((self.run)(context.clone()));
            // A panic of the case must not keep its resources from being removed.
            let result = local.run_until(handle).await;
            let removed = context.remove_all().await;
            let outcome = match result {
                Ok(outcome) => outcome?,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            };
            removed?;
            Ok(outcome)
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Lists async functions of this module as cases, by their own names.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) fn cases() -> Vec<$crate::Case> {
            vec![$($crate::Case::new(concat!(module_path!(), "::", stringify!($case)), $case)),*]
        }
    };
}
pub(crate) use cases;

/// What a case works with: resources of its own, and time.
#[derive(Clone, Debug)]
pub struct Context {
    harness: Arc<dyn Harness>,
    provider: Arc<dyn Provider>,
    run: Token,
    count: Arc<AtomicU32>,
    created: Arc<Mutex<Vec<(ResourceUrl, ResourceKind)>>>,
}

impl Context {
    async fn start(harness: Arc<dyn Harness>) -> Result<Self, Error> {
        let provider = harness.start().await?;
        Ok(Self { harness, provider, run: Token::new(), count: Arc::default(), created: Arc::default() })
    }

    /// The provider itself.
    #[must_use]
    pub fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// The row that the case is run for: its harness's name.
    pub(crate) fn row(&self) -> &'static str {
        self.harness.name()
    }

    /// Whether its queues know no duplicate, and count attempts exactly.
    pub(crate) fn exact_queues(&self) -> bool {
        self.harness.exact_queues()
    }

    /// What the cloud does otherwise where it serves signed URLs.
    pub(crate) fn signed_urls(&self) -> crate::SignedUrls {
        self.harness.signed_urls()
    }

    /// What signed URLs of HTTPS are sent over.
    pub(crate) fn certificates(&self) -> Option<Vec<u8>> {
        self.harness.certificates()
    }

    /// A URL that no other case uses; nothing is created there.
    #[must_use]
    pub fn fresh_url(&self, kind: &ResourceKind) -> ResourceUrl {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        // Short, lower case, no underscore: a valid name everywhere.
        let run = self.run.to_bits() as u64;
        self.harness.url(kind, &format!("sky{run:016x}n{number}"))
    }

    async fn create(&self, kind: ResourceKind) -> Result<ResourceUrl, Error> {
        let url = self.fresh_url(&kind);
        self.created.lock().unwrap_or_else(|p| p.into_inner()).push((url.clone(), kind.clone()));
        self.provider.create(&url, &kind).await?;
        Ok(url)
    }

    /// A new, empty bucket.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn bucket(&self) -> Result<Arc<dyn BlobStore>, Error> {
        let url = self.create(ResourceKind::Bucket).await?;
        self.provider.bucket(&url)
    }

    /// A new, empty queue with default settings.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn queue(&self) -> Result<Arc<dyn MessageQueue>, Error> {
        self.queue_with(QueueSettings::default()).await
    }

    /// A new, empty queue.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn queue_with(&self, settings: QueueSettings) -> Result<Arc<dyn MessageQueue>, Error> {
        let url = self.create(ResourceKind::Queue(settings.clone())).await?;
        self.provider.queue(&url, &settings)
    }

    /// A new, empty table with default settings.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn table(&self) -> Result<Arc<dyn KeyValueStore>, Error> {
        self.table_with(TableSettings::default()).await
    }

    /// A new, empty table.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn table_with(&self, settings: TableSettings) -> Result<Arc<dyn KeyValueStore>, Error> {
        let url = self.create(ResourceKind::Table(settings.clone())).await?;
        self.provider.table(&url, &settings)
    }

    /// Whether time is paused: hours then pass in no time.
    #[must_use]
    pub fn virtual_time(&self) -> bool {
        self.harness.virtual_time()
    }

    /// A second, for leases that are held by renewing them and for items that must still be there before they expire. In real
    /// time it is twelve: a busy machine may stand still for longer than a short lease lasts.
    #[must_use]
    pub fn unhurried_second(&self) -> Duration {
        Duration::from_secs(if self.virtual_time() { 1 } else { 12 })
    }

    /// Lets so much of the provider's time pass.
    pub async fn pass(&self, time: Duration) {
        // With time paused this returns as soon as nothing else is to be done.
        tokio::time::sleep(time).await;
    }

    async fn remove_all(&self) -> Result<(), Error> {
        let created = std::mem::take(&mut *self.created.lock().unwrap_or_else(|p| p.into_inner()));
        for (url, kind) in created {
            self.provider.remove(&url, &kind).await?;
        }
        Ok(())
    }
}
