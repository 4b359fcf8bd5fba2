//! `cargo xtask bench`: builds each group of benchmarks, gives it the emulators that it needs, and makes the page of what it finds.
//!
//! A group writes its figures into a file; whole ones take the place of those in `benches/figures`, of which the page is made.

mod limit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::emulators::{self, Emulators, table};
use crate::{Result, run, workspace};
use limit::Ended;

/// What `--quick` takes at most, where no group is named.
const QUICK: Duration = Duration::from_secs(290);

/// What makes the page, the plots and the JSON.
const PAGE: &str = "skyport-bench-page";

/// One program of benchmarks.
#[derive(Debug)]
struct Group {
    /// Its folder in `benches`.
    name: &'static str,
    /// How it is built: what measures nanoseconds is linked as users ship it; what waits for a network needs no more than to be optimised.
    profile: &'static str,
    /// Those that it is told of.
    emulators: &'static [&'static str],
}

impl Group {
    const fn new(name: &'static str, profile: &'static str, emulators: &'static [&'static str]) -> Self {
        Self { name, profile, emulators }
    }
}

/// Those first that take the least time to build.
const GROUPS: [Group; 9] = [
    Group::new("memory", "release", &[]),
    Group::new("dispatch", "release", &[]),
    Group::new("local", "release", &[]),
    Group::new("aws", "network", &["ministack"]),
    Group::new("azure", "network", &["azurite", "azurite-messages"]),
    Group::new("gcp", "network", &["pubsub-emulator", "firestore-emulator", "fake-gcs"]),
    Group::new("lambda", "network", &["ministack"]),
    Group::new("cold", "network", &[]),
    Group::new("build", "network", &[]),
];

/// Those that work in their own process, where a profile finds it.
const PROFILED: [&str; 6] = ["memory", "dispatch", "local", "aws", "azure", "gcp"];

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Of groups; none is all.
    pub(crate) names: Vec<String>,
    /// Few rounds.
    pub(crate) quick: bool,
    /// Not figures: profiles of what has missed its target in those that there are.
    pub(crate) profile: bool,
    /// Where the rows go, beside the page.
    pub(crate) json: Option<String>,
    /// A part of the names of contests.
    pub(crate) only: Option<String>,
}

/// Whether there is a group of that name.
pub(crate) fn is_group(word: &str) -> bool {
    GROUPS.iter().any(|group| group.name == word)
}

/// Whether all groups were measured. A missed target is a figure, not a failure.
///
/// # Errors
/// Where there is nothing to write to, or the page cannot be made.
pub(crate) fn bench(selection: &Selection) -> Result<bool> {
    if selection.only.is_some() && selection.json.is_some() {
        return Err("--only shows, and writes nothing: leave --json out".into());
    }
    if selection.profile && (selection.quick || selection.json.is_some()) {
        return Err(
            "--profile counts what the figures already there have missed: leave --quick and --json out"
                .into(),
        );
    }
    if let Some(name) = selection.names.iter().find(|name| !PROFILED.contains(&name.as_str()))
        && selection.profile
    {
        let text = "has its work done by other programs, of which --profile sees nothing: leave it out";
        return Err(format!("{name} {text}").into());
    }
    let until = (selection.quick && selection.names.is_empty()).then(|| Instant::now() + QUICK);
    let mut task = Task::new(selection, until)?;
    // Before all else: what is built after the limit would be over it.
    let page = task.build(PAGE, "network")?.ok_or("there was no time to build what makes the page")?;
    let wanted = |group: &&Group| match selection.names.is_empty() {
        true => !selection.profile || PROFILED.contains(&group.name),
        false => selection.names.iter().any(|name| name == group.name),
    };
    for group in GROUPS.iter().filter(wanted) {
        // What one group cannot do is told at the end, and the next is still measured.
        if let Err(error) = task.measure(group) {
            task.failed.push(format!("{}: {error}", group.name));
        }
    }
    task.close(&page)
}

struct Task<'a> {
    selection: &'a Selection,
    until: Option<Instant>,
    root: PathBuf,
    figures: PathBuf,
    emulators: Emulators,
    stamp: String,
    measured: Vec<&'static str>,
    late: Vec<&'static str>,
    failed: Vec<String>,
}

impl<'a> Task<'a> {
    fn new(selection: &'a Selection, until: Option<Instant>) -> Result<Self> {
        let root = workspace::root()?;
        let figures = root.join("benches").join("figures");
        fs::create_dir_all(figures.join("profiles"))?;
        let stamp = stamp(&root);
        let emulators = Emulators::default();
        let (measured, late, failed) = Default::default();
        Ok(Self { selection, until, root, figures, emulators, stamp, measured, late, failed })
    }

    fn measure(&mut self, group: &'static Group) -> Result<()> {
        println!("\n[{}]", group.name);
        let profile = if self.selection.profile { "profiled" } else { group.profile };
        let Some(program) = self.build(&format!("skyport-bench-{}", group.name), profile)? else {
            self.late.push(group.name);
            return Ok(());
        };
        for name in group.emulators {
            let emulator = table::named(name).ok_or_else(|| format!("there is no emulator {name}"))?;
            if let Some(why) = self.emulators.require(&self.root, emulator)? {
                return Err(why.into());
            }
        }
        let file = format!("{}.json", group.name);
        let out = self.root.join("target").join("benches").join(&file);
        let mut command = Command::new(program);
        command.current_dir(self.root.join("benches").join(group.name));
        command.env("SKYPORT_BENCH_STAMP", &self.stamp).env(emulators::ALWAYS.0, emulators::ALWAYS.1);
        command.envs(self.emulators.told()).arg("--out").arg(&out);
        command.args(self.selection.quick.then_some("--quick"));
        let figures = self.figures.join(&file);
        let mut kept = figures.clone();
        if self.selection.profile {
            command.arg("--profile").arg(&figures);
            kept = self.figures.join("profiles").join(&file);
        }
        if let Some(only) = &self.selection.only {
            command.args(["--only", only]);
        }
        match limit::run(&mut command, self.until)? {
            Ended::Late => self.late.push(group.name),
            Ended::Badly(status) => return Err(format!("it ended with {status}").into()),
            Ended::Well if self.selection.only.is_none() => {
                fs::copy(out, kept)?;
                self.measured.push(group.name);
            }
            Ended::Well => {}
        }
        Ok(())
    }

    /// Builds a package of the benches' workspace; nothing where the time is over.
    fn build(&self, package: &str, profile: &str) -> Result<Option<PathBuf>> {
        let target = self.root.join("target").join("benches");
        let mut command = run::cargo(&self.root);
        command.args([
            "build",
            "--manifest-path=benches/Cargo.toml",
            "--profile",
            profile,
            "--package",
            package,
        ]);
        command.arg("--target-dir").arg(&target);
        match limit::run(&mut command, self.until)? {
            Ended::Well => Ok(Some(target.join(profile).join(package))),
            Ended::Late => Ok(None),
            Ended::Badly(_) => Err(format!("`{}` fails", run::line(&command)).into()),
        }
    }

    /// Makes the page, and says what came of it all.
    fn close(self, page: &Path) -> Result<bool> {
        if !self.late.is_empty() {
            let late = self.late.join(" ");
            println!(
                "\nnot reached in time: {late}. `cargo xtask bench --quick {late}` measures them; what was built is kept"
            );
        }
        if self.selection.only.is_none() && !self.measured.is_empty() {
            self.write_page(page)?;
        }
        for failed in &self.failed {
            println!("FAILED, {failed}");
        }
        Ok(self.failed.is_empty())
    }

    fn write_page(&self, page: &Path) -> Result<()> {
        let mut command = Command::new(page);
        command.arg(&self.root);
        if let Some(json) = &self.selection.json {
            command.args(["--json", json]);
        }
        command.args(&self.measured);
        if run::shown(&mut command)? { Ok(()) } else { Err("the page was not made".into()) }
    }
}

/// When, of what, with what and on what is measured; what cannot be found out is left out.
fn stamp(root: &Path) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let said = run::ask(Command::new(program).current_dir(root).args(arguments));
        said.map(|said| said.trim().to_owned()).filter(|said| !said.is_empty())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let line = info.lines().find_map(|line| line.strip_prefix("model name"))?;
        Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
    });
    let parts = [
        said("date", &["-u", "+%F"]).map(|day| format!("on {day}")),
        said("git", &["log", "-1", "--format=%h"]).map(|commit| format!("at {commit}")),
        said("rustc", &["--version"]).map(|version| format!("with {version}")),
        Some(format!("on {cores} cores{}", model.map(|model| format!(" of {model}")).unwrap_or_default())),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
