//! A contender in a process of its own: for what it holds in memory, and how it starts.

use std::fs;
use std::process::{Command, Stdio};

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
