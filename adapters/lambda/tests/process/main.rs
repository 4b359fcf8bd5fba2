//! An application as a process, on a Runtime API of this test's own: its start, its end, and what only a real stream shows.
#![allow(clippy::expect_used)]

#[path = "../emulator/application.rs"]
mod application;
mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use support::runtime_api::RuntimeApi;

/// Says to this program that it is the function.
const FUNCTION: &str = "SKYPORT_TEST_FUNCTION";

fn main() -> ExitCode {
    if std::env::var_os(FUNCTION).is_some() {
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

/// The function as a process; it ends with this.
struct Process(Child);

impl Process {
    fn start(api: &RuntimeApi, variables: &[(&str, &str)]) -> Self {
        let child = Command::new(std::env::current_exe().expect("this program's path"))
            .env(FUNCTION, "1")
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        Self(child)
    }

    fn terminate(&self) {
        let id = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is there");
    }

    /// Its end, which must come soon.
    async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("its status") {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "the process does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
