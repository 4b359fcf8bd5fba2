//! `cargo xtask check`: all that can be said of the code without running its tests.
//!
//! Every step runs, whatever the others said; the failures stand together at the end.

mod deny;
pub(crate) mod features;

use std::process::Command;
use std::time::Instant;

use crate::workspace::Workspace;
use crate::{Result, run, tidy};

/// What a step found to be wrong.
type Faults = Vec<String>;

struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<Faults>,
}

/// The cheap ones first.
const STEPS: [Step; 10] = [
    Step { name: "tidy", run: tidy::step },
    Step { name: "fmt", run: format },
    Step { name: "lockfile", run: lockfile },
    Step { name: "graph", run: features::graph },
    Step { name: "deny", run: deny::step },
    Step {
        name: "clippy",
        run: |workspace| {
            cargo(workspace, &["clippy", "--workspace", "--all-targets", "--keep-going", "--", "-Dwarnings"])
        },
    },
    Step {
        name: "benches",
        run: |workspace| {
            let manifest = "--manifest-path=benches/Cargo.toml";
            let all = ["--workspace", "--all-targets", "--keep-going", "--target-dir=target/benches"];
            cargo(workspace, &[&["clippy", manifest][..], &all, &["--", "-Dwarnings"]].concat())
        },
    },
    Step { name: "features", run: features::each },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "msrv", run: minimum_rust },
];

/// Whether every step found nothing.
pub(crate) fn check(only: Option<&str>) -> Result<bool> {
    let workspace = Workspace::load()?;
    let steps: Vec<&Step> = STEPS.iter().filter(|step| only.is_none_or(|only| only == step.name)).collect();
    if steps.is_empty() {
        let names = STEPS.map(|step| step.name).join(", ");
        return Err(format!("there is no such step; there are {names}").into());
    }
    let mut table = String::new();
    let mut faults = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n[{}/{}] {}", index + 1, steps.len(), step.name);
        let began = Instant::now();
        // A step that cannot be done has not passed, and the next is still tried.
        let found = (step.run)(&workspace).unwrap_or_else(|error| vec![error.to_string()]);
        let verdict = if found.is_empty() { "ok" } else { "FAILED" };
        let row = format!("{:<10}{verdict:<8}{:.1} s", step.name, began.elapsed().as_secs_f64());
        println!("{row}");
        table.push_str(&row);
        table.push('\n');
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", step.name)));
    }
    println!("\n{table}");
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => println!("check: all is well"),
        count => println!("check: {count} to mend"),
    }
    Ok(faults.is_empty())
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<Faults> {
    done(run::cargo(&workspace.root).args(arguments))
}

fn done(command: &mut Command) -> Result<Faults> {
    let fault = || vec![format!("`{}` says what stands above", run::line(command))];
    let fault = fault();
    Ok(if run::shown(command)? { Vec::new() } else { fault })
}

/// Those of the benches and the fuzz targets are kept as well: they have our members' dependencies.
fn lockfile(workspace: &Workspace) -> Result<Faults> {
    let tree = ["tree", "--workspace", "--locked", "--depth=0", "--quiet"];
    let mut faults = cargo(workspace, &tree)?;
    for manifest in ["--manifest-path=benches/Cargo.toml", "--manifest-path=fuzz/Cargo.toml"] {
        faults.extend(cargo(workspace, &[&tree[..], &[manifest]].concat())?);
    }
    Ok(faults)
}

/// The benches and the fuzz targets are workspaces of their own.
fn format(workspace: &Workspace) -> Result<Faults> {
    let mut faults = cargo(workspace, &["fmt", "--all", "--check"])?;
    for manifest in ["benches/Cargo.toml", "fuzz/Cargo.toml"] {
        if workspace.root.join(manifest).is_file() {
            faults.extend(cargo(workspace, &["fmt", "--all", "--manifest-path", manifest, "--check"])?);
        }
    }
    Ok(faults)
}

fn rustdoc(workspace: &Workspace) -> Result<Faults> {
    let mut command = run::cargo(&workspace.root);
    command.env("RUSTDOCFLAGS", "-Dwarnings");
    done(command.args(["doc", "--workspace", "--no-deps", "--keep-going"]))
}

/// The oldest compiler that we promise to build with: where the one in use is newer, and the oldest is installed, it builds too.
fn minimum_rust(workspace: &Workspace) -> Result<Faults> {
    let root = workspace.member("skyport").and_then(|member| member.rust_version.as_deref());
    let minimum = root.ok_or("the package skyport declares no rust-version")?;
    let full = if minimum.matches('.').count() == 1 { format!("{minimum}.0") } else { minimum.to_owned() };
    let said = run::output(Command::new("rustc").arg("--version"))?;
    let used = said.split_whitespace().nth(1).unwrap_or_default();
    println!("in use: {}; declared minimum: {minimum}", said.trim());
    if used == full {
        println!("they are the same: the steps above were the proof");
        return Ok(Vec::new());
    }
    let rustup = || {
        let mut command = Command::new("rustup");
        command.current_dir(&workspace.root).args(["run", &full, "cargo"]);
        command
    };
    if run::ask(rustup().arg("--version")).is_none() {
        println!("Rust {full} is not installed, so it was not tried: `rustup toolchain install {full}`");
        return Ok(Vec::new());
    }
    // A folder of its own, or each compiler would throw away what the other built.
    done(rustup().args(["check", "--workspace", "--target-dir", "target/msrv"]))
}
