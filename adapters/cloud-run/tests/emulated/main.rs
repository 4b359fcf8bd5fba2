//! The contract's section on functions once more, with Google's own Pub/Sub emulator, which pushes: queues through the provider `gcp`,
//! and buckets of the strict test server in `tests/gcs`, whose notifications go to topics of the emulator.
//!
//! A [`relay`] stands before the adapter. It passes pushes on as they come, and writes down what becomes of them: Pub/Sub itself does
//! not count messages, and the cases ask how many are left.
#![allow(clippy::expect_used)]

mod counted;
mod harness;
mod ledger;
mod pubsub;
mod relay;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use harness::Emulated;
use skyport_conformance::trigger;

/// Where the emulator listens; `cargo xtask test` starts it.
const ENDPOINT: &str = "SKYPORT_EMULATOR_PUBSUB";

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
    // A list of the cases needs no emulator.
    if endpoint.is_empty() && std::env::args().all(|argument| argument != "--list") {
        eprintln!(
            "{ENDPOINT} is not set: run `cargo xtask test`, which starts the emulator, or start it with `cargo xtask emulators` \
             and set what it says"
        );
        return ExitCode::FAILURE;
    }
    trigger::run(Emulated::new(endpoint))
}
