//! The developers' tools, which are processes.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};

use azure_identity::Executor;

/// Runs them. One whose token nobody waits for any more is ended.
#[derive(Debug)]
pub(super) struct Process;

#[async_trait::async_trait]
impl Executor for Process {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = tokio::process::Command::new(program);
        command.args(args).stdin(Stdio::null()).kill_on_drop(true).output().await
    }
}
