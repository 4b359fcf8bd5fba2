//! A contender in a process of its own: for what it holds in memory, and how it starts.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Outcome;

/// The word before a child's own arguments.
const WORD: &str = "--alone";

/// The arguments of a child, where this process is one.
#[derive(Clone, Debug)]
pub struct Alone(pub Vec<String>);

impl Alone {
    /// What it was started for; nothing where this is the group's own process. The first thing that `main` asks.
    #[must_use]
    pub fn asked() -> Option<Self> {
        let mut words = std::env::args().skip(1);
        (words.next()? == WORD).then(|| Self(words.collect()))
    }

    /// Tells the process that started this one what was found.
    ///
    /// # Errors
    /// Where it cannot be written.
    #[allow(clippy::print_stdout)] // That is the way to tell it.
    pub fn tell<T: Serialize>(&self, found: &T) -> Outcome {
        println!("{}", serde_json::to_string(found)?);
        Ok(())
    }

    /// Returns once the process that started this one has gone, or has [dropped](Beside) it. Blocks.
    pub fn until_left(&self) {
        let mut rest = Vec::new();
        // An end is an end, also one by an error.
        let _ = std::io::stdin().lock().read_to_end(&mut rest);
    }
}

/// A child that serves: it runs beside this process until this is dropped.
#[derive(Debug)]
pub struct Beside {
    child: Child,
    /// As long as it is open, the child stays.
    _held: Option<ChildStdin>,
}

impl Beside {
    /// Starts this same program with other arguments; with what it [tells](Alone::tell) first.
    ///
    /// # Errors
    /// Where it ends before it tells anything.
    pub fn start<T: DeserializeOwned>(arguments: &[&str]) -> Outcome<(Self, T)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORD).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (held, told) = (child.stdin.take(), child.stdout.take());
        let beside = Self { child, _held: held };
        let mut line = String::new();
        BufReader::new(told.ok_or("no output")?).read_line(&mut line)?;
        let told = serde_json::from_str(&line);
        Ok((beside, told.map_err(|_| format!("{} told nothing", arguments.join(" ")))?))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again, and whoever drops this asks for no more than its end.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Starts this same program with other arguments, waits for it, and reads what it [tells](Alone::tell).
///
/// # Errors
/// Where it does not end well, or tells nothing that can be read.
pub fn child<T: DeserializeOwned>(arguments: &[&str]) -> Outcome<T> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg(WORD).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", arguments.join(" "), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The most that this process has held in memory so far, in bytes: Linux's `VmHWM`.
///
/// # Errors
/// On a system that does not tell.
pub fn peak_memory() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1_024)
}
