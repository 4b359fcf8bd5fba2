//! What is asked of cargo.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use skyport_measure::Outcome;

/// Brings in all that the benches stand on.
pub(crate) fn fetch() -> Outcome {
    succeed(cargo("fetch").arg("--quiet"))
}

/// How many crates this package stands on, itself and ours among them; what only builds others does not count.
pub(crate) fn crates(package: &str) -> Outcome<f64> {
    let output = cargo("tree").args(["--edges=normal", "--prefix=none", "--package", package]).output()?;
    if !output.status.success() {
        return Err(format!("cargo tree of {package}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    // `serde v1.0.0 (*)`: seen before.
    let names = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    Ok(names.collect::<BTreeSet<_>>().len() as f64)
}

/// How many seconds it takes to build this package, and all that it stands on, in a debug build: what people wait for.
pub(crate) fn clean_build(package: &str) -> Outcome<f64> {
    let target = tempfile::tempdir()?;
    let began = Instant::now();
    succeed(cargo("build").args(["--quiet", "--package", package, "--target-dir"]).arg(target.path()))?;
    Ok(began.elapsed().as_secs_f64())
}

fn cargo(verb: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command
        .arg(verb)
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml"));
    command.env("CARGO_INCREMENTAL", "0").stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) -> Outcome {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo ended with {status}").into()) }
}
