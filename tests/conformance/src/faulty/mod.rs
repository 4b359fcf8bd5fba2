//! The contract where the way to a service is bad: a provider's services behind proxies that delay, reset, throttle, truncate and lose.
//!
//! The retry layer is around every resource, as `skyport::run` puts it there. [`run`] holds a provider in two ways:
//!
//! - Cases of the suite as they are, under faults that the contract hides altogether where a call is repeated often enough.
//! - Cases of their own, `faulty::..`, for what may end in several ways: much is done in a storm, then the line is calm, and what stands there must
//!   agree with every answer that was given.
//!
//! What strikes follows from a case's name and `SKYPORT_SEED`, 0 where it is not set; the order of requests that are made at once follows from
//! the machine.

mod blob;
mod creates;
mod kv;
mod line;
mod sends;
mod settles;
mod stage;
mod streams;
mod transactions;
mod unmodified;
mod weather;

use std::fmt::Debug;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
pub use skyport_proxy::Dialect;
use skyport_proxy::{Fault, Tally};

use crate::{Case, Deviation, assert_known, trial};
use line::Behind;
use weather::Weather;

/// A provider's services, before which proxies are put.
pub trait Services: Debug + Send + Sync + 'static {
    /// Stands in brackets before each case: `aws-faulty`.
    fn name(&self) -> &'static str;

    /// Where each service is, as `http://127.0.0.1:9000/path`, and how it is spoken to.
    fn upstreams(&self) -> Vec<(String, Dialect)>;

    /// A provider that finds its services at these URLs, in the order of [`upstreams`](Self::upstreams).
    fn provider(&self, urls: &[String]) -> Arc<dyn Provider>;

    /// The URL of a resource of that name.
    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl;

    /// How long a message stays hidden whose receive was answered into the void, where that is longer than the lease that was asked for.
    fn hidden(&self) -> Duration {
        Duration::ZERO
    }

    /// Where the emulator is known to differ from its cloud.
    fn deviations(&self) -> Vec<Deviation> {
        Vec::new()
    }
}

/// Runs a provider's cases behind the proxies: the body of `main` in a test with `harness = false`. Notes how many requests there were, and
/// which faults.
///
/// Where all cases run and one kind of fault never struck, the run fails: a provider may not go through its proxies.
///
/// Panics where a deviation names no case.
pub fn run(services: impl Services) -> ExitCode {
    let services: Arc<dyn Services> = Arc::new(services);
    let mut arguments = Arguments::from_args();
    // Most cases wait rather than compute.
    arguments.test_threads.get_or_insert(8);
    let sum = Arc::new(Tally::default());
    let deviations = services.deviations();
    let mut trials = Vec::new();
    let mut names = Vec::new();
    let mut add = |case: Case, behind: Arc<Behind>| {
        names.push(case.name().to_owned());
        let deviation = deviations.iter().find(|deviation| deviation.case == case.name()).copied();
        trials.push(trial(behind, case, deviation));
    };
    let behind =
        |name: &str, weather| Arc::new(Behind::new(Arc::clone(&services), name, weather, Arc::clone(&sum)));
    for (case, weather) in unmodified::cases() {
        let behind = behind(case.name(), weather);
        add(case, behind);
    }
    for own in stage::cases() {
        let behind = behind(own.name(), Weather::Storm);
        add(own.on(Arc::clone(&behind)), behind);
    }
    assert_known(&deviations, |name| names.iter().any(|known| known == name));
    report(&arguments, trials, &services, &sum)
}

/// Without what says that it is behind proxies: `aws`.
fn cloud(services: &dyn Services) -> &'static str {
    services.name().trim_end_matches("-faulty")
}

fn report(arguments: &Arguments, trials: Vec<Trial>, services: &Arc<dyn Services>, sum: &Tally) -> ExitCode {
    let ended = libtest_mimic::run(arguments, trials);
    if sum.requests() > 0 {
        let cases = ended.num_passed + ended.num_failed;
        skyport_figures::record(
            &format!("faulty::{}", cloud(services.as_ref())),
            &format!("{cases} cases, {sum}"),
        );
    }
    let missing: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| sum.struck(*fault) == 0).collect();
    if runs_all(arguments) && !missing.is_empty() {
        complain(services.name(), &missing);
        return ExitCode::FAILURE;
    }
    ended.exit_code()
}

/// Whether no case is left out, and the cases are not only listed.
fn runs_all(arguments: &Arguments) -> bool {
    let chosen = arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.ignored;
    !chosen && !arguments.list
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it fails")]
fn complain(name: &str, missing: &[Fault]) {
    eprintln!(
        "{name}: no request was struck by {missing:?}; see whether the provider takes the URLs of its proxies"
    );
}
