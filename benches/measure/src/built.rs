//! Programs that are measured from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

/// Builds a package of the benches' workspace by itself, as users ship it, and tells where its program is: a package for each program, for
/// what is built together shares its features.
///
/// # Errors
/// Where cargo fails.
pub fn built(package: &str) -> Outcome<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent).ok_or("this program is in no target folder")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--release", "--package", package]);
    command.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target);
    if !command.stdin(Stdio::null()).status()?.success() {
        return Err(format!("{package} does not build").into());
    }
    Ok(target.join("release").join(package))
}
