//! An application as a process, as the host of Functions starts and ends it.
#![allow(clippy::expect_used)]

mod application;
mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

/// Says to this program that it is the handler.
const HANDLER: &str = "SKYPORT_TEST_HANDLER";

fn main() -> ExitCode {
    if std::env::var_os(HANDLER).is_some() {
        return application::main();
    }
    let trials = cases::ALL.into_iter().map(|(name, case)| {
        let run = move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let ended =
                runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), case()).await });
            ended.map_err(|_| Failed::from("it takes too long"))
        };
        Trial::test(name, run)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
