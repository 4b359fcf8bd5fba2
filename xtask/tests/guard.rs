//! A program under a guard: it ends when whoever has the other end of the pipe lets go of it, and leaves nothing.
#![allow(clippy::unwrap_used)] // All of this is a test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// All that is asked to end has done so by then; what would not is still there.
const SOON: Duration = Duration::from_secs(20);

struct Guarded {
    guard: Child,
    /// Ends when the last process that writes to it has.
    output: BufReader<ChildStdout>,
    data: PathBuf,
}

/// A script that has said that it is there.
fn guarded(name: &str, script: &str) -> Guarded {
    let data = std::env::temp_dir().join(format!("xtask-guard-{name}-{}", std::process::id()));
    fs::create_dir_all(data.join("inside")).unwrap();
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"));
    guard.arg("guard").arg(&data).args(["sh", "-c", script]);
    let mut guard = guard.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(guard.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "here\n");
    Guarded { guard, output, data }
}

impl Guarded {
    fn ends_soon(mut self, success: bool) {
        let began = Instant::now();
        self.output.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(self.guard.wait().unwrap().success(), success);
        assert!(began.elapsed() < SOON);
        assert!(!self.data.exists());
    }
}

#[test]
fn when_the_pipe_closes_the_program_and_all_that_it_started_end() {
    let mut guarded = guarded("pipe", "sleep 60 & echo here; wait");
    drop(guarded.guard.stdin.take());
    guarded.ends_soon(false);
}

#[test]
fn a_program_that_would_not_end_is_ended_all_the_same() {
    let mut guarded = guarded("deaf", "trap '' TERM INT HUP; sleep 60 & echo here; wait; wait");
    drop(guarded.guard.stdin.take());
    guarded.ends_soon(false);
}

#[test]
fn a_guard_ends_with_its_program_and_ends_what_that_left_behind() {
    guarded("end", "sleep 60 & echo here; exit 0").ends_soon(true);
}
