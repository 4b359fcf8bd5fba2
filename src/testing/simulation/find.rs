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

/// The runs that shrinking one violation may take.
const RUNS: u32 = 500;

/// The report of what was explored. The first violation is shrunk, for so long at most, where a time is given; the others would take as long
/// again.
pub(super) fn report(
    name: String,
    explored: Explored,
    subject: &Subject,
    shrink: Option<Duration>,
    progress: &mut Progress,
) -> Report {
    let mut found = Vec::with_capacity(explored.found.len());
    for (n, (seed, ended)) in explored.found.into_iter().enumerate() {
        let injected = ended.trace.len();
        let Some((failure, faults, shrinking)) =
            known(shrink.filter(|_| n == 0), seed, ended, subject, progress)
        else {
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
    shrink: Option<Duration>,
    seed: u64,
    ended: Ended,
    subject: &Subject,
    progress: &mut Progress,
) -> Option<(Failure, Vec<Injected>, Shrinking)> {
    let Ended { failure, trace, hung } = ended;
    let failure = failure?;
    let Some(time) = shrink.filter(|_| !hung) else {
        return Some((failure, trace, Shrinking::Not));
    };
    let again = subject.run(seed, None, false);
    if again.trace != trace || again.failure.as_ref() != Some(&failure) {
        return Some((failure, trace, Shrinking::NotRepeated));
    }
    let all = subject.run(seed, Some(&trace), false);
    if all.failure.is_none_or(|other| other.phase != failure.phase) {
        return Some((failure, trace, Shrinking::NotReplayed));
    }
    Some(shrunk(seed, failure, trace, Budget { runs: RUNS, time }, subject, progress))
}

/// Leaves out faults for as long as the same part of the run fails.
fn shrunk(
    seed: u64,
    failure: Failure,
    trace: Vec<Injected>,
    budget: Budget,
    subject: &Subject,
    progress: &mut Progress,
) -> (Failure, Vec<Injected>, Shrinking) {
    let (began, mut runs, mut latest) = (Instant::now(), 0, failure);
    let mut left = trace.len();
    let shrunk = fewest(trace, budget, |some| {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::explore::{Course, explore};
    use super::super::one::Sight;
    use super::*;

    /// What is found of a run that `fails`, given the only faults that may strike; and how often it ran.
    fn found(
        shrink: Option<Duration>,
        fails: impl Fn(Option<&[Injected]>) -> bool + Send + Sync + 'static,
    ) -> (Violation, u32) {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let work = move |_: u64, only: Option<&[Injected]>, _: &Sight| {
            counted.fetch_add(1, Ordering::Relaxed);
            fails(only).then(|| "it rains".to_owned())
        };
        let subject = Subject { work: Arc::new(work), limit: Duration::from_secs(600) };
        let course = Course { first: 7, seeds: 1, threads: 1, all: false, loud: false };
        let mut progress = Progress::new("rain", 1);
        let explored = explore(&subject, course, &mut progress);
        let mut report = report("rain".to_owned(), explored, &subject, shrink, &mut progress);
        (report.found.remove(0), runs.load(Ordering::Relaxed))
    }

    #[test]
    fn a_seed_that_is_not_to_be_shrunk_runs_once() {
        let (violation, runs) = found(None, |_| true);
        assert_eq!((violation.shrinking, violation.seed, runs), (Shrinking::Not, 7, 1));
    }

    #[test]
    fn faults_that_do_not_fail_when_they_are_replayed_are_told_to_be_so() {
        let (violation, runs) = found(Some(Duration::from_secs(600)), |only| only.is_none());
        assert_eq!((violation.shrinking, runs), (Shrinking::NotReplayed, 3));
    }
}
