//! A process group that does not outlive xtask.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

use crate::{Result, run};

/// The process group of a binary and of all that it starts. It is killed when this is dropped, and also when xtask ends in
/// whatever way: Ctrl-C in a terminal is not for a group of its own.
///
/// Its first process is a shell that waits for the end of a pipe which only xtask holds open. As long as that one is not
/// waited for, the number of the group is not given to another.
#[derive(Debug)]
pub(crate) struct Group(Child);

impl Group {
    pub(crate) fn new() -> Result<Self> {
        let mut keeper = Command::new("sh");
        // Nothing is ever written. Process 0 is to `kill` the group that the shell is in.
        keeper.args(["-c", "read -r _; kill -KILL 0"]).process_group(0);
        // What xtask's own output goes to is not held open by it.
        Ok(Self(keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Ends all that there still are.
    pub(crate) fn end(&mut self) -> Result<()> {
        run::end_group(self.id())?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Where `end` was not reached or failed; what called it has told why.
        if matches!(self.0.try_wait(), Ok(None)) && run::end_group(self.id()).is_ok() {
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_when_the_pipe_to_it_does() {
        let mut group = Group::new().unwrap();
        let mut sleep = Command::new("sleep");
        sleep.arg("600").process_group(group.id().as_raw_pid());
        let mut child = sleep.spawn().unwrap();
        // As it happens where xtask is interrupted.
        drop(group.0.stdin.take());
        assert!(!child.wait().unwrap().success());
    }
}
