//! The contract's section on functions, on Cloud Run: over real sockets, in real time, with the fakes behind it. A push service of
//! the test's own takes messages from the fakes' queues and posts them as Pub/Sub does.
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use skyport_conformance::trigger;
use support::platform::OnCloudRun;

fn main() -> ExitCode {
    trigger::run(OnCloudRun)
}
