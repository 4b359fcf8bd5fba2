//! One clock for all that compares or stamps wall time: expiry, signatures, not-before, leases.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

mod calendar;
mod imf;
mod rfc3339;

pub use calendar::Utc;
pub use imf::{http_date, to_http_date};
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
    Tokio { wall: SystemTime, at: Instant, skew: i64 },
}

/// What a test has made of this thread's wall time.
#[derive(Clone, Copy)]
pub(crate) struct Wall {
    /// Where clocks on tokio's time start, in the place of the system's time.
    pub(crate) start: Option<SystemTime>,
    /// By how many milliseconds such clocks have jumped in all.
    pub(crate) skew: i64,
}

thread_local! {
    static WALL: Cell<Wall> = const { Cell::new(Wall { start: None, skew: 0 }) };
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
        Self::tokio_from(WALL.get().start.unwrap_or_else(SystemTime::now))
    }

    /// As [`tokio`](Self::tokio), starting at `wall`.
    #[must_use]
    pub fn tokio_from(wall: SystemTime) -> Self {
        Self(Source::Tokio { wall, at: Instant::now(), skew: WALL.get().skew })
    }

    /// Lets all clocks on tokio's time that this thread asks jump by so many milliseconds, forwards or back, as a machine's wall
    /// clock does when it is set. Monotonic time goes on as it did. For tests: clocks that are made later do not know of it, nor
    /// do other threads.
    pub fn jump(millis: i64) {
        let wall = WALL.get();
        WALL.set(Wall { skew: wall.skew.saturating_add(millis), ..wall });
    }

    /// Sets what this thread's clocks go by; what it was.
    pub(crate) fn set_wall(wall: Wall) -> Wall {
        WALL.replace(wall)
    }

    /// The time now.
    #[must_use]
    #[inline]
    pub fn now(&self) -> SystemTime {
        match self.0 {
            Source::System => SystemTime::now(),
            Source::Tokio { wall, at, skew } => skewed(wall + at.elapsed(), skew),
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

/// The time after the jumps since a clock was made.
#[inline]
fn skewed(time: SystemTime, before: i64) -> SystemTime {
    let skew = WALL.get().skew.saturating_sub(before);
    let by = Duration::from_millis(skew.unsigned_abs());
    let jumped = if skew < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    jumped.unwrap_or(time)
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

    #[tokio::test(start_paused = true)]
    async fn a_jump_moves_wall_time_alone_and_clocks_that_were_there() {
        let (clock, at) = (Clock::tokio(), Instant::now());
        let before = clock.now();
        Clock::jump(90_000);
        assert_eq!(clock.now(), before + Duration::from_secs(90));
        let later = Clock::tokio_from(before);
        assert_eq!((later.now(), at.elapsed()), (before, Duration::ZERO));
        Clock::jump(-120_000);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), before - Duration::from_secs(29));
        assert_eq!(later.now(), before - Duration::from_secs(119));
    }
}
