//! Running one test binary: its lines go to the terminal as they come, and are kept to be counted.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::output::Lines;
use super::plan::Binary;
use crate::group::Group;
use crate::{Result, emulators, run};

/// The longest that one binary may take: longer than what any test in it may take by its own limit, for that says more.
const LIMIT: Duration = Duration::from_secs(1200);

/// What a binary printed, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// What could be read from its lines.
    pub(crate) lines: Lines,
    /// Why it did not end well: its exit status, or the limit that it passed.
    pub(crate) fault: Option<String>,
}

/// What cargo gives to a test that it runs.
#[derive(Debug)]
pub(crate) struct Environment {
    root: PathBuf,
    libraries: OsString,
}

impl Environment {
    /// Asks the compiler where its libraries are: a test of a procedural macro loads them.
    ///
    /// # Errors
    /// Where there is no compiler.
    pub(crate) fn find(root: &Path) -> Result<Self> {
        let sysroot = run::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let libdir = run::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
        let mut paths = vec![Path::new(sysroot.trim()).join("lib"), PathBuf::from(libdir.trim())];
        if let Some(given) = std::env::var_os(Self::VARIABLE) {
            paths.extend(std::env::split_paths(&given));
        }
        Ok(Self { root: root.to_owned(), libraries: std::env::join_paths(paths)? })
    }

    const VARIABLE: &str =
        if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

    /// The binary as cargo would start it.
    pub(crate) fn command(&self, binary: &Binary) -> Command {
        let mut command = Command::new(&binary.program);
        command
            .current_dir(&binary.directory)
            .env("CARGO_MANIFEST_DIR", &binary.directory)
            .env("CARGO_MANIFEST_PATH", binary.directory.join("Cargo.toml"))
            .env("CARGO_PKG_NAME", &binary.package)
            .env(emulators::ALWAYS.0, emulators::ALWAYS.1)
            .env(Self::VARIABLE, &self.libraries);
        command
    }

    /// All examples in documentation.
    pub(crate) fn doctests(&self, filter: Option<&str>) -> Command {
        let mut command = run::cargo(&self.root);
        command.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
        command.args(filter.iter().flat_map(|filter| ["--", filter]));
        command
    }
}

/// Runs it to its end, or to the limit.
pub(crate) fn run(command: &mut Command) -> Result<Run> {
    run_within(command, LIMIT)
}

fn run_within(command: &mut Command, limit: Duration) -> Result<Run> {
    let end = Instant::now() + limit;
    let mut group = Group::new()?;
    command.process_group(group.id().as_raw_pid());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("the test binary has no output")?;
    let (sender, receiver) = mpsc::channel();
    // Not joined: where a test leaves a process behind that holds the pipe, it would never end.
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    let mut run = Run::default();
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                println!("{line}");
                run.lines.read(&line);
            }
            Err(RecvTimeoutError::Disconnected) => {
                run.fault = fault(child.wait()?);
                // What it started and left.
                group.end()?;
                return Ok(run);
            }
            Err(RecvTimeoutError::Timeout) => {
                // It may have ended and left behind a process that still holds its output.
                group.end()?;
                child.wait()?;
                run.fault = Some(format!("not done after {} s", limit.as_secs_f32()));
                return Ok(run);
            }
        }
    }
}

fn fault(status: ExitStatus) -> Option<String> {
    (!status.success()).then(|| format!("ended with {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Run {
        run_within(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn lines_are_read_and_success_has_no_fault() {
        let run = shell("echo 'test a ... ok'; echo 'test b ... FAILED'", LIMIT);
        assert_eq!(run.lines.cases.len(), 2);
        assert_eq!(run.fault, None);
    }

    #[test]
    fn a_binary_that_dies_has_a_fault() {
        let fault = shell("kill -9 $$", LIMIT).fault.unwrap();
        assert!(fault.contains("signal: 9"), "{fault}");
    }

    #[test]
    fn a_binary_that_hangs_is_stopped_at_the_limit() {
        let began = Instant::now();
        let fault = shell("exec sleep 30", Duration::from_millis(100)).fault.unwrap();
        assert!(fault.contains("not done after"), "{fault}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    /// Whether a process lives: one that is dead and not waited for does not.
    fn lives(process: &str) -> bool {
        let state = run::ask(Command::new("ps").args(["-o", "stat=", "-p", process])).unwrap_or_default();
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }

    #[test]
    fn what_a_binary_has_started_ends_with_it_at_the_limit_and_before() {
        let folder = std::env::temp_dir().join(format!("skyport-xtask-group-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let told = folder.join("process");
        // One that holds the output until the limit, and one that does not.
        for (child, limit) in [("sleep 600", 5), ("sleep 600 > /dev/null 2>&1", 600)] {
            let script = format!("{child} & echo $! > {}; exit 0", run::quoted(&told.to_string_lossy()));
            let run = shell(&script, Duration::from_secs(limit));
            assert_eq!(run.fault.is_some(), limit == 5, "{:?}", run.fault);
            let process = std::fs::read_to_string(&told).unwrap();
            let began = Instant::now();
            while lives(process.trim()) {
                assert!(began.elapsed() < Duration::from_secs(60), "{child} lives on");
                thread::sleep(Duration::from_millis(10));
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
