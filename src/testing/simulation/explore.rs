//! Many seeds on all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::one::{Ended, Subject};
use super::progress::Progress;

/// So many violations are kept whole; of more only their number.
const KEPT: usize = 100;

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Which seeds, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub(super) first: u64,
    pub(super) seeds: u64,
    pub(super) threads: usize,
    /// Goes on after a violation.
    pub(super) all: bool,
    /// Panics are printed.
    pub(super) loud: bool,
}

/// What was counted and found.
#[derive(Debug, Default)]
pub(super) struct Explored {
    pub(super) seeds: u64,
    pub(super) faults: u64,
    pub(super) violations: u64,
    /// In the order of their seeds.
    pub(super) found: Vec<(u64, Ended)>,
    /// The last run, where there was but one.
    pub(super) only: Option<Ended>,
}

/// Runs the seeds in their order, several at once. Where it stops at the first violation, the one that it tells is that of the lowest
/// seed: all below it were begun before, and what was begun is ended.
pub(super) fn explore(subject: &Subject, course: Course, progress: &mut Progress) -> Explored {
    let (taken, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..course.threads.max(1) {
            let (sender, taken, stop) = (sender.clone(), &taken, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    let n = taken.fetch_add(1, Ordering::AcqRel);
                    if n >= course.seeds {
                        return;
                    }
                    let seed = course.first.wrapping_add(n);
                    let ended = subject.run(seed, None, course.loud);
                    // A run that hangs holds its core for good.
                    if ended.failure.is_some() && (!course.all || ended.hung) {
                        stop.store(true, Ordering::Release);
                    }
                    if sender.send((seed, ended)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        gather(&receiver, course, progress)
    })
}

fn gather(receiver: &Receiver<(u64, Ended)>, course: Course, progress: &mut Progress) -> Explored {
    let (began, mut explored) = (Instant::now(), Explored::default());
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok((seed, ended)) => explored.count(seed, ended, course),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        progress.exploring(began.elapsed(), &explored);
    }
    explored
}

impl Explored {
    fn count(&mut self, seed: u64, ended: Ended, course: Course) {
        self.seeds += 1;
        self.faults += ended.trace.len() as u64;
        if ended.failure.is_some() {
            // Where it stops at the first, those beyond it that had begun already are not told: on another day they would not have.
            let kept = if course.all { KEPT } else { 1 };
            self.violations = if course.all { self.violations + 1 } else { 1 };
            let at = self.found.partition_point(|(found, _)| *found < seed);
            if at < kept {
                self.found.insert(at, (seed, ended));
                self.found.truncate(kept);
            }
        } else if course.seeds == 1 {
            self.only = Some(ended);
        }
    }
}
