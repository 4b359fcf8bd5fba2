//! How the work on one message ended, whoever did it and whatever settles it.

use std::time::Duration;

/// What becomes of one message once its handler is through with it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done and never comes again.
    Done,
    /// It comes again, until its attempts are spent.
    Retry {
        /// Not before so long; `None` leaves it to the backoff of whoever settles it.
        after: Option<Duration>,
        /// What went wrong, for the log.
        error: String,
    },
    /// It can never succeed and goes to the dead letters.
    Dead {
        /// Why; at most 256 bytes reach the dead letter.
        reason: String,
    },
}

impl Outcome {
    /// Again, after the usual backoff.
    #[must_use]
    pub fn retry(error: impl Into<String>) -> Self {
        Self::Retry { after: None, error: error.into() }
    }

    /// Again, not before `after`.
    #[must_use]
    pub fn retry_after(after: Duration, error: impl Into<String>) -> Self {
        Self::Retry { after: Some(after), error: error.into() }
    }

    /// To the dead letters.
    #[must_use]
    pub fn dead(reason: impl Into<String>) -> Self {
        Self::Dead { reason: reason.into() }
    }

    /// The worse of two: again is worse than for good, and for good worse than done. For one event that several functions had.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |outcome: &Self| match outcome {
            Self::Done => 0,
            Self::Dead { .. } => 1,
            Self::Retry { .. } => 2,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// Whether the message is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_outcomes_the_worse_is_told_and_of_equals_the_first() {
        let (done, dead, again) = (Outcome::Done, Outcome::dead("never"), Outcome::retry("not now"));
        assert_eq!(done.clone().worse(dead.clone()), dead);
        assert_eq!(again.clone().worse(dead.clone()), again);
        assert_eq!(dead.clone().worse(again.clone()), again);
        assert_eq!(again.clone().worse(Outcome::retry("later")), again);
        assert_eq!(done.clone().worse(Outcome::Done), done);
    }
}
