//! A thread on which nothing is left to chance: for tests that run the same each time.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{Clock, Wall};
use crate::token::Draw;

/// Where wall time starts: a Wednesday noon, so that a run meets no end of a month or of daylight saving by chance.
const START: Duration = Duration::from_secs(1_767_787_200);

/// As long as this lives, what Skyport draws on this thread follows from a seed: [tokens](crate::Token), the jitter of pauses,
/// ids of traces. New clocks on tokio's time start at one instant, 2026-01-07 at noon, and jumps of the wall clock are undone when it
/// is dropped; so is all else.
///
/// For tests, with tokio's time paused and on one thread: a runtime of the flavour `current_thread`, made after this. The same seed
/// then gives the same run, as long as the code under test draws by `fastrand` or not at all, says `biased` in each
/// `tokio::select!`, does not go by the order of a `HashMap`, and does nothing on other threads.
///
/// Tokens of two threads with one seed are the same: never for production.
///
/// ```
/// use skyport_core::{Determined, Token};
///
/// let draw = || {
///     let _determined = Determined::by(7);
///     Token::new()
/// };
/// assert_eq!(draw(), draw());
/// assert_ne!(Token::new(), draw());
/// ```
#[must_use = "it holds until it is dropped"]
pub struct Determined {
    draw: Draw,
    random: u64,
    wall: Wall,
    /// What it undoes is this thread's.
    here: PhantomData<*const ()>,
}

impl Determined {
    /// Determines this thread by a seed, until this is dropped.
    pub fn by(seed: u64) -> Self {
        let random = fastrand::get_seed();
        fastrand::seed(seed);
        Self {
            draw: Draw::seeded(seed).install(),
            random,
            wall: Clock::set_wall(Wall { start: Some(Self::start()), skew: 0 }),
            here: PhantomData,
        }
    }

    /// The wall time at which clocks on tokio's time start.
    #[must_use]
    pub fn start() -> SystemTime {
        UNIX_EPOCH + START
    }
}

impl Drop for Determined {
    fn drop(&mut self) {
        self.draw.install();
        fastrand::seed(self.random);
        Clock::set_wall(self.wall);
    }
}

impl fmt::Debug for Determined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Determined").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Invocation;
    use crate::retry::backoff;

    fn drawn(seed: u64) -> (String, SystemTime, f64) {
        let _determined = Determined::by(seed);
        let jittered = backoff(Duration::from_secs(1), Duration::from_secs(9), 1).mul_f64(fastrand::f64());
        (Invocation::default().id, Clock::tokio().now(), jittered.as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn all_that_is_drawn_follows_from_the_seed_and_is_undone() {
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1).0, drawn(2).0);
        assert_eq!(drawn(2).1, Determined::start());
        let (id, now) = (Invocation::default().id, Clock::tokio().now());
        assert!(id != drawn(1).0 && now != Determined::start());
    }

    #[tokio::test(start_paused = true)]
    async fn jumps_end_with_it() {
        let clock = Clock::tokio();
        let before = clock.now();
        let determined = Determined::by(1);
        Clock::jump(5_000);
        assert_eq!(clock.now(), before + Duration::from_secs(5));
        drop(determined);
        assert_eq!(clock.now(), before);
    }
}
