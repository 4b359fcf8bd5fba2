//! Packages of Node.js: a folder with one of them and what it depends on, held to their bytes by npm's own lock.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Result, run};

/// The oldest Node.js that the locked packages run on.
const OLDEST: u32 = 20;

/// A package and all that it depends on.
#[derive(Debug)]
pub(crate) struct Locked {
    /// As the registry knows it.
    pub(crate) name: &'static str,
    /// Its own version.
    pub(crate) version: &'static str,
    /// The manifest that asks for it: `package.json`.
    pub(crate) manifest: &'static str,
    /// The versions and hashes of all of them: `package-lock.json`. It names no registry: npm's own settings do.
    pub(crate) lock: &'static str,
}

impl Locked {
    /// What is missing on this machine, and what to do; `None` where nothing is.
    pub(crate) fn absent() -> Option<String> {
        let said = run::ask(Command::new("node").arg("--version"));
        let advice = format!(
            "Install Node.js {OLDEST} or newer, with npm: `apt install nodejs npm`, `brew install node`"
        );
        match said.as_deref().and_then(major) {
            None => return Some(format!("node is not there. {advice}")),
            Some(found) if found < OLDEST => return Some(format!("node is {found}. {advice}")),
            Some(_) => {}
        }
        let npm = run::ask(Command::new("npm").arg("--version"));
        npm.is_none().then(|| format!("npm is not there. {advice}"))
    }

    pub(crate) fn recipe(&self) -> String {
        format!("{} {}\n{}{}", self.name, self.version, self.manifest, self.lock)
    }

    /// Whether it is still there.
    pub(crate) fn works(&self, folder: &Path) -> bool {
        folder.join("node_modules").join(self.name).join("package.json").is_file()
    }

    /// Installs it.
    pub(crate) fn fill(&self, folder: &Path) -> Result<()> {
        fs::write(folder.join("package.json"), self.manifest)?;
        fs::write(folder.join("package-lock.json"), self.lock)?;
        let mut npm = Command::new("npm");
        // Nothing of a stranger's runs before its time.
        npm.args(["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
        run::quiet(npm.current_dir(folder)).map_err(|said| {
            format!(
                "npm cannot have {} {}. It needs a registry: look at the network, and at npm's own settings (`npm config list`). \
                 It says:\n{said}",
                self.name, self.version
            )
            .into()
        })
    }
}

/// Reads `v20.1.2`.
fn major(said: &str) -> Option<u32> {
    said.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::install::Package;
    use super::super::table::TABLE;
    use super::*;

    #[test]
    fn a_version_is_read_by_its_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("no node here"), None);
    }

    #[test]
    fn a_lock_holds_the_package_and_names_no_registry() {
        for emulator in TABLE {
            let Package::Node(package) = &emulator.package else { continue };
            let lock: serde_json::Value = serde_json::from_str(package.lock).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            let own = &packages[&format!("node_modules/{}", package.name)];
            assert_eq!(own["version"], package.version);
            for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
                assert!(package["integrity"].is_string() && package["resolved"].is_null(), "{path}");
            }
        }
    }

    #[test]
    fn a_recipe_changes_with_all_that_decides_what_is_installed() {
        let package = |version, manifest, lock| Locked { name: "x", version, manifest, lock };
        let first = package("1", "{}", "{}").recipe();
        for other in [package("2", "{}", "{}"), package("1", "{ }", "{}"), package("1", "{}", "{ }")] {
            assert_ne!(first, other.recipe());
        }
    }
}
