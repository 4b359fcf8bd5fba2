//! One retry policy with one meaning everywhere.

use std::time::Duration;

use crate::Error;

mod patience;
mod silence;

pub use patience::{patiently, patiently_each, patiently_for};
pub use silence::answered;

/// How often, how soon and how long an operation is tried.
///
/// A call about many things is made in pieces, and each piece has these limits for itself. What takes its time by nature has more:
/// a copy, the completion of an upload and a sweep 5 minutes, a part of an upload a second for each MiB.
///
/// Delays grow from `base` by doubling to `max_delay`, each with full jitter (between nothing and the delay); a service
/// that says how long to wait is obeyed, within the whole call's limit.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// At most so many attempts, the first included; 3 by default.
    pub attempts: u32,
    /// The first delay; 50 ms by default.
    pub base: Duration,
    /// No delay is longer; 2 s by default.
    pub max_delay: Duration,
    /// The limit of one attempt; 10 s by default.
    pub attempt_timeout: Duration,
    /// The limit of the whole call, delays included; 25 s by default.
    pub total_timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(50),
            max_delay: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(25),
        }
    }
}

impl RetryPolicy {
    /// One attempt only, within the time limits.
    #[must_use]
    pub fn once() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The same with so much more time for an attempt and for the whole call: for what takes its time by nature.
    pub(crate) fn with_more_time(self, more: Duration) -> Self {
        Self {
            attempt_timeout: self.attempt_timeout.saturating_add(more),
            total_timeout: self.total_timeout.saturating_add(more),
            ..self
        }
    }

    /// The delay before attempt `next` (2 is the first repetition), after `error`.
    #[must_use]
    pub fn delay(&self, next: u32, error: &Error) -> Duration {
        let ceiling = backoff(self.base, self.max_delay, next.saturating_sub(1));
        let jittered = ceiling.mul_f64(fastrand::f64());
        error.retry_after().map_or(jittered, |asked| asked.max(jittered))
    }
}

/// The delay without jitter after `failures` failures (at least 1): `base`, doubled each time, up to `max`.
#[must_use]
pub fn backoff(base: Duration, max: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    base.saturating_mul(1 << doublings).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn delays_double_up_to_the_ceiling() {
        let (base, max) = (Duration::from_millis(50), Duration::from_secs(2));
        let delays: Vec<u128> = (1..=8).map(|failures| backoff(base, max, failures).as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn a_service_that_says_how_long_to_wait_is_obeyed() {
        let error = Error::new(ErrorKind::Throttled, "slow").with_retry_after(Duration::from_secs(9));
        assert_eq!(RetryPolicy::default().delay(2, &error), Duration::from_secs(9));
        let policy = RetryPolicy::default();
        assert!(policy.delay(2, &Error::new(ErrorKind::Unavailable, "")) <= policy.base);
    }
}
