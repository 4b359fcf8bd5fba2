//! What a simulation found, for people and for programs.

use std::fmt;

use skyport_memory::Injected;

use super::plan::Phase;

/// So many faults of a violation are shown.
const SHOWN: usize = 40;

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
    /// How it is run again: `SKYPORT_SEED=7 cargo test simulation::photos`.
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
    /// They were not shrunk: it is not the first violation, or its run hangs.
    Not,
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
