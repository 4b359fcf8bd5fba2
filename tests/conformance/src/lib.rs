//! The conformance suite: every sentence of Skyport's contract as a case that any provider can be held against.
//!
//! A provider hands over a [`Harness`] and calls [`run`] from a test binary without libtest's harness, or [`run_all`] with a
//! harness for each of its emulators; each case is then a test of its own, with libtest's options and exit code. A case that a provider's declared capabilities or its
//! emulator's listed [`Deviation`]s exclude is shown as ignored, with the reason.

use std::fmt::Debug;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

/// The code in the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-provider.md")]
mod guide {}

mod blob;
mod case;
pub mod faulty;
pub mod history;
mod inert;
mod kv;
mod lossy;
mod lossy_kv;
mod lossy_queue;
mod queue;
pub mod trigger;

pub use case::{Case, CaseResult, Context, Outcome};

/// How the suite gets at a provider.
#[async_trait]
pub trait Harness: Debug + Send + Sync + 'static {
    /// Stands in brackets before each case: `memory`.
    fn name(&self) -> &'static str;

    /// A provider for one case, in that case's own runtime. Cases run at once and must not see each other's resources:
    /// they choose names of their own.
    ///
    /// # Errors
    /// Fails the case.
    async fn start(&self) -> Result<Arc<dyn Provider>>;

    /// The URL of a resource of that name.
    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl;

    /// The ports whose cases are run: all of them, unless this is an emulator of some alone, beside another that has them all.
    fn ports(&self) -> &'static [Port] {
        &Port::ALL
    }

    /// Whether the provider runs on tokio's clock: cases then run with time paused.
    fn virtual_time(&self) -> bool;

    /// Whether a message that was acknowledged never comes again, and each delivery has a greater attempt than the one before: what no
    /// cloud promises.
    fn exact_queues(&self) -> bool {
        false
    }

    /// What the cloud itself does otherwise where it serves signed URLs; nothing, unless said.
    fn signed_urls(&self) -> SignedUrls {
        SignedUrls::default()
    }

    /// What signed URLs are sent over: certificates in PEM that are trusted, where they are HTTPS.
    fn certificates(&self) -> Option<Vec<u8>> {
        None
    }

    /// Where the emulator is known to differ from its cloud.
    fn deviations(&self) -> Vec<Deviation> {
        Vec::new()
    }
}

/// What a cloud does otherwise where it serves signed URLs.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignedUrls {
    /// Its HTTP names contents by other etags than the provider does.
    pub other_etags: bool,
    /// It calls a URL that is not good, or has expired, a bad request (400) rather than forbidden (403).
    pub bad_requests: bool,
    /// It does not tell a URL that has expired from one that is not good.
    pub expiry_untold: bool,
    /// What is added to a URL's query does not make it bad.
    pub open_query: bool,
    /// It forbids (403) a PUT that only creates where something is, rather than to call that a conflict.
    pub forbids_overwriting: bool,
    /// It takes a PUT with another content type than the signed one, which is kept: that stands in a header of its own.
    pub keeps_content_type: bool,
    /// Whoever calls cannot bind a content type: to sign a PUT with one is `Unsupported`.
    pub binds_no_content_type: bool,
    /// It says of a DELETE that it was accepted (202) rather than that there is nothing more (204).
    pub accepts_deletes: bool,
}

/// A port, whose cases' names begin with its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// `blob::`
    Blob,
    /// `queue::`
    Queue,
    /// `kv::`
    Kv,
}

impl Port {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Blob, Self::Queue, Self::Kv];

    /// Its cases.
    fn cases(self) -> Vec<Case> {
        match self {
            Self::Blob => blob::cases(),
            Self::Queue => queue::cases(),
            Self::Kv => kv::cases(),
        }
    }
}

/// A case that an emulator is known to fail although its cloud would not, and where it is proven instead.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// The case's full name: `blob::conditions::if_absent_creates_once`.
    pub case: &'static str,
    /// Why, and what proves the sentence instead.
    pub reason: &'static str,
}

/// Every case of every port.
#[must_use]
pub fn cases() -> Vec<Case> {
    Port::ALL.map(Port::cases).concat()
}

/// Runs the suite against a provider: the body of `main` in a test with `harness = false`.
///
/// Panics where a deviation names no case.
pub fn run(harness: impl Harness) -> ExitCode {
    run_all(vec![Arc::new(harness)])
}

/// Runs the suite against each of several, as one: a provider on all of its emulators. Their names tell them apart.
///
/// Panics where [`run`] does.
pub fn run_all(harnesses: Vec<Arc<dyn Harness>>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most cases wait rather than compute.
    arguments.test_threads.get_or_insert(8);
    let mut trials = Vec::new();
    for harness in harnesses {
        let cases: Vec<Case> = harness.ports().iter().flat_map(|port| port.cases()).collect();
        let deviations = harness.deviations();
        assert_known(&deviations, |name| cases.iter().any(|case| case.name() == name));
        for case in &cases {
            let deviation = deviations.iter().find(|deviation| deviation.case == case.name());
            trials.push(trial(Arc::clone(&harness), case.clone(), deviation.copied()));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A list must not outlive what it excuses.
pub(crate) fn assert_known(deviations: &[Deviation], is_case: impl Fn(&str) -> bool) {
    for Deviation { case, .. } in deviations {
        assert!(is_case(case), "no case is called {case}");
    }
}

fn trial(harness: Arc<dyn Harness>, case: Case, deviation: Option<Deviation>) -> Trial {
    let kind = harness.name();
    let name = case.name().to_owned();
    Trial::ignorable_test(name, move || {
        if let Some(deviation) = deviation {
            return Ok(Completion::ignored_with(deviation.reason));
        }
        match case.run(harness) {
            Ok(Outcome::Passed) => Ok(Completion::Completed),
            Ok(Outcome::Skipped(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(Failed::from(error)),
        }
    })
    .with_kind(kind)
}
