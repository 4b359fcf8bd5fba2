//! `cargo xtask simulate`: the simulations of the workspace, over as many seeds as are asked for.
//!
//! A simulation is an ordinary test whose name begins with `simulation::`: one in a module `simulation` that the root file of a test target,
//! an example or a library declares. `cargo xtask test` runs it as any other, over its own small number of seeds. Here those
//! targets alone are built, in the profile `simulation`, and what each [`skyport::testing::Simulation`] says at its end is added up. A
//! test that plants a violation and expects it to be found has another name.
//!
//! [`skyport::testing::Simulation`]: https://docs.rs/skyport

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::test::execute::Environment;
use crate::test::plan::{self, Binary};
use crate::workspace::{Target, Workspace};
use crate::{Result, run};

/// What the names of simulations begin with.
const MODULE: &str = "simulation::";

/// Of the root's `Cargo.toml`.
const PROFILE: &str = "--profile=simulation";

/// Read by every simulation.
const SEEDS: &str = "SKYPORT_SEEDS";

/// Whether no seed broke an invariant. Of each simulation `seeds` are run, or as many as it says itself.
pub(crate) fn simulate(seeds: Option<&str>, only: Option<&str>) -> Result<bool> {
    let seeds = seeds.map(number).transpose()?;
    let (workspace, began) = (Workspace::load()?, Instant::now());
    let Some(binaries) = build(&workspace)? else { return Ok(false) };
    println!("built in {:.0} s", began.elapsed().as_secs_f64());
    let environment = Environment::find(&workspace.root)?;
    let (mut all, mut well, mut ran) = (Sum::default(), true, false);
    for binary in &binaries {
        let names = simulations(&environment, binary, only.unwrap_or_default())?;
        if names.is_empty() {
            continue;
        }
        ran = true;
        println!("\n{}: {}", binary.label(), names.join(", "));
        let mut command = environment.command(binary);
        command.args(["--exact", "--nocapture", "--test-threads=1"]).args(&names);
        command.envs(seeds.map(|seeds| (SEEDS, seeds.to_string())));
        let (began, mut sum) = (Instant::now(), Sum::default());
        let succeeded = watched(&mut command, &mut sum)?;
        println!("{} took {:.1} s", binary.label(), began.elapsed().as_secs_f64());
        if succeeded && sum.seeds == 0 {
            println!("no simulation in it said how many seeds it ran: it must call `Simulation::run`");
        }
        well &= succeeded && sum.seeds > 0;
        all.add(sum);
    }
    if !ran {
        let only =
            only.map(|only| format!(" with `{only}` in its name or its program's")).unwrap_or_default();
        return Err(format!("there is no simulation{only}: see the head of xtask/src/simulate.rs").into());
    }
    println!("\n{} seeds, {} faults, {} violations", all.seeds, all.faults, all.violations);
    Ok(well && all.violations == 0)
}

fn number(text: &str) -> Result<u64> {
    let number = text.replace(['_', ','], "").parse::<u64>();
    match number {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`--seeds {text}`: a number from 1 on is wanted").into()),
    }
}

/// Builds the test binaries that may have simulations; `None` where they do not build.
fn build(workspace: &Workspace) -> Result<Option<Vec<Binary>>> {
    let mut all = Vec::new();
    for member in &workspace.members {
        let mut targets = Vec::new();
        for target in member.targets.iter().filter(|target| target.tested) {
            if declares(&fs::read_to_string(&target.source)?) {
                targets.extend(chosen(target));
            }
        }
        if targets.is_empty() {
            continue;
        }
        let mut command = run::cargo(&workspace.root);
        command.args(["test", "--no-run", PROFILE, "--package", &member.name]).args(targets);
        match plan::built(workspace, &mut command)? {
            Some(binaries) => all.extend(binaries),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// Whether a crate's root file has a module `simulation`.
fn declares(source: &str) -> bool {
    source.lines().map(|line| line.trim().trim_start_matches("pub ")).any(|line| {
        line.strip_prefix("mod simulation").is_some_and(|rest| rest.trim_start().starts_with(['{', ';']))
    })
}

/// How cargo is told to build this target alone.
fn chosen(target: &Target) -> Vec<String> {
    match target.kind.as_str() {
        kind @ ("test" | "example" | "bin") => vec![format!("--{kind}"), target.name.clone()],
        _ => vec!["--lib".to_owned()],
    }
}

/// The names of a binary's simulations.
fn simulations(environment: &Environment, binary: &Binary, only: &str) -> Result<Vec<String>> {
    let listed = run::output(environment.command(binary).args(["--list", "--format=terse"]))?;
    Ok(wanted(&listed, &binary.label(), only))
}

/// Of a binary's tests its simulations; those with `only` in their name, or all where the binary has it in its own.
fn wanted(listed: &str, label: &str, only: &str) -> Vec<String> {
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let simulations = names.filter(|name| name.starts_with(MODULE));
    simulations.filter(|name| name.contains(only) || label.contains(only)).map(str::to_owned).collect()
}

/// Runs it with its output on the terminal, and adds up what it says; whether it succeeded. Progress comes on standard error, which is not
/// looked into: so it sees a terminal where there is one.
fn watched(command: &mut Command, sum: &mut Sum) -> Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("the test binary has no output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        sum.add(Sum::read(&line).unwrap_or_default());
    }
    Ok(child.wait()?.success())
}

/// What was simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    seeds: u64,
    faults: u64,
    violations: u64,
}

impl Sum {
    /// A line `simulated photos: 100 seeds, 4321 faults, 0 violations`; before it may stand what the test harness has begun.
    fn read(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("simulated ")?;
        let (_, counts) = line.rsplit_once(": ")?;
        let mut counts = counts.trim().split(", ");
        let mut count = |what: &str| counts.next()?.strip_suffix(what)?.trim().parse().ok();
        Some(Self { seeds: count("seeds")?, faults: count("faults")?, violations: count("violations")? })
    }

    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.faults += other.faults;
        self.violations += other.violations;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_is_counted_wherever_its_line_begins() {
        let sum = Sum { seeds: 100, faults: 4_321, violations: 1 };
        let line = "simulated photos: 100 seeds, 4321 faults, 1 violations";
        assert_eq!(Sum::read(line), Some(sum));
        assert_eq!(Sum::read(&format!("test simulation::photos ... {line}")), Some(sum));
        let odd = "simulated a: b, simulated: 100 seeds, 4321 faults, 1 violations";
        assert_eq!(Sum::read(odd), Some(sum));
        for other in
            ["test simulation::photos ... ok", "simulated photos: well", "simulated: 1 seeds, 2 faults"]
        {
            assert_eq!(Sum::read(other), None, "{other}");
        }
    }

    #[test]
    fn sums_add_up_over_the_lines_of_a_program_that_fails() {
        let mut sum = Sum { seeds: 1, ..Sum::default() };
        let script = "echo 'simulated a: 2 seeds, 3 faults, 0 violations'; echo ok; echo 'simulated b: 4 seeds, 5 faults, 1 violations'; exit 1";
        let succeeded = watched(Command::new("sh").args(["-c", script]), &mut sum).unwrap();
        assert!(!succeeded);
        assert_eq!(sum, Sum { seeds: 7, faults: 8, violations: 1 });
    }

    #[test]
    fn a_root_file_declares_its_simulations() {
        for declaring in ["mod simulation {", "#[cfg(test)]\n  mod simulation;", "pub mod simulation {\n}"] {
            assert!(declares(declaring), "{declaring}");
        }
        for other in ["mod simulations;", "// mod simulation;", "use mail::simulation;", "mod testing;"] {
            assert!(!declares(other), "{other}");
        }
    }

    #[test]
    fn simulations_are_chosen_by_their_names_and_by_those_of_their_programs() {
        let listed =
            "simulation::no_letter_is_lost: test\nsimulation::all_are_counted: test\nother::letter: test\n";
        let [lost, counted] = ["simulation::no_letter_is_lost", "simulation::all_are_counted"];
        for (only, names) in [
            ("", &[lost, counted][..]),
            ("letter", &[lost]),
            ("photos", &[lost, counted]),
            ("example photos", &[lost, counted]),
            ("mail", &[]),
        ] {
            assert_eq!(wanted(listed, "skyport example photos", only), names, "{only}");
        }
    }

    #[test]
    fn a_number_of_seeds_is_one_or_more() {
        assert_eq!(number("10_000").unwrap(), 10_000);
        for slip in ["0", "-1", "many", ""] {
            assert!(number(slip).unwrap_err().to_string().contains("from 1 on"), "{slip}");
        }
    }
}
