//! `cargo xtask fuzz`: the fuzz targets with libFuzzer, led by the coverage of the code.
//!
//! It needs no nightly compiler: LLVM's own pass counts the edges, which a stable one can be told to run. libFuzzer is C++ and comes with
//! `libfuzzer-sys`. One program has all targets, since each would be linked with all of the providers.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Result, run, workspace};

/// How long each target runs, in seconds, where nobody says otherwise.
const SECONDS: u64 = 60;

/// The edges of the code are counted, and what it compares is seen.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// The profile in `fuzz/Cargo.toml`: of its own, so that no other build waits for this one.
const PROFILE: &str = "fuzz";

/// The program with all targets, and the variable that names the one to be run.
const PROGRAM: &str = "any";
const VARIABLE: &str = "SKYPORT_FUZZ_TARGET";

/// The longest input; what is kept for good is shorter.
const LONGEST: u32 = 64 << 10;
const LONGEST_KEPT: u32 = 4 << 10;

/// How often a line tells how far a target is.
const PROGRESS: Duration = Duration::from_secs(10);

/// What is to be run.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// One target of all.
    pub(crate) only: Option<String>,
    /// For how long each runs; a minute where nobody says.
    pub(crate) seconds: Option<String>,
    /// Inputs that reach new code are kept in the corpus, the fewest and smallest that do.
    pub(crate) keep: bool,
}

/// What came of one target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    inputs: u64,
    coverage: u64,
    crashed: bool,
}

/// Runs the targets one after the other; whether none crashed.
pub(crate) fn fuzz(selection: &Selection) -> Result<bool> {
    let root = workspace::root()?;
    let targets = targets(&root, selection.only.as_deref())?;
    let seconds = match &selection.seconds {
        Some(text) => text.parse().map_err(|_| format!("`--seconds` wants a number, not `{text}`"))?,
        None => SECONDS,
    };
    let program = build(&root)?;
    let (mut inputs, mut crashes) = (0, 0);
    for target in &targets {
        let place = Place::new(&root, target)?;
        let told = place.run(&program, seconds)?;
        inputs += told.inputs;
        crashes += place.collect()?;
        if told.crashed {
            println!("{target}: {} inputs, and what the last one did stands above", told.inputs);
        } else {
            println!("{target}: {} inputs, {} edges reached", told.inputs, told.coverage);
        }
        if selection.keep && !told.crashed {
            place.keep(&program)?;
        }
    }
    println!("{} targets, {inputs} inputs, {crashes} crashes", targets.len());
    Ok(crashes == 0)
}

/// The names of the targets: of their files for cargo-fuzz.
fn targets(root: &Path, only: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        names.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    match only {
        Some(only) if names.iter().any(|name| name == only) => Ok(vec![only.to_owned()]),
        Some(only) => Err(format!("there is no target `{only}`; there are {}", names.join(", ")).into()),
        None => Ok(names),
    }
}

/// Builds the program; its file.
fn build(root: &Path) -> Result<PathBuf> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if run::ask(Command::new(&compiler).arg("--version")).is_none() {
        return Err(format!(
            "libFuzzer is C++, and `{compiler}` is not here: install a C++ compiler (the package `g++` on Debian), or name one in CXX"
        )
        .into());
    }
    let said = run::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc tells no host")?;
    let folder = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root.join("target").join("fuzz"),
    };
    let mut command = run::cargo(root);
    command.args([
        "build",
        "--manifest-path=fuzz/Cargo.toml",
        "--locked",
        "--profile",
        PROFILE,
        "--bin",
        PROGRAM,
    ]);
    // With a target of its own, build scripts and macros are built without the flags.
    command.args(["--target", host]).arg("--target-dir").arg(&folder);
    command.env("RUSTFLAGS", FLAGS.join(" ")).env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !run::shown(&mut command)? {
        return Err("the fuzz targets cannot be built; what cargo says stands above".into());
    }
    Ok(folder.join(host).join(PROFILE).join(PROGRAM))
}

/// Where a target's inputs lie.
struct Place {
    target: String,
    /// What is kept for good.
    corpus: PathBuf,
    /// What was found on this machine, in this run and in earlier ones.
    found: PathBuf,
    /// What crashed.
    crashed: PathBuf,
    /// Where targets make folders: a program that crashes leaves them.
    temporary: PathBuf,
}

impl Place {
    fn new(root: &Path, target: &str) -> Result<Self> {
        let own = root.join("target").join("fuzz-found");
        let place = Self {
            target: target.to_owned(),
            corpus: root.join("tests/fuzz/corpus").join(target),
            found: own.join("inputs").join(target),
            crashed: own.join("crashes").join(target),
            temporary: own.join("tmp"),
        };
        for folder in [&place.corpus, &place.found, &place.crashed, &place.temporary] {
            fs::create_dir_all(folder)?;
        }
        Ok(place)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env(VARIABLE, &self.target)
            .env("TMPDIR", &self.temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Runs the target for a while, and tells how far it is.
    fn run(&self, program: &Path, seconds: u64) -> Result<Told> {
        let mut command = self.command(program);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-max_len={LONGEST}"));
        command.arg(format!("-artifact_prefix={}/", self.crashed.display()));
        command.args(["-print_final_stats=1", "-rss_limit_mb=2048", "-timeout=60"]);
        // New ones are written into the first folder.
        command.arg(&self.found).arg(&self.corpus);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stderr.take().ok_or("libFuzzer has no output")?).lines();
        let mut told = Told::default();
        let (mut last, mut said) = (Instant::now(), Vec::new());
        for line in lines {
            let line = line.unwrap_or_default();
            if told.read(&line) {
                if last.elapsed() >= PROGRESS {
                    last = Instant::now();
                    println!("{}: {} inputs, {} edges so far", self.target, told.inputs, told.coverage);
                    std::io::stdout().flush()?;
                }
            } else {
                said.push(line);
            }
        }
        let status = child.wait()?;
        fs::remove_dir_all(&self.temporary)?;
        fs::create_dir(&self.temporary)?;
        told.crashed = !status.success();
        if told.crashed {
            said.iter().filter(|line| !line.is_empty()).for_each(|line| println!("  {line}"));
        }
        Ok(told)
    }

    /// Copies what crashed into the corpus; how many that are.
    fn collect(&self) -> Result<usize> {
        let mut crashes = 0;
        for entry in fs::read_dir(&self.crashed)? {
            let file = entry?.path();
            let Some(name) = file.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            // Not what was only slow.
            if ["crash-", "timeout-", "oom-", "leak-"].iter().any(|kind| name.starts_with(kind)) {
                crashes += 1;
                let kept = self.corpus.join(&name);
                fs::copy(&file, &kept)?;
                println!("{}: what it fails for is {}", self.target, kept.display());
            }
            fs::remove_file(&file)?;
        }
        Ok(crashes)
    }

    /// Adds to the corpus what reaches code that nothing in it reaches.
    fn keep(&self, program: &Path) -> Result<()> {
        let before = fs::read_dir(&self.corpus)?.count();
        let mut command = self.command(program);
        command.args(["-merge=1", &format!("-max_len={LONGEST_KEPT}")]).arg(&self.corpus).arg(&self.found);
        run::quiet(&mut command)?;
        println!("{}: {} inputs more are kept", self.target, fs::read_dir(&self.corpus)?.count() - before);
        Ok(())
    }
}

impl Told {
    /// Takes what a line of libFuzzer's counts; whether it is one of those.
    fn read(&mut self, line: &str) -> bool {
        if let Some(executed) = line.strip_prefix("stat::number_of_executed_units:") {
            self.inputs = executed.trim().parse().unwrap_or(self.inputs);
            return true;
        }
        if line.starts_with("stat::") {
            return true;
        }
        let Some(rest) = line.strip_prefix('#') else { return false };
        let mut words = rest.split_whitespace();
        let Some(inputs) = words.next().and_then(|word| word.parse().ok()) else { return false };
        self.inputs = inputs;
        if words.any(|word| word == "cov:")
            && let Some(coverage) = words.next().and_then(|word| word.parse().ok())
        {
            self.coverage = coverage;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_counts_is_read() {
        let mut told = Told::default();
        for line in [
            "#4096\tpulse  cov: 812 ft: 1532 corp: 41/2101b lim: 40 exec/s: 2048 rss: 61Mb",
            "#5000\tREDUCE cov: 815 ft: 1540 corp: 42/2000b lim: 40 exec/s: 2048 rss: 61Mb L: 5/40 MS: 1 ChangeBit-",
            "stat::average_exec_per_sec:     2000",
        ] {
            assert!(told.read(line), "{line}");
        }
        assert_eq!(told, Told { inputs: 5_000, coverage: 815, crashed: false });
        assert!(told.read("stat::number_of_executed_units: 120001"));
        assert_eq!(told.inputs, 120_001);
        for line in ["INFO: Seed: 1", "thread '<unnamed>' panicked at src/lib.rs:1:2:", "#x", ""] {
            assert!(!told.read(line), "{line}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_told_with_those_that_are() {
        let root = workspace::root().unwrap();
        let all = targets(&root, None).unwrap();
        assert!(all.len() > 20 && all.is_sorted());
        assert_eq!(targets(&root, Some("schedule")).unwrap(), ["schedule"]);
        assert!(targets(&root, Some("nothing")).unwrap_err().to_string().contains("lambda_event"));
    }
}
