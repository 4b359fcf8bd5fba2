//! An application as a process, as Cloud Run starts and ends it.
#![allow(clippy::expect_used)]

mod application;
mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// Says to this program that it is the container.
const CONTAINER: &str = "SKYPORT_TEST_CONTAINER";

fn main() -> ExitCode {
    if std::env::var_os(CONTAINER).is_some() {
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

/// The application as a process; it ends with this.
struct Process {
    child: Child,
    /// Where it listens; as it says itself.
    address: String,
}

impl Process {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program's path"))
            .env(CONTAINER, "1")
            .env("PORT", "0")
            .env("K_SERVICE", "bench")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut address = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut address).expect("it tells its address, or ends");
        Self { child, address: address.trim().to_owned() }
    }

    /// Where this machine reaches it.
    fn reached_at(&self) -> SocketAddr {
        let address: SocketAddr = self.address.parse().expect("an address");
        (Ipv4Addr::LOCALHOST, address.port()).into()
    }

    fn terminate(&self) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is there");
    }

    /// Its end, which must come within the ten seconds that Cloud Run leaves, and what it said last.
    async fn ended(&mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "the process does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let mut said = String::new();
        self.child.stderr.as_mut().expect("piped").read_to_string(&mut said).expect("text");
        (status, said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
