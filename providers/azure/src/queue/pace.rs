//! How often a queue is looked at.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The first pause after something came.
const SHORTEST: Duration = Duration::from_millis(50);

/// The longest: with the call that follows, what is sent is received within a second.
const LONGEST: Duration = Duration::from_millis(800);

/// The pauses between looks, which grow while nothing comes, from one receive to the next: each look is paid for.
pub(super) struct Pace(Mutex<Duration>);

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new(SHORTEST))
    }
}

impl Pace {
    /// Nothing came: the pause before the next look.
    pub(super) fn slower(&self) -> Duration {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = *next;
        *next = (pause * 2).min(LONGEST);
        pause
    }

    /// Something came.
    pub(super) fn quicken(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_nothing_comes_and_are_short_again_once_something_does() {
        let pace = Pace::default();
        let millis: Vec<u128> = (0..7).map(|_| pace.slower().as_millis()).collect();
        assert_eq!(millis, [50, 100, 200, 400, 800, 800, 800]);
        pace.quicken();
        assert_eq!(pace.slower(), SHORTEST);
    }
}
