//! The vendors' emulators: installed under `target/emulators`, started and ended with the tests that need them.
//!
//! [`TABLE`] has a row for each; another cloud's emulators come beside them as rows. [`install`] puts one in its place, once;
//! [`server`] starts one and waits until it answers; [`guard`] ends it, whatever becomes of xtask.

pub(crate) mod guard;
mod install;
mod python;
mod server;

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::workspace;
use crate::{Result, run};
use install::Package;
use python::{OneFile, Wheel};
use server::{Running, Server};

/// One emulator, and all that is to be known of it.
#[derive(Debug)]
pub(crate) struct Emulator {
    /// For people, for `--only`, and for its folders.
    pub(crate) name: &'static str,
    /// How a test learns of it: the URL of a server, or the path of a program.
    variable: &'static str,
    /// The members whose integration tests use it, by their folders.
    users: &'static [&'static str],
    /// The rows of the conformance table that come from it, each with the folder of the member that owes it: where it did not
    /// run, they are missed.
    rows: &'static [(&'static str, &'static str)],
    package: Package,
    /// `None` where tests start it themselves.
    server: Option<Server>,
}

/// All of them.
const TABLE: &[Emulator] = &[
    Emulator {
        name: "ministack",
        variable: "SKYPORT_EMULATOR_MINISTACK",
        users: &["providers/aws", "adapters/lambda", "tests/e2e"],
        rows: &[("providers/aws", "aws"), ("adapters/lambda", "lambda-emulated")],
        package: Package::Python(Wheel {
            name: "ministack",
            extras: "",
            version: "1.5.33",
            sha256: "36f9158cbe7eb7a3f910ccf1c052c98204511164249b783682f7a96ef56b0bba",
            pins: include_str!("emulators/ministack.txt"),
        }),
        server: Some(Server {
            program: "bin/ministack",
            arguments: |_| Vec::new(),
            environment: |port| {
                vec![
                    // Without it, it listens to the whole network, and so do two services that nobody here needs.
                    ("BIND_HOST", "127.0.0.1".to_owned()),
                    ("IOT_MTLS_ENABLED", "0".to_owned()),
                    ("SFTP_ENABLED", "0".to_owned()),
                    ("GATEWAY_PORT", port.to_string()),
                    // For what its functions call.
                    ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
                    ("LOG_LEVEL", "WARNING".to_owned()),
                ]
            },
            health: "/_ministack/health",
        }),
    },
    Emulator {
        name: "moto",
        variable: "SKYPORT_EMULATOR_MOTO",
        users: &["providers/aws"],
        rows: &[("providers/aws", "aws-moto")],
        package: Package::Python(Wheel {
            name: "moto",
            extras: "[server]",
            version: "5.2.5",
            sha256: "eef62cdcf3bfe73e0863743511ba042dfaba04ba3d5ecdcb896a196c693ad528",
            pins: include_str!("emulators/moto.txt"),
        }),
        server: Some(Server {
            program: "bin/moto_server",
            arguments: |port| ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec(),
            environment: |_| Vec::new(),
            health: "/moto-api/",
        }),
    },
    // AWS's own Runtime Interface Emulator, for Linux: it is inside this package, of which nothing else is needed.
    Emulator {
        name: "lambda-rie",
        variable: "SKYPORT_LAMBDA_RIE",
        users: &["adapters/lambda"],
        rows: &[],
        package: Package::OneFile(OneFile {
            name: "aws-lambda-rie",
            wheel: Wheel {
                name: "aws-sam-cli",
                extras: "",
                version: "1.170.0",
                sha256: "24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf",
                pins: "",
            },
            inside: match () {
                () if cfg!(not(target_os = "linux")) => None,
                () if cfg!(target_arch = "x86_64") => Some("samcli/local/rapid/aws-lambda-rie-x86_64"),
                () if cfg!(target_arch = "aarch64") => Some("samcli/local/rapid/aws-lambda-rie-arm64"),
                () => None,
            },
        }),
        server: None,
    },
];

/// What every test is told, with an emulator or without: nothing here runs on a machine of AWS, so nobody is to wait for one.
pub(crate) const ALWAYS: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

/// What the integration tests of the member in this folder use.
pub(crate) fn used_by(folder: &str) -> impl Iterator<Item = &'static Emulator> {
    TABLE.iter().filter(move |emulator| emulator.users.contains(&folder))
}

/// The rows of the conformance table that the member in this folder owes by its emulators.
pub(crate) fn rows_of(folder: &str) -> impl Iterator<Item = &'static str> {
    let rows = TABLE.iter().flat_map(|emulator| emulator.rows);
    rows.filter(move |(owing, _)| *owing == folder).map(|(_, row)| *row)
}

/// Those that were started; they end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Emulators {
    started: Vec<Started>,
}

#[derive(Debug)]
struct Started {
    emulator: &'static Emulator,
    value: String,
    server: Option<Running>,
}

impl Emulators {
    /// Installs it and starts it, unless it runs already.
    ///
    /// # Errors
    /// What is missing, or why it does not run.
    pub(crate) fn require(&mut self, root: &Path, emulator: &'static Emulator) -> Result<()> {
        if self.started.iter().any(|started| started.emulator.name == emulator.name) {
            return Ok(());
        }
        let began = Instant::now();
        let place = root.join("target").join("emulators");
        let told = |error| format!("the emulator {} cannot be had: {error}", emulator.name);
        let installed = install::install(&place, &emulator.package).map_err(told)?;
        let (value, server) = match &emulator.server {
            None => (installed.to_string_lossy().into_owned(), None),
            Some(server) => {
                let running = server::start(&place, emulator.name, server, &installed).map_err(told)?;
                (running.url(), Some(running))
            }
        };
        eprintln!("{} is at {value}, after {:.1} s", emulator.name, began.elapsed().as_secs_f64());
        self.started.push(Started { emulator, value, server });
        Ok(())
    }

    /// What a test of the member in this folder finds in its environment.
    pub(crate) fn variables<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'static str, &'a str)> {
        let used = self.started.iter().filter(move |started| started.emulator.users.contains(&folder));
        used.map(|started| (started.emulator.variable, started.value.as_str()))
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
        emulators.require(&root, emulator)?;
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
    fn a_member_owes_its_own_rows_of_each_emulator() {
        assert_eq!(rows_of("providers/aws").collect::<Vec<_>>(), ["aws", "aws-moto"]);
        assert_eq!(rows_of("adapters/lambda").collect::<Vec<_>>(), ["lambda-emulated"]);
        assert_eq!(rows_of("tests/e2e").count(), 0);
        assert_eq!(rows_of("providers/memory").count(), 0);
    }

    #[test]
    fn names_and_variables_are_said_once() {
        for (index, emulator) in TABLE.iter().enumerate() {
            let after = &TABLE[index + 1..];
            assert!(after.iter().all(|other| other.name != emulator.name), "{}", emulator.name);
            assert!(after.iter().all(|other| other.variable != emulator.variable), "{}", emulator.variable);
        }
    }

    #[test]
    fn an_unknown_emulator_is_told_with_those_that_there_are() {
        let error = task(Some("ministick")).unwrap_err().to_string();
        assert!(error.contains("ministack, moto"), "{error}");
    }
}
