//! Emulators that come with Google's own command line: found on this machine, not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, run};

/// Where its root is, since it takes a second to say so.
const REMEMBERED: &str = "gcloud-root.txt";

/// A part of gcloud that is a Java program.
#[derive(Debug)]
pub(crate) struct Component {
    /// As gcloud knows it.
    pub(crate) name: &'static str,
    /// Where its jar is, from gcloud's root.
    pub(crate) folder: &'static str,
    /// How the jar's name begins and ends; between them is a version.
    pub(crate) start: &'static str,
    pub(crate) end: &'static str,
}

impl Component {
    /// Its jar; else what is missing, and what to do.
    ///
    /// # Errors
    /// Where `place` cannot be read or written.
    pub(crate) fn find(&self, place: &Path) -> Result<Result<PathBuf, String>> {
        if run::ask(Command::new("java").arg("-version")).is_none() {
            let what =
                "java is not there. Install it: `apt install default-jre-headless`, `brew install openjdk`";
            return Ok(Err(what.to_owned()));
        }
        let remembered = place.join(REMEMBERED);
        if let Some(root) = super::install::read(&remembered)?
            && let Some(jar) = self.jar(Path::new(&root))
        {
            return Ok(Ok(jar));
        }
        let asked = run::ask(Command::new("gcloud").args(["info", "--format=value(installation.sdk_root)"]));
        let Some(root) = asked.map(|said| said.trim().to_owned()).filter(|root| !root.is_empty()) else {
            let what = "gcloud is not there. Install the Google Cloud CLI: https://cloud.google.com/sdk/docs/install";
            return Ok(Err(what.to_owned()));
        };
        let Some(jar) = self.jar(Path::new(&root)) else {
            let name = self.name;
            let package = name.trim_start_matches("cloud-");
            return Ok(Err(format!(
                "gcloud has no component {name}. Install it: `gcloud components install {name}`, or where gcloud comes from \
                 a package, `apt install google-cloud-cli-{package}`"
            )));
        };
        fs::create_dir_all(place)?;
        fs::write(remembered, root)?;
        Ok(Ok(jar))
    }

    /// The jar under that root; of several the last by name.
    fn jar(&self, root: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(root.join(self.folder)).ok()?;
        let jars = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(self.start) && name.ends_with(self.end)
        });
        jars.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_is_found_by_its_name_whatever_its_version() {
        let root = std::env::temp_dir().join(format!("xtask-gcloud-{}", std::process::id()));
        let component = Component { name: "x", folder: "platform/x/lib", start: "cloud-x-", end: "-all.jar" };
        assert_eq!(component.jar(&root), None);
        let lib = root.join(component.folder);
        fs::create_dir_all(&lib).unwrap();
        fs::write(lib.join("other-1-all.jar"), "").unwrap();
        assert_eq!(component.jar(&root), None);
        for version in ["0.8.19", "0.8.20"] {
            fs::write(lib.join(format!("cloud-x-{version}-all.jar")), "").unwrap();
        }
        assert_eq!(component.jar(&root), Some(lib.join("cloud-x-0.8.20-all.jar")));
        fs::remove_dir_all(root).unwrap();
    }
}
