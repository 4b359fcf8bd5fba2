//! The contract's section on functions, held against an adapter: what starts a function, and what becomes of it.

mod app;
mod context;
mod events;
mod http;
mod messages;
mod stage;
mod stopping;
mod traces;

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use skyport_core::Result;
use skyport_core::app::Functions;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

use crate::{CaseResult, Deviation, Outcome, assert_known};
use stage::Stage;

/// How the suite gets at an adapter.
#[async_trait]
pub trait TriggerHarness: Debug + Send + Sync + 'static {
    /// Stands in brackets before each case: `server`.
    fn name(&self) -> &'static str;

    /// A provider for one case, in that case's own runtime.
    ///
    /// # Errors
    /// Fails the case.
    async fn provider(&self) -> Result<Arc<dyn Provider>>;

    /// The URL of a resource of that name.
    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl;

    /// Serves an application: from then on its queues, buckets and routes start its functions. A call may take
    /// [`DEADLINE_MILLIS`] where its function does not say, and running work has [`GRACE_MILLIS`] when it is to stop.
    ///
    /// # Errors
    /// Fails the case.
    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>>;

    /// Where the emulator that it runs on is known to differ from its cloud.
    fn deviations(&self) -> Vec<Deviation> {
        Vec::new()
    }
}

/// The time of an HTTP call in the suite.
pub const DEADLINE_MILLIS: u64 = 2_000;

/// The grace period in the suite.
pub const GRACE_MILLIS: u64 = 300;

/// An application that an adapter serves.
#[async_trait]
pub trait Platform: Debug + Send + Sync {
    /// Sends a request as a client would, and reads the whole response.
    ///
    /// # Errors
    /// Where there is no response.
    async fn request(&self, request: ::http::Request<Bytes>) -> Result<::http::Response<Bytes>>;

    /// Makes a schedule's time come.
    ///
    /// # Errors
    /// Where the platform knows no such function.
    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()>;

    /// Asks the process to stop, as the platform does, and waits until it has.
    ///
    /// # Errors
    /// Where it ends in failure.
    async fn stop(&self) -> Result<()>;
}

type Run = fn(Arc<Stage>) -> Pin<Box<dyn Future<Output = CaseResult>>>;

/// A sentence about functions, as code.
#[derive(Clone, Copy)]
pub struct TriggerCase {
    name: &'static str,
    run: Run,
}

impl TriggerCase {
    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name.strip_prefix("skyport_conformance::").unwrap_or(self.name)
    }

    /// Runs it in a runtime of its own, and removes what it created, whatever came of it.
    ///
    /// # Errors
    /// What the case failed with.
    pub fn run(&self, harness: &Arc<dyn TriggerHarness>) -> CaseResult {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let stage = Stage::set(Arc::clone(harness)).await?;
            let local = tokio::task::LocalSet::new();
            let handle = local.spawn_local((self.run)(Arc::clone(&stage)));
            let result = local.run_until(handle).await;
            let struck = stage.strike().await;
            let outcome = match result {
                Ok(outcome) => outcome?,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            };
            struck?;
            Ok(outcome)
        })
    }
}

impl fmt::Debug for TriggerCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TriggerCase").field(&self.name()).finish()
    }
}

/// Lists async functions of this module as cases, by their own names.
macro_rules! trigger_cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) fn cases() -> Vec<$crate::trigger::TriggerCase> {
            vec![$($crate::trigger::TriggerCase {
                name: concat!(module_path!(), "::", stringify!($case)),
                run: |stage| Box::pin($case(stage)),
            }),*]
        }
    };
}
use trigger_cases;

/// Every case of the triggers.
#[must_use]
pub fn cases() -> Vec<TriggerCase> {
    [http::cases(), messages::cases(), events::cases(), context::cases(), traces::cases(), stopping::cases()]
        .concat()
}

/// Runs the cases against an adapter: the body of `main` in a test with `harness = false`.
///
/// Panics where a deviation names no case.
pub fn run(harness: impl TriggerHarness) -> ExitCode {
    let harness: Arc<dyn TriggerHarness> = Arc::new(harness);
    let mut arguments = Arguments::from_args();
    // Most cases wait rather than compute.
    arguments.test_threads.get_or_insert(8);
    let cases = cases();
    let deviations = harness.deviations();
    assert_known(&deviations, |name| cases.iter().any(|case| case.name() == name));
    let trials = cases.into_iter().map(|case| {
        let harness = Arc::clone(&harness);
        let kind = harness.name();
        let deviation = deviations.iter().find(|deviation| deviation.case == case.name()).copied();
        let run = move || {
            if let Some(deviation) = deviation {
                return Ok(Completion::ignored_with(deviation.reason));
            }
            match case.run(&harness) {
                Ok(Outcome::Passed) => Ok(Completion::Completed),
                Ok(Outcome::Skipped(reason)) => Ok(Completion::ignored_with(reason)),
                Err(error) => Err(Failed::from(error)),
            }
        };
        Trial::ignorable_test(case.name(), run).with_kind(kind)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
