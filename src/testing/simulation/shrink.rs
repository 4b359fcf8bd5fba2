//! From many faults to the fewest that still break an invariant.

use std::time::{Duration, Instant};

/// What shrinking may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) runs: u32,
    pub(super) time: Duration,
}

/// What shrinking came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shrunk<T> {
    pub(super) left: Vec<T>,
    /// Runs that it took.
    pub(super) runs: u32,
    /// Not one of them can be left out; false where the budget ended before that was known.
    pub(super) fewest: bool,
}

/// Leaves parts out for as long as `breaks` says that the rest still breaks: first halves, then smaller and smaller parts, down to single
/// ones (Zeller's ddmin). `breaks` gives what of the rest was needed at all: a fault that struck no call any more has no part in it.
pub(super) fn fewest<T: Clone>(
    all: Vec<T>,
    budget: Budget,
    mut breaks: impl FnMut(&[T]) -> Option<Vec<T>>,
) -> Shrunk<T> {
    let began = Instant::now();
    let (mut left, mut parts, mut runs) = (all, 1, 0);
    while !left.is_empty() {
        let size = left.len().div_ceil(parts);
        let mut smaller = None;
        // From the end: what struck last strikes where the run was still the same.
        for part in (0..left.len().div_ceil(size)).rev() {
            if runs == budget.runs || began.elapsed() >= budget.time {
                return Shrunk { left, runs, fewest: false };
            }
            runs += 1;
            let without: Vec<T> = left
                .iter()
                .enumerate()
                .filter(|(n, _)| n / size != part)
                .map(|(_, one)| one.clone())
                .collect();
            smaller = breaks(&without).filter(|rest| rest.len() < left.len());
            if smaller.is_some() {
                break;
            }
        }
        match smaller {
            Some(rest) => {
                left = rest;
                parts = (parts - 1).max(2).min(left.len());
            }
            None if size == 1 => return Shrunk { left, runs, fewest: true },
            None => parts = (parts * 2).min(left.len()),
        }
    }
    Shrunk { left, runs, fewest: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Budget = Budget { runs: 1_000, time: Duration::from_secs(600) };

    fn needing(needed: &[u32], of: u32, budget: Budget) -> Shrunk<u32> {
        fewest((0..of).collect(), budget, |some| {
            needed.iter().all(|one| some.contains(one)).then(|| some.to_vec())
        })
    }

    #[test]
    fn exactly_what_is_needed_is_left() {
        for needed in [&[][..], &[0], &[63], &[17, 48], &[0, 1, 2], &[5, 31, 32, 63]] {
            let shrunk = needing(needed, 64, ENOUGH);
            assert_eq!(shrunk.left, needed);
            assert!(shrunk.fewest && shrunk.runs < 150, "{shrunk:?}");
        }
    }

    #[test]
    fn what_is_all_needed_stays_whole() {
        let shrunk = needing(&[0, 1, 2, 3, 4], 5, ENOUGH);
        assert_eq!((shrunk.left.len(), shrunk.fewest), (5, true));
    }

    #[test]
    fn a_budget_that_ends_leaves_what_breaks_and_says_so() {
        let shrunk = needing(&[17, 48], 64, Budget { runs: 5, ..ENOUGH });
        assert!(!shrunk.fewest && shrunk.left.contains(&17) && shrunk.left.contains(&48), "{shrunk:?}");
        assert_eq!(needing(&[1], 9, Budget { time: Duration::ZERO, ..ENOUGH }).runs, 0);
    }

    #[test]
    fn what_had_no_part_in_it_goes_at_once() {
        let shrunk = fewest((0..1_000).collect(), ENOUGH, |some| {
            (some.contains(&3) && some.contains(&700)).then(|| vec![3, 700])
        });
        assert_eq!(shrunk.left, [3, 700]);
        assert!(shrunk.runs < 15, "{}", shrunk.runs);
    }
}
