//! Starting other programs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::Result;

/// The cargo that runs xtask, in the folder `root`. What cargo told xtask of its own package is not for it: build scripts that look
/// at it would run again, and all that stands on them be built again, for each that asks with other words.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Says what is run, runs it with its output on the terminal, and tells whether it succeeded.
pub(crate) fn shown(command: &mut Command) -> Result<bool> {
    println!("$ {}", line(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    Ok(status.success())
}

/// Its standard output; its standard error goes to the terminal.
///
/// # Errors
/// Where it cannot be started or does not succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs it without a word.
///
/// # Errors
/// The end of what it said, where it does not succeed.
pub(crate) fn quiet(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines[lines.len().saturating_sub(12)..].join("\n  ");
    Err(format!("  {end}\n  (`{}` ended with {})", line(command), output.status))
}

/// Its standard output, or nothing where it is not there or does not succeed: a question, not a step.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Kills all of a process group that there still are.
///
/// # Errors
/// Where the system does not let us.
pub(crate) fn end_group(group: Pid) -> Result<()> {
    match kill_process_group(group, Signal::KILL) {
        // Where only a dead process is left of it, macOS says that it may not.
        Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` cannot be started: {error}", line(command))
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// As one word of a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-+=@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_itself_to_a_shell() {
        assert_eq!(quoted("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        for word in ["", "a b", "it's", "$HOME", "a;b"] {
            let said = output(Command::new("sh").args(["-c", &format!("printf %s {}", quoted(word))]));
            assert_eq!(said.unwrap(), word);
        }
    }

    #[test]
    fn a_quiet_command_that_fails_is_told_with_what_it_said() {
        assert_eq!(quiet(Command::new("sh").args(["-c", "echo x"])), Ok(()));
        let said = quiet(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(said.contains("why") && said.contains("exit status: 3"), "{said}");
        assert!(
            quiet(&mut Command::new("there-is-no-such-program")).unwrap_err().contains("cannot be started")
        );
    }
}
