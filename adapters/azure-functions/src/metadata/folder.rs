//! The folder that is deployed: what is written there, and what of it is read where the program runs.

use std::fs::File as Opened;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use skyport_core::app::Manifest;
use skyport_core::{Error, Result};

use super::{Deployment, File};

/// The largest file that is read: the host's own have some hundred bytes.
const LARGEST: u64 = 1 << 20;

impl Deployment {
    /// Writes the files into a folder, which is created where it is missing. What else is there stays.
    ///
    /// # Errors
    /// As [`files`](Self::files), where they cannot be written, and where the folder has functions that the application has not: the host would call the
    /// program for them. Then nothing is written.
    pub fn write(&self, manifest: &Manifest, folder: &Path) -> Result<()> {
        let files = self.files(manifest)?;
        let strange = strangers(&files, folder)?;
        if !strange.is_empty() {
            return Err(Error::invalid(format!(
                "the folder {} has functions that this application has not: {}. The host would call the program for them; remove them, or write \
                 into another folder",
                folder.display(),
                strange.join(", ")
            )));
        }
        for file in files {
            let path = folder.join(&file.path);
            let unwritten = |error: std::io::Error| {
                Error::internal(format!("{} could not be written", path.display())).with_source(error)
            };
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(unwritten)?;
            }
            std::fs::write(&path, format!("{:#}\n", file.content)).map_err(unwritten)?;
        }
        Ok(())
    }
}

/// The names of functions in the folder that are not among the files.
fn strangers(files: &[File], folder: &Path) -> Result<Vec<String>> {
    let unread = |error: std::io::Error| {
        Error::internal(format!("the folder {} could not be read", folder.display())).with_source(error)
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unread(error)),
    };
    let mut strange = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = files.iter().any(|file| file.path == format!("{name}/function.json"));
        if !ours && entry.path().join("function.json").is_file() {
            strange.push(format!("`{name}`"));
        }
    }
    strange.sort_unstable();
    Ok(strange)
}

/// The setting that tells the host how to get to the queue of a function, as the function.json in the folder says; `None` where it says nothing.
#[must_use]
pub fn connection_of(folder: &Path, function: &str) -> Option<String> {
    let json = json_of(&folder.join(function).join("function.json"))?;
    let triggers = json["bindings"].as_array()?.iter().filter(|binding| binding["type"] == "queueTrigger");
    triggers.filter_map(|trigger| trigger["connection"].as_str()).map(str::to_owned).next()
}

/// What stands in a file, where it is JSON of a sane size.
pub(crate) fn json_of(path: &Path) -> Option<Value> {
    let mut text = String::new();
    Opened::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}
