//! One seed, on a thread of its own, with a limit of real time.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use skyport_memory::{Faults, Injected};

use super::panics;
use super::plan::{Failure, Phase};

/// One run that has ended, or was given up.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) failure: Option<Failure>,
    pub(super) trace: Vec<Injected>,
    /// It still runs, on a thread that nobody can end.
    pub(super) hung: bool,
}

/// What is seen of a run from outside.
#[derive(Debug, Default)]
pub(super) struct Sight {
    faults: OnceLock<Faults>,
    phase: Mutex<Option<Phase>>,
}

impl Sight {
    pub(super) fn of(&self, faults: Faults) {
        // Each run has one of its own.
        let _ = self.faults.set(faults);
    }

    pub(super) fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = Some(phase);
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(Phase::Start)
    }

    pub(super) fn trace(&self) -> Vec<Injected> {
        self.faults.get().map(Faults::trace).unwrap_or_default()
    }
}

/// A run's work: the seed, and the only faults that may strike, where they are given. What was wrong, or nothing; a panic is wrong, too.
pub(super) type Work = dyn Fn(u64, Option<&[Injected]>, &Sight) -> Option<String> + Send + Sync;

/// What is run with each seed.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) work: Arc<Work>,
    /// In real time.
    pub(super) limit: Duration,
}

impl Subject {
    /// Runs one seed to its end, or to the limit.
    pub(super) fn run(&self, seed: u64, only: Option<&[Injected]>, loud: bool) -> Ended {
        let (work, only, sight) =
            (Arc::clone(&self.work), only.map(<[_]>::to_vec), Arc::new(Sight::default()));
        let (sender, receiver) = mpsc::channel();
        let its = Arc::clone(&sight);
        let running = move || {
            if !loud {
                panics::keep_silent();
            }
            let worked = catch_unwind(AssertUnwindSafe(|| work(seed, only.as_deref(), &its)));
            let wrong = worked.unwrap_or_else(|payload| Some(panics::told(&*payload)));
            // Nobody waits any more where it came too late.
            drop(sender.send(wrong));
        };
        if let Err(error) = thread::Builder::new().name(format!("seed {seed}")).spawn(running) {
            return sight.ended(Some(format!("there is no thread to run it on: {error}")), false);
        }
        match receiver.recv_timeout(self.limit) {
            Ok(wrong) => sight.ended(wrong, false),
            Err(RecvTimeoutError::Timeout) => {
                let what = format!(
                    "it was not over after {:?} of real time: code blocks its thread or loops, or raise Simulation::real_limit",
                    self.limit
                );
                sight.ended(Some(what), true)
            }
            Err(RecvTimeoutError::Disconnected) => {
                sight.ended(Some("its thread broke off".to_owned()), false)
            }
        }
    }
}

impl Sight {
    fn ended(&self, wrong: Option<String>, hung: bool) -> Ended {
        let failure = wrong.map(|what| Failure { phase: self.phase(), what });
        Ended { failure, trace: self.trace(), hung }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("limit", &self.limit).finish_non_exhaustive()
    }
}
