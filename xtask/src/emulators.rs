//! The vendors' emulators: installed under `target/emulators`, started and ended with the tests that need them.
//!
//! [`table`] has a row for each. [`install`] puts one in its place, once, and [`gcloud`] finds those that come with Google's own
//! command line; [`server`] starts one and waits until it answers; [`guard`] ends it, whatever becomes of xtask.

mod gcloud;
pub(crate) mod guard;
mod install;
mod log;
mod node;
mod python;
mod server;
pub(crate) mod table;

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::workspace;
use crate::{Result, run};
use install::Had;
use server::Running;
use table::{Emulator, TABLE};

/// What every test is told, with an emulator or without: nothing here runs on a machine of AWS, so nobody is to wait for one.
pub(crate) const ALWAYS: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

/// What a test is told of an emulator that cannot be had.
const ABSENT: &str = "absent";

/// Those that were started; they end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Emulators {
    started: Vec<Started>,
    absent: Vec<(&'static Emulator, String)>,
}

#[derive(Debug)]
struct Started {
    emulator: &'static Emulator,
    value: String,
    server: Option<Running>,
}

impl Emulators {
    /// Installs it and starts it, unless it runs already. What is missing, where it cannot be had on this machine.
    ///
    /// # Errors
    /// Why it does not run.
    pub(crate) fn require(&mut self, root: &Path, emulator: &'static Emulator) -> Result<Option<String>> {
        if self.started.iter().any(|started| started.emulator.name == emulator.name) {
            return Ok(None);
        }
        if let Some((_, why)) = self.absent.iter().find(|(absent, _)| absent.name == emulator.name) {
            return Ok(Some(why.clone()));
        }
        let began = Instant::now();
        let place = root.join("target").join("emulators");
        let told = |error| format!("the emulator {} cannot be had: {error}", emulator.name);
        let installed = match install::had(&place, &emulator.package).map_err(told)? {
            Had::Here(installed) => installed,
            Had::Absent(why) => {
                let why = told(why.into());
                self.absent.push((emulator, why.clone()));
                return Ok(Some(why));
            }
        };
        let (value, server) = match &emulator.server {
            None => (installed.to_string_lossy().into_owned(), None),
            Some(server) => {
                let (told, running) =
                    server::start(&place, emulator.name, server, &installed).map_err(told)?;
                (told, Some(running))
            }
        };
        eprintln!("{} is at {value}, after {:.1} s", emulator.name, began.elapsed().as_secs_f64());
        self.started.push(Started { emulator, value, server });
        Ok(None)
    }

    /// What a test of the member in this folder finds in its environment.
    pub(crate) fn variables<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'static str, &'a str)> {
        let started = self.started.iter().map(|started| (started.emulator, started.value.as_str()));
        let all = started.chain(self.absent.iter().map(|(emulator, _)| (*emulator, ABSENT)));
        let used = all.filter(move |(emulator, _)| emulator.users.contains(&folder));
        used.map(|(emulator, value)| (emulator.variable, value))
    }

    /// All that is to be told of those that run.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.started.iter().map(|started| (started.emulator.variable, started.value.as_str()))
    }

    /// Waits until one of them ends, which none does by itself.
    fn wait(self) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        for Started { emulator, server, .. } in self.started {
            if let Some(server) = server {
                let sender = sender.clone();
                // Not joined: the first that ends is the news, and the process's end ends the others.
                thread::spawn(move || sender.send(format!("{} {}", emulator.name, server.wait())));
            }
        }
        drop(sender);
        // Without a server there is nothing to wait for.
        receiver.recv().map_or(Ok(()), |news| Err(news.into()))
    }
}

/// `cargo xtask emulators`: installs and starts them, says how tests find them, and lets them run until this process ends.
///
/// # Errors
/// Where one cannot be had, or ends.
pub(crate) fn task(only: Option<&str>) -> Result<bool> {
    let root = workspace::root()?;
    let wanted: Vec<&Emulator> =
        TABLE.iter().filter(|emulator| only.is_none_or(|only| only == emulator.name)).collect();
    if wanted.is_empty() {
        let names: Vec<&str> = TABLE.iter().map(|emulator| emulator.name).collect();
        return Err(format!("there is no such emulator; there are {}", names.join(", ")).into());
    }
    let mut emulators = Emulators::default();
    for emulator in wanted {
        match emulators.require(&root, emulator)? {
            Some(why) if only.is_some() => return Err(why.into()),
            Some(why) => eprintln!("ABSENT: {why}"),
            None => {}
        }
    }
    for started in &emulators.started {
        println!("export {}={}", started.emulator.variable, run::quoted(&started.value));
    }
    println!("export {}={}", ALWAYS.0, ALWAYS.1);
    if emulators.started.iter().any(|started| started.server.is_some()) {
        eprintln!("They run until Ctrl-C. What they log is in target/emulators/logs.");
    }
    emulators.wait()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_told_of_its_own_emulators_alone() {
        let used_by = table::used_by;
        let (aws, lambda) = (used_by("providers/aws"), used_by("adapters/lambda"));
        assert_eq!(aws.map(|emulator| emulator.name).collect::<Vec<_>>(), ["ministack", "moto"]);
        assert_eq!(lambda.map(|emulator| emulator.name).collect::<Vec<_>>(), ["ministack", "lambda-rie"]);
        assert_eq!(used_by("providers/local").count(), 0);

        let mut emulators = Emulators::default();
        for emulator in TABLE {
            emulators.started.push(Started { emulator, value: emulator.name.to_owned(), server: None });
        }
        let told: Vec<_> = emulators.variables("providers/aws").collect();
        assert_eq!(told, [("SKYPORT_EMULATOR_MINISTACK", "ministack"), ("SKYPORT_EMULATOR_MOTO", "moto")]);
        assert_eq!(emulators.variables("").count(), 0);
    }

    #[test]
    fn one_that_cannot_be_had_is_told_as_absent() {
        let mut emulators = Emulators::default();
        let firestore = TABLE.iter().find(|emulator| emulator.name == "firestore-emulator").unwrap();
        emulators.absent.push((firestore, "there is no gcloud".to_owned()));
        let told: Vec<_> = emulators.variables("providers/gcp").collect();
        assert_eq!(told, [("SKYPORT_EMULATOR_FIRESTORE", "absent")]);
        let why = emulators.require(Path::new("/nowhere"), firestore).unwrap();
        assert_eq!(why.as_deref(), Some("there is no gcloud"));
    }

    #[test]
    fn an_unknown_emulator_is_told_with_those_that_there_are() {
        let error = task(Some("ministick")).unwrap_err().to_string();
        assert!(error.contains("ministack, moto"), "{error}");
    }
}
