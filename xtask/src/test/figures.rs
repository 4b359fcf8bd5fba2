//! What tests counted beside passing.

use std::fs;
use std::path::PathBuf;

use crate::Result;
use crate::workspace::Workspace;

/// Where the tests of one run note their figures.
pub(super) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target").join("figures")
}

/// Nothing of an earlier run is to be shown.
pub(super) fn forget(workspace: &Workspace) -> Result<()> {
    let folder = folder(workspace);
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Prints them, by name; nothing where no test noted any.
pub(super) fn show(workspace: &Workspace) -> Result<()> {
    let folder = folder(workspace);
    if !folder.exists() {
        return Ok(());
    }
    let mut files = fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    println!("\nfigures:");
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().replace('.', "::");
        println!("  {name}: {}", fs::read_to_string(&file)?.trim());
    }
    Ok(())
}
