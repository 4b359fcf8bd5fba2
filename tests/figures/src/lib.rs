//! What tests count beside passing: seeds, faults injected, operations checked, inputs fuzzed, memory.
//!
//! `cargo xtask test` names a folder in `SKYPORT_FIGURES` and shows at its end what stands there; a test that is run by itself prints it.

use std::fs;
use std::path::PathBuf;

/// The variable that names the folder.
pub const VARIABLE: &str = "SKYPORT_FIGURES";

/// Notes one line of figures under a name like `kill::aws`; a later one of that name takes its place.
///
/// # Panics
/// Where the folder cannot be written.
#[allow(clippy::print_stderr, clippy::panic)] // It is for tests.
pub fn record(name: &str, figures: &str) {
    eprintln!("{name}: {figures}");
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return };
    let file = folder.join(name.replace("::", "."));
    if let Err(error) = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, figures)) {
        panic!("{}: {error}", file.display());
    }
}
