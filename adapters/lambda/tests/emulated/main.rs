//! The contract's section on functions once more, called by an emulator of AWS: its event source mappings, its notifications of
//! buckets, its Function URLs and its invocations, with its own queues and buckets through the provider `aws`.
//!
//! The cases hold the application in this process, and the emulator runs programs. So the program that is deployed is a
//! [`relay`]: it hands each invocation over to the Runtime API in this process, and its answer back.
#![allow(clippy::expect_used)]

mod deployed;
mod emulator;
mod harness;
mod http1;
mod relay;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use harness::Emulated;
use skyport_conformance::trigger;

/// Where the emulator listens; `cargo xtask test` starts it.
const ENDPOINT: &str = "SKYPORT_EMULATOR_MINISTACK";

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    if let Ok(address) = std::env::var(relay::ADDRESS) {
        return relay::main(&address);
    }
    let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
    // A list of the cases needs no emulator.
    if endpoint.is_empty() && std::env::args().all(|argument| argument != "--list") {
        eprintln!(
            "{ENDPOINT} is not set: run `cargo xtask test`, which starts the emulator, or start it with `cargo xtask emulators` \
             and set what it says"
        );
        return ExitCode::FAILURE;
    }
    support::on_lambda(|api| trigger::run(Emulated::new(api, endpoint)))
}
