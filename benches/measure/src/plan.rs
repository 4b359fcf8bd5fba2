//! How long is measured.

use std::time::{Duration, Instant};

/// How many rounds there are, and within which time.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Whether it is to be over soon: fewer rounds, and for a group also smaller sizes where that keeps the ratio.
    pub quick: bool,
    rounds: usize,
    time: Duration,
    warm: bool,
}

impl Plan {
    /// Of a contest: 31 rounds within 20 seconds, or quick 7 within 2. Never fewer than 3, however long they take.
    #[must_use]
    pub fn new(quick: bool) -> Self {
        match quick {
            true => Self { quick, rounds: 7, time: Duration::from_secs(2), warm: true },
            false => Self { quick, rounds: 31, time: Duration::from_secs(20), warm: true },
        }
    }

    /// At most so many rounds, for what takes long.
    #[must_use]
    pub fn at_most(self, rounds: usize) -> Self {
        Self { rounds: self.rounds.min(rounds), ..self }
    }

    /// So many rounds, however long they take, or with `--quick` as few as ever: for what is to come to a sum.
    #[must_use]
    pub fn all(self, rounds: usize) -> Self {
        if self.quick { self } else { Self { rounds, time: Duration::MAX, ..self } }
    }

    /// One round, and none before it to warm up: for what takes minutes.
    #[must_use]
    pub fn once(self) -> Self {
        Self { rounds: 1, warm: false, ..self }
    }

    /// Just so many rounds, and none before them.
    #[must_use]
    pub(crate) fn exactly(self, rounds: usize) -> Self {
        Self { rounds, time: Duration::MAX, warm: false, ..self }
    }

    /// `many`, or with `--quick` `few`.
    #[must_use]
    pub fn pick<T>(self, many: T, few: T) -> T {
        if self.quick { few } else { many }
    }

    /// Whether there is a round before those that count.
    pub(crate) fn is_warmed(self) -> bool {
        self.warm
    }

    /// Whether another round is due, after so many since then.
    pub(crate) fn goes_on(self, done: usize, began: Instant) -> bool {
        done < 3.min(self.rounds) || (done < self.rounds && began.elapsed() < self.time)
    }
}
