//! A program that is measured, as a process.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use skyport_measure::{Outcome, built};

use crate::runtime_api::{RuntimeApi, Waiting};

/// A program, and what it is given.
#[derive(Debug)]
pub(crate) struct Subject {
    program: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// The variables that Lambda sets.
const LAMBDA: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "example"),
    ("AWS_SESSION_TOKEN", "example"),
];

impl Subject {
    /// Builds it.
    pub(crate) fn new(name: &str, variables: Vec<(&'static str, String)>) -> Outcome<Self> {
        Ok(Self { program: built(&format!("skyport-bench-lambda-{name}"))?, variables })
    }

    /// How large it is, in bytes.
    pub(crate) fn size(&self) -> Outcome<f64> {
        Ok(fs::metadata(&self.program)?.len() as f64)
    }

    /// Starts it, and waits until it asks for its first event.
    pub(crate) fn start(&self, api: &mut RuntimeApi) -> Outcome<(Running, Waiting)> {
        api.expect_another();
        let mut command = Command::new(&self.program);
        command.env_clear().envs(LAMBDA).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        let running = Running { child: command.spawn()?, started };
        let waiting = api.waiting()?;
        Ok((running, waiting))
    }
}

/// Its process; ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// Just before it was made.
    pub(crate) started: Instant,
}

impl Running {
    /// The most that it has held in memory so far, in bytes.
    pub(crate) fn peak_memory(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1_024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
