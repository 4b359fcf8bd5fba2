//! What a simulation does with each seed, and one run of it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::app::{App, Resources};
use skyport_core::{BoxError, Determined};
use skyport_memory::{Chaos, Memory};

use super::one::Sight;
use crate::testing::{Test, start};

type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Drive<R, T> = Box<dyn for<'a> Fn(&'a Test<R>, u64) -> Local<'a, T> + Send + Sync>;
type Then<R> = Box<dyn for<'a> Fn(&'a Test<R>) -> Local<'a, ()> + Send + Sync>;
type Check<R, T> = Box<dyn for<'a> Fn(&'a R, &'a T) -> Local<'a, Result<(), BoxError>> + Send + Sync>;

/// The part of a run in which something was wrong.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The application did not start.
    Start,
    /// What drives it panicked.
    Drive,
    /// After the faults it did not come to rest.
    Settle,
    /// What was done after that panicked; counted from 1.
    Then(usize),
    /// An invariant does not hold; counted from 1.
    Check(usize),
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Drive => f.write_str("drive"),
            Self::Settle => f.write_str("settle"),
            Self::Then(n) => write!(f, "then {n}"),
            Self::Check(n) => write!(f, "check {n}"),
        }
    }
}

/// What was wrong, and in which part of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) phase: Phase,
    pub(super) what: String,
}

/// What is done in each run.
pub(super) struct Plan<R: Resources, T> {
    app: Arc<dyn Fn() -> App<R> + Send + Sync>,
    drive: Drive<R, T>,
    then: Vec<Then<R>>,
    checks: Vec<Check<R, T>>,
}

impl<R: Resources, T: 'static> Plan<R, T> {
    pub(super) fn new<D>(app: Arc<dyn Fn() -> App<R> + Send + Sync>, drive: D) -> Self
    where
        D: AsyncFn(&Test<R>, u64) -> T + Send + Sync + 'static,
    {
        let drive = Arc::new(drive);
        let drive: Drive<R, T> = Box::new(move |test, seed| {
            let drive = Arc::clone(&drive);
            Box::pin(async move { drive(test, seed).await })
        });
        Self { app, drive, then: Vec::new(), checks: Vec::new() }
    }

    pub(super) fn then<D>(&mut self, then: D)
    where
        D: AsyncFn(&Test<R>) + Send + Sync + 'static,
    {
        let then = Arc::new(then);
        self.then.push(Box::new(move |test| {
            let then = Arc::clone(&then);
            Box::pin(async move { then(test).await })
        }));
    }

    pub(super) fn check<C>(&mut self, check: C)
    where
        C: AsyncFn(&R, &T) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        let check = Arc::new(check);
        self.checks.push(Box::new(move |resources, seen| {
            let check = Arc::clone(&check);
            Box::pin(async move { check(resources, seen).await })
        }));
    }

    /// One run, on the calling thread, from its beginning to its end; `limit` is of virtual time. What was wrong, or nothing.
    ///
    /// # Panics
    /// Where the application, what drives it or a check does.
    pub(super) fn run(&self, seed: u64, chaos: Chaos, limit: Duration, sight: &Sight) -> Option<String> {
        // Before the runtime, which draws, too.
        let _determined = Determined::by(seed);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = match runtime.enable_time().start_paused(true).build() {
            Ok(runtime) => runtime,
            Err(error) => return Some(format!("there is no runtime to run it in: {error}")),
        };
        let running = async {
            match tokio::time::timeout(limit, self.live(seed, chaos, sight)).await {
                Ok(ended) => ended.err(),
                Err(_) => Some(format!(
                    "it was not over after {} h of virtual time: what it waits for does not come, or raise Simulation::virtual_limit",
                    limit.as_secs_f64() / 3_600.0
                )),
            }
        };
        runtime.block_on(running)
    }

    async fn live(&self, seed: u64, chaos: Chaos, sight: &Sight) -> Result<(), String> {
        let memory = Memory::builder().seed(seed).build();
        sight.of(memory.faults().clone());
        let test = start((self.app)()).on(memory).await;
        // By hand: a simulation tells the faults of a run that panics itself, and not of each of thousands.
        test.memory().faults().unleash(chaos);
        sight.enter(Phase::Drive);
        let seen = (self.drive)(&test, seed).await;
        test.calm();
        sight.enter(Phase::Settle);
        test.settle().await;
        for (n, then) in self.then.iter().enumerate() {
            sight.enter(Phase::Then(n + 1));
            then(&test).await;
            test.settle().await;
        }
        for (n, check) in self.checks.iter().enumerate() {
            sight.enter(Phase::Check(n + 1));
            check(test.resources(), &seen).await.map_err(|error| told(&*error))?;
        }
        Ok(())
    }
}

/// An error with its causes.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
