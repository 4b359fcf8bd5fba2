//! The application under test.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use skyport_core::app::{App, Declaration, Functions, Invocation, Opener, Ref, Resources};
use skyport_core::blob::port::BlobStore;
use skyport_core::http::Response;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::queue::{Delivery, Queue};
use skyport_core::runtime::{Triggers, TriggersConfig};
use skyport_core::{Body, Error, Outcome, Result, Shutdown};
use skyport_memory::{Chaos, Injected, Memory};

use super::crash::mortal;
use super::{Exchange, letters};

/// How long [`Test::settle`] bears with a test in real time.
const REAL_LIMIT: Duration = Duration::from_secs(300);

/// How much (virtual) time [`Test::settle`] allows.
const SETTLE_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// The shortest time between two of its looks.
const SOON: Duration = Duration::from_millis(1);

/// A running application on memory fakes.
///
/// Start the test with `#[tokio::test(start_paused = true)]`: time then passes by itself, and in no time, whenever
/// everything waits. Queues, buckets and schedules trigger their functions as in production. Stops when dropped. Where a panic drops one
/// that was started [with chaos](super::Start::with_chaos), the seed and the [trace](Test::trace) are printed to standard error.
pub struct Test<R: Resources> {
    functions: Arc<Functions>,
    resources: Arc<R>,
    memory: Memory,
    triggers: Triggers,
    shutdown: Shutdown,
    /// The seed of the chaos that it was started with.
    seed: Option<u64>,
}

fn url(declaration: &Declaration) -> ResourceUrl {
    ResourceUrl::new("memory", declaration.name.clone())
}

/// Opens everything in memory.
struct Fakes<'m>(&'m Memory);

impl Opener for Fakes<'_> {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        self.0.bucket(&url(declaration))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        self.0.queue(&url(declaration), settings)
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.0.table(&url(declaration), settings)
    }
}

impl<R: Resources> Test<R> {
    pub(super) async fn start(app: App<R>, memory: Memory, chaos: Option<Chaos>) -> Result<Self> {
        for declaration in &app.manifest()?.resources {
            memory.create(&url(declaration), &declaration.kind).await?;
        }
        let (functions, resources) = mortal(app, &memory).bind(&Fakes(&memory))?;
        let functions = Arc::new(functions);
        let shutdown = Shutdown::new();
        let mut config = TriggersConfig::default();
        config.clock = memory.clock();
        let triggers = Triggers::start(Arc::clone(&functions), config, shutdown.clone()).await?;
        let seed = chaos.as_ref().map(Chaos::seed);
        // Last: an application that does not start for a fault would be no test of it.
        if let Some(chaos) = chaos {
            memory.faults().unleash(chaos);
        }
        Ok(Self { functions, resources, memory, triggers, shutdown, seed })
    }

    /// The application's resources.
    #[must_use]
    pub fn resources(&self) -> &R {
        &self.resources
    }

    /// The fakes: to inject faults, say.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The faults that were injected so far, in their order.
    #[must_use]
    pub fn trace(&self) -> Vec<Injected> {
        self.memory.faults().trace()
    }

    /// Ends all faults: those of chaos and those that were injected by hand. What they did stays done: leases run on, and messages
    /// that come twice come twice. [`trace`](Self::trace) stays, too.
    pub fn calm(&self) {
        self.memory.faults().clear();
    }

    /// The functions, as adapters see them.
    #[must_use]
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// The time by the application's clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.memory.clock().now()
    }

    /// A request of any method; a signed URL is answered, too.
    pub fn request(&self, method: Method, uri: &str, body: impl Into<Body>) -> Exchange<'_, R> {
        Exchange::new(self, method, uri, body.into())
    }

    /// A GET request.
    pub fn get(&self, uri: &str) -> Exchange<'_, R> {
        self.request(Method::GET, uri, Body::empty())
    }

    /// A PUT request.
    pub fn put(&self, uri: &str, body: impl Into<Body>) -> Exchange<'_, R> {
        self.request(Method::PUT, uri, body)
    }

    /// A POST request.
    pub fn post(&self, uri: &str, body: impl Into<Body>) -> Exchange<'_, R> {
        self.request(Method::POST, uri, body)
    }

    /// A DELETE request.
    pub fn delete(&self, uri: &str) -> Exchange<'_, R> {
        self.request(Method::DELETE, uri, Body::empty())
    }

    pub(super) async fn answer(&self, request: http::Request<Body>) -> Response {
        if let Some(endpoint) = self.memory.endpoint()
            && request.uri().path().starts_with(endpoint.prefix())
        {
            return endpoint.serve(request).await.into();
        }
        self.functions.http(request.into(), Invocation::default()).await
    }

    /// Lets so much time pass; delays, leases, backoffs and schedules that end in it take effect.
    pub async fn advance(&self, time: Duration) {
        // With time paused a sleep returns as soon as nothing else is to be done before.
        tokio::time::sleep(time).await;
    }

    /// Waits until no message and no event is left that a function is for, and no function runs: also those that are delayed or back
    /// off, since time passes by itself. What has become a dead letter is settled.
    ///
    /// # Panics
    /// After six hours by the application's clock, or five minutes by the wall; names what is left.
    pub async fn settle(&self) {
        let (started, really) = (tokio::time::Instant::now(), std::time::Instant::now());
        let mut seen = None;
        loop {
            let begun = self.triggers.begun();
            let left = self.left().await;
            // Twice, and no call began between: one that did may have filled a queue that was looked at already, and what was
            // received at this very moment may be on its way to its call.
            if left.is_empty() && seen == Some(begun) && begun == self.triggers.begun() {
                return;
            }
            seen = left.is_empty().then_some(begun);
            let waited = started.elapsed();
            let patient = waited < SETTLE_LIMIT && really.elapsed() < REAL_LIMIT;
            assert!(patient, "not settled: {}", left.join(", "));
            // Soon at first, and never late by much more than a tenth of what was waited already.
            let pause = if seen.is_some() { SOON } else { (waited / 10).max(SOON) };
            self.advance(pause).await;
        }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        // First: what runs now and ends during the look may fill a queue that was looked at already.
        let running = self.triggers.running();
        if running > 0 {
            left.push(format!("{running} calls of functions"));
        }
        for queue in self.triggers.queues() {
            match queue.depth().await {
                Ok(depth) if depth.total() == 0 => {}
                Ok(depth) => left.push(format!("{} messages in `{}`", depth.total(), queue.info().resource)),
                // An injected fault, say: look again.
                Err(error) => left.push(error.to_string()),
            }
        }
        left
    }

    /// Fires a schedule's function now.
    ///
    /// # Errors
    /// `NotFound` where no function has that name, `InvalidArgument` where it has no schedule; `Internal` with its
    /// failure where it failed.
    pub async fn fire(&self, function: &str) -> Result<()> {
        match self.triggers.fire(function, self.now()).await? {
            Outcome::Done => Ok(()),
            Outcome::Retry { error, .. } | Outcome::Dead { reason: error } => Err(Error::internal(error)),
            _ => Err(Error::internal("the function failed")),
        }
    }

    /// The dead letters of a queue, up to 1,000, leased for a minute.
    ///
    /// # Panics
    /// Where a fault was injected there.
    pub async fn dead_letters<T, C>(&self, queue: Ref<R, Queue<T, C>>) -> Vec<Delivery<T, C>> {
        match letters::receive(queue.of(&self.resources)).await {
            Ok(letters) => letters,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<R: Resources> Drop for Test<R> {
    fn drop(&mut self) {
        self.shutdown.trigger();
        if let Some(seed) = self.seed.filter(|_| std::thread::panicking()) {
            tell(seed, &self.trace());
        }
    }
}

/// Which faults there were, for who looks for the reason of a test's failure; the test harness shows it with the panic.
#[allow(clippy::print_stderr, reason = "it is for tests: their output is where it is looked for")]
fn tell(seed: u64, trace: &[Injected]) {
    let faults: String = trace.iter().map(|fault| format!("\n  {fault}")).collect();
    eprintln!(
        "`Chaos` of seed {seed}: {} faults; with `Determined::by({seed})` at the head of the test they are the same each time{faults}",
        trace.len()
    );
}

impl<R: Resources> fmt::Debug for Test<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").field("functions", &self.functions).finish_non_exhaustive()
    }
}
