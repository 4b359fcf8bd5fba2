//! Drives every trigger that is not HTTP, for adapters that own their process: queues, blob events, schedules.

mod claim;
mod config;
mod gauge;
mod schedule;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::JoinSet;

pub use config::TriggersConfig;
use gauge::Gauge;
use schedule::Ticker;

use crate::app::{Functions, Invocation, Trigger};
use crate::blob::port::Subscriber;
use crate::event::BlobChange;
use crate::queue::port::{MessageQueue, RawDelivery};
use crate::worker::{Worker, WorkerContext};
use crate::{Error, ErrorKind, Outcome, Result, Shutdown};

/// An application's queues, blob events and schedules at work. Derefs to its [`TriggersHandle`].
///
/// Dropping it aborts what runs; its messages return when their leases end. [`join`](Self::join) is the graceful way.
#[derive(Debug)]
pub struct Triggers {
    handle: TriggersHandle,
    tasks: JoinSet<()>,
}

/// What others may know of running [`Triggers`], and do with them; cheap to clone.
#[derive(Clone)]
pub struct TriggersHandle {
    functions: Arc<Functions>,
    config: TriggersConfig,
    queues: Arc<[Arc<dyn MessageQueue>]>,
    running: Gauge,
    stop: Shutdown,
}

/// A queue that is worked on: the function's position, the queue, and the messages of one call.
type Source = (usize, Arc<dyn MessageQueue>, usize);

impl Triggers {
    /// Starts a worker for each function with a queue or a bucket, and a ticker for each with a schedule. Once it returns,
    /// no change of a bucket is missed. They stop when `shutdown` is triggered.
    ///
    /// # Errors
    /// What a bucket says of being subscribed to: `NotFound` where it does not exist. Nothing runs then.
    pub async fn start(
        functions: Arc<Functions>,
        config: TriggersConfig,
        shutdown: Shutdown,
    ) -> Result<Self> {
        // All subscriptions before the first worker: nothing can fail after that.
        let sources = sources(&functions, &config).await?;
        let handle = TriggersHandle {
            queues: sources.iter().map(|(_, queue, _)| Arc::clone(queue)).collect(),
            functions,
            config,
            running: Gauge::new(),
            stop: shutdown,
        };
        let mut this = Self { handle, tasks: JoinSet::new() };
        for source in sources {
            this.work(source);
        }
        this.tick();
        Ok(this)
    }

    /// Starts none of them, and subscribes to nothing: for a platform that brings messages, events and schedules by itself.
    /// Schedules can still be fired by hand.
    #[must_use]
    pub fn idle(functions: Arc<Functions>, config: TriggersConfig, shutdown: Shutdown) -> Self {
        let (queues, running) = (Arc::new([]), Gauge::new());
        let handle = TriggersHandle { functions, config, queues, running, stop: shutdown };
        Self { handle, tasks: JoinSet::new() }
    }

    fn work(&mut self, (index, queue, batch): Source) {
        let Some(function) = self.functions.iter().nth(index) else { return };
        let config = self.config.worker(function, batch);
        let (functions, running) = (Arc::clone(&self.functions), self.running.clone());
        let worker = Worker::new(queue, config, move |messages, context| {
            let (functions, running) = (Arc::clone(&functions), running.enter());
            async move {
                let outcomes = deliver(&functions, index, messages, &context).await;
                drop(running);
                outcomes
            }
        });
        self.tasks.spawn(worker.run(self.stop.clone()));
    }

    fn tick(&mut self) {
        let handle = self.handle.clone();
        let since = handle.config.clock.now();
        for (index, function) in handle.functions.iter().enumerate() {
            let Trigger::Schedule(schedule) = function.trigger() else { continue };
            let ticker = Ticker {
                functions: Arc::clone(&handle.functions),
                index,
                schedule: schedule.clone(),
                config: handle.config.clone(),
                running: handle.running.clone(),
                stop: handle.stop.clone(),
            };
            self.tasks.spawn(ticker.run(since));
        }
    }

    /// What can be passed on to others.
    #[must_use]
    pub fn handle(&self) -> &TriggersHandle {
        &self.handle
    }

    /// Waits until the shutdown is triggered and everything has stopped: what ran has ended within the grace period, or
    /// was cancelled and its messages returned.
    pub async fn join(mut self) {
        while let Some(joined) = self.tasks.join_next().await {
            if let Err(error) = joined {
                tracing::error!(%error, "a worker or a schedule broke off");
            }
        }
    }
}

impl Deref for Triggers {
    type Target = TriggersHandle;

    fn deref(&self) -> &TriggersHandle {
        &self.handle
    }
}

impl TriggersHandle {
    /// Fires a schedule by hand: calls the function once with the instant `scheduled`, in the caller's task. Neither a
    /// claim nor a repetition is made.
    ///
    /// # Errors
    /// `NotFound` for an unknown function; `InvalidArgument` for one without a schedule; `Unavailable` after the shutdown.
    pub async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<Outcome> {
        let function = self.functions.function(function)?;
        if self.stop.is_triggered() {
            return Err(Error::new(ErrorKind::Unavailable, "the application shuts down"));
        }
        let running = self.running.enter();
        let outcome = schedule::call(&self.functions, function, scheduled, 1, &self.config, &self.stop).await;
        drop(running);
        outcome
    }

    /// The queues that are worked on: those of functions, and those of blob events.
    #[must_use]
    pub fn queues(&self) -> &[Arc<dyn MessageQueue>] {
        &self.queues
    }

    /// How many calls of handlers run now; a schedule's counts until its repetitions are through.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.running()
    }

    /// How many calls of handlers have begun since the start: whether any did between two looks.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.running.begun()
    }

    /// Returns once no handler runs. More messages may be there already: see [`queues`](Self::queues).
    pub async fn idle(&self) {
        self.running.idle().await;
    }
}

/// The queues of all functions, those of blob events included.
async fn sources(functions: &Functions, config: &TriggersConfig) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        match function.trigger() {
            Trigger::Queue { queue, batch_size } => {
                sources.push((index, Arc::clone(queue), batch_size.unwrap_or(1)));
            }
            Trigger::Blob { bucket, change } => {
                let name = format!("{}-{}", functions.manifest().application, function.name());
                let mut subscriber = Subscriber::new(name);
                subscriber.created = *change == BlobChange::Created;
                subscriber.deleted = *change == BlobChange::Deleted;
                subscriber.max_attempts = config.max_attempts;
                let subscribed = bucket.events(&subscriber).await;
                let queue = subscribed.map_err(|error| error.with_operation("blob.events"))?;
                sources.push((index, queue, 1));
            }
            _ => {}
        }
    }
    Ok(sources)
}

/// Hands messages to the function at `index`; one outcome each.
async fn deliver(
    functions: &Functions,
    index: usize,
    messages: Vec<RawDelivery>,
    context: &WorkerContext,
) -> Vec<Outcome> {
    let count = messages.len();
    let mut invocation = Invocation::default();
    if let Some(first) = messages.first().filter(|_| count == 1) {
        first.id.as_str().clone_into(&mut invocation.id);
    }
    invocation.deadline = Some(context.deadline);
    invocation.cancellation = context.cancelled.clone();
    let delivered = match functions.iter().nth(index) {
        Some(function) => functions.deliver(function, messages, invocation).await,
        None => Err(Error::internal("the function is gone")),
    };
    delivered.unwrap_or_else(|error| vec![Outcome::retry(error.to_string()); count])
}

impl fmt::Debug for TriggersHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TriggersHandle")
            .field("application", &self.functions.manifest().application)
            .field("queues", &self.queues.len())
            .field("running", &self.running())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
