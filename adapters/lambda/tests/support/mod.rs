//! Lambda as far as an adapter sees it: a Runtime API, and the services that call functions.

// Each of the binaries that share this uses a part of it.
#![allow(dead_code)]

pub(crate) mod gateway;
pub(crate) mod mapping;
pub(crate) mod platform;
pub(crate) mod runtime_api;

use std::net::TcpListener;
use std::process::{Command, ExitCode};

use runtime_api::RuntimeApi;

/// What the process is told by that it runs on the Runtime API at this address.
const ADDRESS: &str = "AWS_LAMBDA_RUNTIME_API";

/// Says that the address was taken meanwhile.
const TAKEN: u8 = 77;

/// Runs `work` on a Runtime API. Its address is the environment's, of which a process has one: so the process starts itself
/// again with one, and the cases come one after the other.
pub(crate) fn on_lambda(work: impl FnOnce(RuntimeApi) -> ExitCode) -> ExitCode {
    match std::env::var(ADDRESS) {
        Ok(address) => match RuntimeApi::start(&address, false) {
            Ok(api) => work(api),
            Err(_) => ExitCode::from(TAKEN),
        },
        Err(_) => again(),
    }
}

fn again() -> ExitCode {
    let program = std::env::current_exe().expect("the program's path");
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let status = Command::new(&program)
            .args(std::env::args_os().skip(1))
            .arg("--test-threads=1")
            .env(ADDRESS, free.expect("a free port").to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
            .status()
            .expect("the program starts again");
        match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(TAKEN) => {}
            Some(code) => return ExitCode::from(code),
            None => return ExitCode::FAILURE,
        }
    }
    ExitCode::from(TAKEN)
}
