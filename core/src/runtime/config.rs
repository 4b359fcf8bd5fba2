//! How triggers are driven.

use std::sync::Arc;
use std::time::Duration;

use crate::Clock;
use crate::app::FunctionRef;
use crate::kv::port::KeyValueStore;
use crate::worker::WorkerConfig;

/// How [`Triggers`](super::Triggers) drive an application's queues, blob events and schedules.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct TriggersConfig {
    /// Calls of one function that run at once where its trigger does not say; 16 by default.
    pub concurrency: usize,
    /// The longest time for a call where the function does not say; 5 minutes by default.
    pub time_limit: Duration,
    /// Deliveries of a blob event, and calls for an instant of a schedule, before it is given up; 5 by default.
    pub max_attempts: u32,
    /// How long running calls may go on after the shutdown; 10 s by default.
    pub grace: Duration,
    /// The clock that schedules go by; the system's by default.
    pub clock: Clock,
    /// A table by which several processes agree on who fires an instant of a schedule. Without one, each fires all.
    pub claims: Option<Arc<dyn KeyValueStore>>,
}

impl Default for TriggersConfig {
    fn default() -> Self {
        Self {
            concurrency: 16,
            time_limit: Duration::from_secs(300),
            max_attempts: 5,
            grace: Duration::from_secs(10),
            clock: Clock::system(),
            claims: None,
        }
    }
}

/// What a call gets beyond the function's own limit, so that the function's is what ends it.
const SLACK: Duration = Duration::from_secs(1);

impl TriggersConfig {
    /// The time of one call, after which whoever drives the function gives it up.
    pub(super) fn time_of(&self, function: FunctionRef<'_>) -> Duration {
        function.timeout().map_or(self.time_limit, |own| own.saturating_add(SLACK))
    }

    /// The worker of a function that takes up to `batch` messages a call.
    pub(super) fn worker(&self, function: FunctionRef<'_>, batch: usize) -> WorkerConfig {
        WorkerConfig {
            concurrency: function.concurrency().unwrap_or(self.concurrency),
            batch,
            time_limit: self.time_of(function),
            grace: self.grace,
            ..WorkerConfig::default()
        }
    }
}
