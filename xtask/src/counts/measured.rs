//! Counting: the program in `benches/counts`, by itself and under valgrind; the smallest application for each platform; trees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use super::{Figures, Kind};
use crate::check::features;
use crate::test::needs::builds_for_all;
use crate::workspace::Workspace;
use crate::{Result, run};

/// How often an operation runs under valgrind, and then twice as often: the difference is that of so many.
const TIMES: u64 = 1_000;

/// How often each of the two is counted: the least, since the seed of a hash now and then costs a run some hundred thousand instructions.
const COUNTINGS: usize = 3;

/// How often allocations are counted.
const RUNS: usize = 7;

/// Each is a feature of the package below.
const PLATFORMS: [&str; 3] = ["lambda", "cloud-run", "azure-functions"];

/// `examples/hello`, with nothing of what its tests need.
const HELLO: &str = "skyport-bench-hello";

/// The scenarios.
const SCENARIOS: &str = "skyport-bench-counts";

/// What could be counted.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) figures: Figures,
    /// What was not counted, and that is well.
    pub(super) skipped: Vec<String>,
    /// What was not counted, and ought to be.
    pub(super) faults: Vec<String>,
}

/// Counts all. Instructions and sizes are another compiler's where it is not the one whose are `stored`: they are then not counted.
pub(super) fn all(workspace: &Workspace, stored: Option<&Figures>) -> Result<Measured> {
    let mut measured = Measured::default();
    measured.figures.compiler = compiler(workspace)?;
    let crates = features::counts(workspace)?.into_iter();
    let crates = crates.map(|(set, count)| (set, count as f64)).collect();
    measured.figures.counts.insert(Kind::Crates, crates);
    let program = built(workspace, SCENARIOS, None)?;
    measured.figures.counts.insert(Kind::Allocations, allocations(&program)?);
    if let Some(stored) = stored.filter(|stored| stored.compiler != measured.figures.compiler) {
        let of = format!("those that are stored are of {}", stored.compiler);
        measured.skipped.push(format!("instructions and sizes: {of}; this is {}", measured.figures.compiler));
        return Ok(measured);
    }
    let mut sizes = BTreeMap::new();
    for platform in PLATFORMS {
        let program = built(workspace, HELLO, Some(platform))?;
        sizes.insert(format!("hello/{platform}"), fs::metadata(program)?.len() as f64);
    }
    measured.figures.counts.insert(Kind::Sizes, sizes);
    if run::ask(Command::new("valgrind").arg("--version")).is_none() {
        let missing =
            "instructions: there is no valgrind here; `apt-get install valgrind` or its like brings it";
        let strict = builds_for_all(std::env::var_os("CI").as_deref());
        let told = if strict { &mut measured.faults } else { &mut measured.skipped };
        told.push(missing.to_owned());
        return Ok(measured);
    }
    measured.figures.counts.insert(Kind::Instructions, instructions(&program)?);
    Ok(measured)
}

/// `1.95.0 on x86_64-unknown-linux-gnu`
fn compiler(workspace: &Workspace) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = run::output(Command::new(rustc).arg("-vV").current_dir(&workspace.root))?;
    let value = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let both = value("release:").zip(value("host:")).ok_or("rustc does not tell its version")?;
    Ok(format!("{} on {}", both.0, both.1))
}

/// Builds a package of the benches by itself, as users ship it: what is built together shares its features.
fn built(workspace: &Workspace, package: &str, feature: Option<&str>) -> Result<PathBuf> {
    let target = workspace.root.join("target").join("benches");
    let mut command = run::cargo(&workspace.root);
    command.args(["build", "--release", "--quiet", "--locked", "--manifest-path=benches/Cargo.toml"]);
    command.args(["--package", package]).arg("--target-dir").arg(&target);
    command.args(feature.map(|feature| format!("--features={feature}")));
    if !run::shown(&mut command)? {
        return Err(format!("{package} does not build").into());
    }
    Ok(target.join("release").join(package))
}

/// The least of several runs: a neighbour on the machine may make an answer come in two pieces, and never in less than one.
fn allocations(program: &Path) -> Result<BTreeMap<String, f64>> {
    let mut least = BTreeMap::new();
    for _ in 0..RUNS {
        for (name, count) in numbers(&run::output(Command::new(program).arg("allocations"))?)? {
            let known = least.entry(name).or_insert(count);
            *known = count.min(*known);
        }
    }
    Ok(least)
}

fn numbers(json: &str) -> Result<BTreeMap<String, f64>> {
    let value: Value = serde_json::from_str(json)?;
    let all = value.as_object().ok_or("no object")?.iter();
    all.map(|(name, count)| Ok((name.clone(), count.as_f64().ok_or("no number")?))).collect()
}

/// Of one operation of each scenario that takes the same each time.
fn instructions(program: &Path) -> Result<BTreeMap<String, f64>> {
    let listed = run::output(Command::new(program).arg("list"))?;
    let mut counts = BTreeMap::new();
    for name in listed.lines().filter_map(|line| line.strip_suffix(" instructions")) {
        let (once, twice) = thread::scope(|scope| {
            let twice = scope.spawn(|| least(program, name, TIMES * 2));
            (least(program, name, TIMES), twice.join())
        });
        let twice = twice.map_err(|_| "counting instructions panicked")??;
        let difference = twice.checked_sub(once?).ok_or_else(|| format!("{name} costs nothing"))?;
        counts.insert(name.to_owned(), (difference / TIMES) as f64);
    }
    Ok(counts)
}

fn least(program: &Path, scenario: &str, times: u64) -> Result<u64> {
    let mut least = u64::MAX;
    for _ in 0..COUNTINGS {
        least = least.min(collected(program, scenario, times)?);
    }
    Ok(least)
}

/// All instructions of a run.
fn collected(program: &Path, scenario: &str, times: u64) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args(["run", scenario]).arg(times.to_string()).stdin(Stdio::null());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    match total(&said) {
        Some(total) if output.status.success() => Ok(total),
        _ => Err(format!("`{}` ended with {}: {said}", run::line(&command), output.status).into()),
    }
}

/// Reads `==7== Collected : 123456`.
fn total(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once("Collected :")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_says_is_read() {
        assert_eq!(total("==7== Events    : Ir\n==7== Collected : 8612345\n==7== \n"), Some(8_612_345));
        assert_eq!(total("valgrind: no such program"), None);
    }

    #[test]
    fn what_the_scenarios_say_is_read() {
        let read = numbers("{\"a\": 7.0, \"b\": 8.25}").unwrap();
        assert_eq!(read, BTreeMap::from([("a".to_owned(), 7.0), ("b".to_owned(), 8.25)]));
        assert!(numbers("[]").is_err());
    }
}
