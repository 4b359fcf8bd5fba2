//! The process that stands between xtask and an emulator, and ends it whatever becomes of xtask.
//!
//! It holds one end of a pipe whose other end xtask has. That end closes when xtask lets go of it, and also when xtask panics,
//! is interrupted or is killed; no handler of signals could promise as much. `xtask guard` is for xtask itself to call.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::Pid;

use super::install;
use crate::{Result, run};

/// A command that runs `program` under a guard; both have the folder `data` for their own, which is gone when they are.
///
/// Give the guard a pipe as its standard input. Its environment and outputs are the program's too.
pub(super) fn command(xtask: &Path, data: &Path, program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(xtask);
    command.arg("guard").arg(data).arg(program).args(arguments).current_dir(data).env("TMPDIR", data);
    // Ctrl-C in a terminal is for xtask; the guard is to outlive it.
    command.process_group(0).stdin(Stdio::piped());
    command
}

/// This program, even where it has been built anew since it was started.
pub(super) fn xtask() -> Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { Ok(std::env::current_exe()?) }
}

/// `xtask guard <data> <program> [<argument>..]`. Whether the program ended with success.
///
/// # Errors
/// Where it cannot be started or ended.
pub(crate) fn guard(arguments: &[String]) -> Result<bool> {
    let [data, program, arguments @ ..] = arguments else {
        return Err("a guard needs a folder and a program".into());
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn().map_err(|error| format!("`{}`: {error}", run::line(&command)))?;
    let group = Pid::from_child(&child);
    thread::spawn(move || {
        // Nothing is ever written: this returns when the other end has gone, or is of no use.
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        // At once: nothing in it is worth an orderly end, and nobody waits for one.
        run::end_group(group)
    });
    let status = child.wait()?;
    // What it started and left.
    run::end_group(group)?;
    install::remove(Path::new(data))?;
    // To the log; that nobody reads it any more is no fault.
    let _ = writeln!(io::stderr(), "{program} ended with {status}");
    Ok(status.success())
}
