//! The contract where the way to AWS is bad, as `[aws-faulty]`: ministack behind a proxy that delays, resets, throttles, truncates and loses.

use std::process::ExitCode;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use skyport_aws::{Aws, AwsConfig};
use skyport_conformance::Deviation;
use skyport_conformance::faulty::{self, Dialect, Services};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

/// The environment variable that tells where ministack listens: `http://127.0.0.1:4566`.
const VARIABLE: &str = "SKYPORT_EMULATOR_MINISTACK";

/// What conformance.rs lists of it, as far as it is run here.
const COPIES: &str = "ministack ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed";

#[derive(Debug)]
struct Emulated {
    endpoint: String,
}

impl Services for Emulated {
    fn name(&self) -> &'static str {
        "aws-faulty"
    }

    fn upstreams(&self) -> Vec<(String, Dialect)> {
        vec![(self.endpoint.clone(), Dialect::Aws)]
    }

    fn provider(&self, urls: &[String]) -> Arc<dyn Provider> {
        let mut config = AwsConfig::default();
        config.region = Some("us-east-1".to_owned());
        config.endpoint = urls.first().cloned();
        let credentials = Credentials::new("test", "test", None, None, "tests");
        config.credentials = Some(SharedCredentialsProvider::new(credentials));
        Arc::new(Aws::with(config))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "sqs",
            ResourceKind::Table(_) => "dynamodb",
            _ => "s3",
        };
        ResourceUrl::new(scheme, name)
    }

    fn deviations(&self) -> Vec<Deviation> {
        let cases = [
            "blob::conditions::conditions_hold_for_copies",
            "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
            "faulty::creates::of_rivals_that_copy_to_an_object_one_wins_and_refusals_are_true",
        ];
        cases.map(|case| Deviation { case, reason: COPIES }).to_vec()
    }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let endpoint = std::env::var(VARIABLE).unwrap_or_default();
    if endpoint.is_empty() && !only_listed {
        eprintln!(
            "{VARIABLE} is not set: run `cargo xtask test`, which starts the emulators, or start them with `cargo xtask emulators` and \
             set what it says"
        );
        return ExitCode::FAILURE;
    }
    faulty::run(Emulated { endpoint })
}
