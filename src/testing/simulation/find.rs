//! From failed runs to violations: run again, and shrunk.

use std::time::{Duration, Instant};

use skyport_memory::Injected;

use super::explore::Explored;
use super::one::{Ended, Subject};
use super::plan::Failure;
use super::progress::Progress;
use super::report::{Report, Shrinking, Violation};
use super::settings;
use super::shrink::{Budget, fewest};

/// What shrinking one violation may take.
const BUDGET: Budget = Budget { runs: 500, time: Duration::from_secs(60) };

/// The report of what was explored. The first violation is shrunk; the others would take as long again.
pub(super) fn report(name: String, explored: Explored, subject: &Subject, progress: &mut Progress) -> Report {
    let mut found = Vec::with_capacity(explored.found.len());
    for (n, (seed, ended)) in explored.found.into_iter().enumerate() {
        let injected = ended.trace.len();
        let Some((failure, faults, shrinking)) = known(n == 0, seed, ended, subject, progress) else {
            continue;
        };
        let Failure { phase, what } = failure;
        found.push(Violation {
            seed,
            phase,
            what,
            faults,
            injected,
            shrinking,
            replay: settings::replay(seed),
        });
    }
    progress.rest();
    Report { name, seeds: explored.seeds, faults: explored.faults, violations: explored.violations, found }
}

fn known(
    first: bool,
    seed: u64,
    ended: Ended,
    subject: &Subject,
    progress: &mut Progress,
) -> Option<(Failure, Vec<Injected>, Shrinking)> {
    let Ended { failure, trace, hung } = ended;
    let failure = failure?;
    if hung || !first {
        return Some((failure, trace, Shrinking::Not));
    }
    let again = subject.run(seed, None, false);
    if again.trace != trace || again.failure.as_ref() != Some(&failure) {
        return Some((failure, trace, Shrinking::NotRepeated));
    }
    let all = subject.run(seed, Some(&trace), false);
    if all.failure.is_none_or(|other| other.phase != failure.phase) {
        return Some((failure, trace, Shrinking::Not));
    }
    Some(shrunk(seed, failure, trace, subject, progress))
}

/// Leaves out faults for as long as the same part of the run fails.
fn shrunk(
    seed: u64,
    failure: Failure,
    trace: Vec<Injected>,
    subject: &Subject,
    progress: &mut Progress,
) -> (Failure, Vec<Injected>, Shrinking) {
    let (began, mut runs, mut latest) = (Instant::now(), 0, failure);
    let mut left = trace.len();
    let shrunk = fewest(trace, BUDGET, |some| {
        runs += 1;
        progress.shrinking(began.elapsed(), seed, left, runs);
        let ended = subject.run(seed, Some(some), false);
        let failed = ended.failure.filter(|other| other.phase == latest.phase && !ended.hung)?;
        (latest, left) = (failed, ended.trace.len());
        Some(ended.trace)
    });
    let known = if shrunk.fewest { Shrinking::Fewest(shrunk.runs) } else { Shrinking::CutShort(shrunk.runs) };
    (latest, shrunk.left, known)
}
