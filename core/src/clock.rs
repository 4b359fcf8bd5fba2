//! One clock for all that compares or stamps wall time: expiry, signatures, not-before, leases.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

mod calendar;
mod imf;
mod rfc3339;

pub use calendar::Utc;
pub use imf::http_date;
pub use rfc3339::rfc3339;

/// Wall time: the system's, or tokio's, so that a test which pauses tokio's time moves everything else with it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use skyport_core::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::tokio();
/// let before = clock.now();
/// tokio::time::advance(Duration::from_secs(3600)).await;
/// assert_eq!(clock.now(), before + Duration::from_secs(3600));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    System,
    Tokio { wall: SystemTime, at: Instant },
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The system's wall clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at the system's time and then moves with tokio's, which a test can pause and advance.
    #[must_use]
    pub fn tokio() -> Self {
        Self::tokio_from(SystemTime::now())
    }

    /// As [`tokio`](Self::tokio), starting at `wall`.
    #[must_use]
    pub fn tokio_from(wall: SystemTime) -> Self {
        Self(Source::Tokio { wall, at: Instant::now() })
    }

    /// The time now.
    #[must_use]
    #[inline]
    pub fn now(&self) -> SystemTime {
        match self.0 {
            Source::System => SystemTime::now(),
            Source::Tokio { wall, at } => wall + at.elapsed(),
        }
    }

    /// Milliseconds since 1970, as stores keep them.
    #[must_use]
    pub fn now_millis(&self) -> u64 {
        to_millis(self.now())
    }

    /// The monotonic instant at which this clock is to show `wall`: for a sleep until a wall time.
    #[must_use]
    pub fn instant_at(&self, wall: SystemTime) -> Instant {
        let now = Instant::now();
        let ahead = wall.duration_since(self.now()).unwrap_or(Duration::ZERO);
        now.checked_add(ahead).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365))
    }
}

/// A wall time as milliseconds since 1970; zero for times before.
#[must_use]
pub fn to_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The wall time of `millis` milliseconds since 1970; far-off values are held to the year 9999.
#[must_use]
pub fn from_millis(millis: u64) -> SystemTime {
    const YEAR_9999: u64 = 253_402_300_799_000;
    UNIX_EPOCH + Duration::from_millis(millis.min(YEAR_9999))
}

/// A time in whole seconds, as services take it: rounded up, so that nothing is early.
#[must_use]
pub fn whole_seconds(time: Duration) -> i32 {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(up).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_rounded_up_to_whole_seconds() {
        for (millis, seconds) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (900_000, 900)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}
