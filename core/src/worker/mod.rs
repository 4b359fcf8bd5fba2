//! The worker: polls any queue, hands its messages to a handler, and settles them by what comes of it.
//!
//! - It receives no more than it can start, and its receives wait; errors of a receive are logged and survived.
//! - While a handler runs, leases are renewed at half of their length. Where a lease is lost, the handler is told through
//!   [`WorkerContext::cancelled`], and cancelled.
//! - A handler that fails, panics or outlives its time limit gets its message again, after a pause that doubles with each
//!   attempt.
//! - On an ordered queue, messages of one group run one after the other; after a failure the rest of the group returns.
//! - It stops gracefully: no new messages, time for what runs, and what has not finished then returns at once.

mod config;
mod renew;
mod run;
mod settle;
mod task;
mod unit;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

pub use self::config::WorkerConfig;
use crate::queue::port::{MessageQueue, RawDelivery};
use crate::{Outcome, Shutdown};

/// What a handler gets along with its messages.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct WorkerContext {
    /// When the handler's time is over, on tokio's clock.
    pub deadline: Instant,
    /// Triggered when the work is to end now: its time is over, a lease was lost, or the worker stops and its grace is
    /// spent. A moment later the handler's future is dropped.
    pub cancelled: Shutdown,
}

impl WorkerContext {
    /// How much time the handler has left.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

type Handler = Arc<dyn Fn(Vec<RawDelivery>, WorkerContext) -> BoxFuture<'static, Vec<Outcome>> + Send + Sync>;

/// Polls one queue for one handler.
pub struct Worker {
    queue: Arc<dyn MessageQueue>,
    handler: Handler,
    config: WorkerConfig,
}

impl Worker {
    /// A worker that hands each batch of messages to `handler`, which says for each, in order, what becomes of it. One for
    /// which it says nothing comes again.
    ///
    /// Times and numbers of the config that the queue cannot keep are held to those that it can.
    pub fn new<H, F>(queue: Arc<dyn MessageQueue>, config: WorkerConfig, handler: H) -> Self
    where
        H: Fn(Vec<RawDelivery>, WorkerContext) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<Outcome>> + Send + 'static,
    {
        Self {
            config: config.fitted(queue.info()),
            queue,
            handler: Arc::new(move |messages, context| Box::pin(handler(messages, context))),
        }
    }

    /// Works until `stop` is triggered and what was running has ended: within the grace period and a little for what is
    /// to be settled. Runs in a tokio runtime with time; dropping the future aborts the handlers, and their messages return
    /// when their leases end.
    pub async fn run(self, stop: Shutdown) {
        run::run(self, stop).await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("queue", &self.queue.info().resource)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
