//! How a worker works.

use std::time::Duration;

use crate::queue::QueueInfo;
use crate::retry::backoff;

/// How much a [`Worker`](super::Worker) does at once, and how long it bears with it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Calls of the handler that run at once; at least 1, 10 by default. No more is received than can be started.
    pub concurrency: usize,
    /// Messages of one call of the handler, at most (fewer where fewer are there); at least 1, 1 by default.
    pub batch: usize,
    /// How long a receive waits for messages; at least a second, 20 s by default.
    pub wait: Duration,
    /// The lease of a message, renewed at its half while the handler runs; whole seconds, 30 s by default. The
    /// work of a process that dies comes again after so long.
    pub lease: Duration,
    /// How long one call of the handler may take; 5 minutes by default.
    pub time_limit: Duration,
    /// The pause after a message's first failure, doubled with each attempt, with jitter; 1 s by default.
    pub backoff: Duration,
    /// No pause is longer; 5 minutes by default.
    pub max_backoff: Duration,
    /// How long running handlers may go on once the worker is to stop; 20 s by default.
    pub grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            concurrency: 10,
            batch: 1,
            wait: Duration::from_secs(20),
            lease: Duration::from_secs(30),
            time_limit: Duration::from_secs(300),
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(300),
            grace: Duration::from_secs(20),
        }
    }
}

impl WorkerConfig {
    /// The same within what the queue and this machine can do.
    pub(super) fn fitted(mut self, info: &QueueInfo) -> Self {
        /// Far off, and yet safe to add to any instant.
        const FAR: Duration = Duration::from_secs(365 * 86_400);
        let second = Duration::from_secs(1);
        self.concurrency = self.concurrency.max(1);
        self.batch = self.batch.max(1);
        self.wait = self.wait.clamp(second, FAR);
        self.lease = Duration::from_secs(self.lease.as_secs()).clamp(second, info.limits.lease.max(second));
        self.time_limit = self.time_limit.min(FAR);
        self.grace = self.grace.min(FAR);
        self.max_backoff = self.max_backoff.min(info.limits.delay);
        self
    }

    /// The pause before the next attempt of a message whose attempt `attempt` failed: half to all of the doubled base.
    #[must_use]
    pub fn pause(&self, attempt: u32) -> Duration {
        backoff(self.backoff, self.max_backoff, attempt).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::QueueSettings;

    #[test]
    fn a_config_is_held_to_what_the_queue_can_do() {
        let info = QueueInfo::new("test", "jobs", QueueSettings::default());
        let odd = WorkerConfig {
            concurrency: 0,
            batch: 0,
            wait: Duration::ZERO,
            lease: Duration::MAX,
            time_limit: Duration::MAX,
            max_backoff: Duration::MAX,
            ..WorkerConfig::default()
        };
        let fitted = odd.fitted(&info);
        assert_eq!((fitted.concurrency, fitted.batch), (1, 1));
        assert_eq!(fitted.lease, Duration::from_secs(600));
        assert_eq!(fitted.wait, Duration::from_secs(1));
        assert!(fitted.pause(u32::MAX) <= info.limits.delay);
    }

    #[test]
    fn pauses_grow_with_the_attempts_and_are_never_short() {
        let config = WorkerConfig::default();
        for _ in 0..100 {
            let third = config.pause(3);
            assert!(third >= Duration::from_secs(2) && third <= Duration::from_secs(4), "{third:?}");
        }
    }
}
