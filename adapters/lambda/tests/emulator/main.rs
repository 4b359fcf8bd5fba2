//! An application as a process on AWS's own Runtime Interface Emulator: a runtime that we did not write.
//!
//! The emulator's path is in `SKYPORT_LAMBDA_RIE`; this very program is the function, too.
#![allow(clippy::expect_used)]

mod application;
mod cases;
mod emulator;

use std::process::ExitCode;
use std::sync::Arc;

use emulator::Emulator;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if std::env::var_os(emulator::FUNCTION).is_some() {
        return application::main();
    }
    let mut arguments = Arguments::from_args();
    // The emulator takes one invocation at a time.
    arguments.test_threads = Some(1);
    let started =
        if arguments.list { Err("not started to list cases".to_owned()) } else { Emulator::start() };
    let emulator = Arc::new(started);
    let trials = cases::ALL.into_iter().map(|(name, case)| {
        let emulator = Arc::clone(&emulator);
        let run = move || match &*emulator {
            Ok(emulator) => {
                case(emulator);
                Ok(())
            }
            Err(why) => Err(Failed::from(why)),
        };
        Trial::test(name, run).with_kind("lambda-rie")
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
