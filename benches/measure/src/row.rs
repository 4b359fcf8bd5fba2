//! One line of the table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Sample;

/// What is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// Ours is at most so many times theirs: of times, sizes and counts.
    AtMost(f64),
    /// Ours is at least so many times theirs: of what is done in a second.
    AtLeast(f64),
    /// Ours is at most so much more than theirs, in the row's unit.
    AtMostMore(f64),
    /// Ours is at most this, in the row's unit, whatever theirs is.
    Within(f64),
}

impl Target {
    /// Whether ours is as it should be beside theirs.
    #[must_use]
    pub fn is_met(self, ours: f64, theirs: f64) -> bool {
        match self {
            Self::AtMost(times) => ours <= theirs * times,
            Self::AtLeast(times) => ours >= theirs * times,
            Self::AtMostMore(more) => ours <= theirs + more,
            Self::Within(limit) => ours <= limit,
        }
    }

    /// Whether more is better.
    #[must_use]
    pub fn wants_more(self) -> bool {
        matches!(self, Self::AtLeast(_))
    }

    /// As the table says it, in this unit.
    #[must_use]
    pub fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(times) => format!("<= {times:.2}x"),
            Self::AtLeast(times) => format!(">= {times:.2}x"),
            Self::AtMostMore(more) => format!("<= +{more} {unit}"),
            Self::Within(limit) => format!("<= {limit} {unit}"),
        }
    }
}

/// Ours beside the rival that is best at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `blob/get/1KiB/1t`; with its group before it, the row's name everywhere.
    pub name: String,
    /// Whom it is compared with: the best of those that were measured.
    pub rival: String,
    /// What is measured: `ns`, `op/s`, `MiB/s`, `allocations`, `bytes`.
    pub unit: String,
    /// Skyport's.
    pub ours: Sample,
    /// The rival's.
    pub theirs: Sample,
    /// What is aimed at.
    pub target: Target,
}

impl Row {
    /// Ours as a part of theirs. Nothing beside nothing is the same.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.ours.median == self.theirs.median { 1.0 } else { self.ours.median / self.theirs.median }
    }

    /// Whether the target is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.target.is_met(self.ours.median, self.theirs.median)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rival, unit, ours, theirs, target } = self;
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        write!(
            f,
            "{name}: {:.1} {unit} (+-{:.0} %), {rival} {:.1} (+-{:.0} %): {:.3}x, aimed at {}: {verdict}",
            ours.median,
            ours.spread() * 100.0,
            theirs.median,
            theirs.spread() * 100.0,
            self.ratio(),
            target.text(unit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_at_its_edge_and_missed_beyond() {
        for (target, at, beyond) in [
            (Target::AtMost(1.5), 15.0, 15.1),
            (Target::AtLeast(0.9), 9.0, 8.9),
            (Target::AtMostMore(5.0), 15.0, 15.1),
            (Target::Within(8.0), 8.0, 8.1),
        ] {
            assert!(target.is_met(at, 10.0), "{target:?}");
            assert!(!target.is_met(beyond, 10.0), "{target:?}");
        }
    }

    #[test]
    fn a_target_says_what_it_is() {
        assert_eq!(Target::AtMost(1.03).text("us"), "<= 1.03x");
        assert_eq!(Target::AtMostMore(5.0).text("allocations"), "<= +5 allocations");
        assert_eq!(Target::Within(1.0).text("us"), "<= 1 us");
    }
}
