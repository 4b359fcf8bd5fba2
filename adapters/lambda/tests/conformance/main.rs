//! The contract's section on functions, on Lambda: a Runtime API over real sockets, in real time, with the fakes behind it.
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use skyport_conformance::trigger;
use support::gateway::Gateway;
use support::platform::OnLambda;

fn main() -> ExitCode {
    support::on_lambda(|api| {
        trigger::run(OnLambda { name: "lambda", api, gateway: Gateway::FunctionUrl, streaming: false })
    })
}
