//! What a simulation found, for people and for programs.

use std::fmt;

use skyport_memory::Injected;

use super::plan::Phase;

/// So many faults of a violation are shown.
const SHOWN: usize = 40;

/// So many violations are shown.
const LISTED: usize = 10;

/// What a [`Simulation`](super::Simulation) counted and found. Shown as `N seeds, N faults, N violations`.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The simulation's.
    pub name: String,
    /// Seeds that were run; those that shrinking ran again are not counted.
    pub seeds: u64,
    /// Faults that were injected in all of them.
    pub faults: u64,
    /// Seeds that broke an invariant.
    pub violations: u64,
    /// The violations, by their seeds; of more than 100 the first 100. The first of them was shrunk to the fewest faults.
    pub found: Vec<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seeds, {} faults, {} violations", self.seeds, self.faults, self.violations)
    }
}

impl Report {
    /// The first violation in full, since it was shrunk; of the next their first lines.
    pub(super) fn shown(&self) -> String {
        let mut lines = Vec::new();
        for (n, violation) in self.found.iter().take(LISTED).enumerate() {
            match n {
                0 => lines.push(format!("{violation}\n")),
                _ => lines.push(format!("seed {}, {}: {}", violation.seed, violation.phase, violation.what)),
            }
        }
        let more = self.violations - lines.len() as u64;
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}

/// A seed that breaks an invariant, and by which faults. Shown as a person reads it, with how to run it again.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// Where in the run.
    pub phase: Phase,
    /// What the check said, or the panic.
    pub what: String,
    /// The faults that break it, in their order: the fewest, where it was shrunk, else all that were injected.
    pub faults: Vec<Injected>,
    /// How many were injected in the seed's run.
    pub injected: usize,
    /// What is known of `faults`.
    pub shrinking: Shrinking,
    /// How it is run again, where its test calls [`run`](super::Simulation::run): `SKYPORT_SEED=7 cargo test -p mail simulation::mail`.
    pub replay: String,
}

/// What is known of the faults of a [`Violation`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrinking {
    /// None of them can be left out; after so many runs.
    Fewest(u32),
    /// Fewer may do: its runs or its time were spent before that was known.
    CutShort(u32),
    /// They were not shrunk: it is not the first violation, its run hangs, or it is the one seed that `SKYPORT_SEED` asked for.
    Not,
    /// They were not shrunk: with these faults injected again, as they are told, the run does not fail in the same part.
    NotReplayed,
    /// A second run with the same seed went otherwise: the run depends on something beside the seed, such as real time, random numbers of
    /// its own, or threads.
    NotRepeated,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, injected) = (self.faults.len(), self.injected);
        writeln!(f, "seed {}, {}: {}", self.seed, self.phase, self.what)?;
        match self.shrinking {
            Shrinking::Fewest(_) if left == 0 => {
                writeln!(f, "  it needs no fault: it happens by itself ({injected} were injected)")?;
            }
            Shrinking::Fewest(runs) => writeln!(
                f,
                "  of the {injected} faults injected, {left} break it, and none of them can be left out ({runs} runs):"
            )?,
            Shrinking::CutShort(runs) => writeln!(
                f,
                "  of the {injected} faults injected, {left} break it; fewer may do, shrinking was cut short after {runs} runs:"
            )?,
            Shrinking::Not => writeln!(f, "  {injected} faults were injected:")?,
            Shrinking::NotReplayed => writeln!(
                f,
                "  injected again one by one, these faults do not break it, so the fewest are not known.\n  {injected} faults were injected:"
            )?,
            Shrinking::NotRepeated => writeln!(
                f,
                "  a second run of this seed went otherwise: it depends on something beside the seed, such as real time, random numbers, \
                 threads, or the order of a HashMap.\n  {injected} faults were injected:"
            )?,
        }
        for fault in self.faults.iter().take(SHOWN) {
            writeln!(f, "    {fault}")?;
        }
        if left > SHOWN {
            writeln!(f, "    and {} more", left - SHOWN)?;
        }
        write!(f, "  again: {}", self.replay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(seed: u64, shrinking: Shrinking) -> Violation {
        let (what, replay) =
            ("one letter is lost".to_owned(), format!("SKYPORT_SEED={seed} cargo test mail"));
        Violation { seed, phase: Phase::Check(2), what, faults: Vec::new(), injected: 41, shrinking, replay }
    }

    #[test]
    fn a_violation_says_what_is_known_of_its_faults() {
        for (shrinking, part) in [
            (Shrinking::Fewest(3), "it needs no fault: it happens by itself (41 were injected)"),
            (Shrinking::CutShort(500), "fewer may do, shrinking was cut short after 500 runs"),
            (Shrinking::Not, "41 faults were injected"),
            (Shrinking::NotReplayed, "injected again one by one, these faults do not break it"),
            (Shrinking::NotRepeated, "a second run of this seed went otherwise"),
        ] {
            let text = violation(7, shrinking).to_string();
            assert!(
                text.starts_with("seed 7, check 2: one letter is lost\n  ") && text.contains(part),
                "{text}"
            );
            assert!(text.ends_with("\n  again: SKYPORT_SEED=7 cargo test mail"), "{text}");
        }
    }

    #[test]
    fn of_many_violations_the_first_is_shown_in_full_and_the_last_are_counted() {
        let found: Vec<Violation> = (0..30).map(|seed| violation(seed, Shrinking::Not)).collect();
        let report = Report { name: "mail".to_owned(), seeds: 100, faults: 300, violations: 50, found };
        let shown = report.shown();
        assert_eq!(shown.matches("again:").count(), 1, "{shown}");
        assert!(shown.contains("\nseed 9, check 2: one letter is lost\nand 40 more"), "{shown}");
        assert_eq!(report.to_string(), "100 seeds, 300 faults, 50 violations");
    }
}
