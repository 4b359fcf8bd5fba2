//! How long a delivery is still ours, as far as this machine can tell.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::{Clock, Error, ErrorKind, Result};

/// Counts a lease down from before the call that began it, by whichever of the monotonic and the wall clock is later:
/// the one stands still while a machine sleeps, the other can be set back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseTimer {
    clock: Clock,
    started: Instant,
    wall: SystemTime,
    length: Duration,
}

impl LeaseTimer {
    /// A lease of `length` that begins now: to be made before the call.
    pub(crate) fn start(clock: Clock, length: Duration) -> Self {
        Self { clock, started: Instant::now(), wall: clock.now(), length }
    }

    /// What is left of it.
    pub(crate) fn remaining(&self) -> Duration {
        let by_wall = self.clock.now().duration_since(self.wall).unwrap_or_default();
        self.length.saturating_sub(self.started.elapsed().max(by_wall))
    }

    /// Fails once it has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if self.remaining().is_zero() {
            return Err(Error::new(
                ErrorKind::PreconditionFailed,
                "the lease has ended and the message returns to the queue; ask for a longer lease, or extend it",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_by_the_clock_that_is_further_on() {
        let minute = Duration::from_secs(60);
        let mut timer = LeaseTimer::start(Clock::tokio(), minute);
        tokio::time::advance(minute - Duration::from_millis(1)).await;
        assert!(timer.check().is_ok());
        // As after a sleep of the machine: the wall clock has moved on, the monotonic one has not.
        timer.wall -= Duration::from_secs(1);
        assert_eq!(timer.check().expect_err("ended").kind(), ErrorKind::PreconditionFailed);
        // A wall clock that was set back does not prolong it.
        timer.wall += minute * 60;
        assert!(timer.check().is_ok());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(timer.check().is_err());
    }
}
