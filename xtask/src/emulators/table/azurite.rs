//! Azurite, Microsoft's emulator of Azure's storage, in two forms: called with the account's key, and with tokens over TLS. Benchmarks have another of
//! the first.

use std::fs;
use std::path::Path;

use super::{Emulator, FAULTY_PORTS, Need, PROVIDERS_PORTS, Row};
use crate::Result;
use crate::emulators::install::Package;
use crate::emulators::node::Locked;
use crate::emulators::server::{Found, Listens, Program, Server};

/// Called with the account's key, or with what is signed by it.
pub(super) const BY_KEY: Emulator = Emulator {
    name: "azurite",
    variable: "SKYPORT_EMULATOR_AZURITE",
    users: &["providers/azure", "tests/e2e"],
    rows: &[
        Row { member: "providers/azure", name: "azure", ports: PROVIDERS_PORTS },
        Row { member: "providers/azure", name: "azure-sas", ports: PROVIDERS_PORTS },
        Row { member: "providers/azure", name: "azure-faulty", ports: FAULTY_PORTS },
    ],
    needs: &[
        Need { member: "providers/azure", target: "conformance", tests: &[] },
        Need { member: "providers/azure", target: "conformance-faulty", tests: &[] },
        Need { member: "tests/e2e", target: "e2e", tests: &["azure"] },
    ],
    package: AZURITE,
    server: Some(Server {
        program: Program::OnPath("node"),
        arguments: |installed, port| arguments(installed, port, &[]),
        environment: |_| Vec::new(),
        listens: Listens::Found(Found {
            prepare: |_| Ok(()),
            says: SAYS,
            told: |urls, _| connection_string(urls, &format!("AccountKey={KEY}")),
        }),
    }),
};

/// As [`BY_KEY`], for the benchmark of many messages alone: once a minute Azurite deletes what is left of those that are gone, and answers nobody
/// until it is done, which takes minutes where they were thousands.
pub(super) const OF_MESSAGES: Emulator = Emulator {
    name: "azurite-messages",
    variable: "SKYPORT_EMULATOR_AZURITE_MESSAGES",
    users: &[],
    rows: &[],
    needs: &[],
    ..BY_KEY
};

/// Called with tokens of Entra ID, which are taken over TLS alone.
pub(super) const BY_TOKEN: Emulator = Emulator {
    name: "azurite-oauth",
    variable: "SKYPORT_EMULATOR_AZURITE_OAUTH",
    users: &["providers/azure"],
    rows: &[Row { member: "providers/azure", name: "azure-oauth", ports: PROVIDERS_PORTS }],
    needs: &[Need { member: "providers/azure", target: "conformance", tests: &[] }],
    package: AZURITE,
    server: Some(Server {
        program: Program::OnPath("node"),
        arguments: |installed, port| {
            arguments(installed, port, &["--oauth", "basic", "--cert", CERTIFICATE, "--key", CERTIFICATE_KEY])
        },
        environment: |_| Vec::new(),
        listens: Listens::Found(Found {
            prepare: certify,
            says: SAYS,
            told: |urls, data| {
                connection_string(urls, &format!("CaFile={}", data.join(CERTIFICATE).display()))
            },
        }),
    }),
};

/// One package for both.
const AZURITE: Package = Package::Node(Locked {
    name: "azurite",
    version: "3.37.0",
    manifest: include_str!("../azurite/package.json"),
    lock: include_str!("../azurite/package-lock.json"),
});

/// What it says of each of its services, in the order of [`connection_string`].
const SAYS: &[&str] = &[
    "Azurite Blob service is successfully listening at ",
    "Azurite Queue service is successfully listening at ",
    "Azurite Table service is successfully listening at ",
];

/// The account that every Azurite has, and its key, which is no secret: Microsoft's documentation prints it.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// In its own folder.
const CERTIFICATE: &str = "certificate.pem";
const CERTIFICATE_KEY: &str = "certificate-key.pem";

fn arguments(installed: &Path, port: u16, more: &[&str]) -> Vec<String> {
    let program = installed.join("node_modules/azurite/dist/src/azurite.js");
    // What is in it besides the bytes of blobs, which have a limit of their own: in megabytes, more than all suites write before it
    // looks for what was deleted, every ten minutes.
    let mut words = vec!["--max-old-space-size=512".to_owned(), program.to_string_lossy().into_owned()];
    words.extend(["--inMemoryPersistence", "--extentMemoryLimit", "4096"].map(str::to_owned));
    for service in ["blob", "queue", "table"] {
        words.extend([format!("--{service}Host"), "127.0.0.1".to_owned()]);
        words.extend([format!("--{service}Port"), port.to_string()]);
        // Its default of five seconds closes connections under a client that is about to use them.
        words.extend([format!("--{service}KeepAliveTimeout"), "300".to_owned()]);
    }
    words.extend(["--silent", "--disableTelemetry"].iter().chain(more).map(|&word| word.to_owned()));
    words
}

/// As Azure's portal shows one, with the account in the path of each URL.
fn connection_string(urls: &[String], credential: &str) -> String {
    let protocol = if urls.iter().all(|url| url.starts_with("https:")) { "https" } else { "http" };
    let mut said = format!("DefaultEndpointsProtocol={protocol};AccountName={ACCOUNT};{credential}");
    for (service, url) in ["Blob", "Queue", "Table"].iter().zip(urls) {
        said.push_str(&format!(";{service}Endpoint={url}/{ACCOUNT}"));
    }
    said
}

/// Makes a certificate for this machine alone, which lives as long as the folder: nothing else is ever to trust it.
fn certify(data: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::write(data.join(CERTIFICATE), made.cert.pem())?;
    fs::write(data.join(CERTIFICATE_KEY), made.signing_key.serialize_pem())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_memory_is_bounded_and_it_listens_here_alone() {
        for emulator in [BY_KEY, BY_TOKEN] {
            let server = emulator.server.unwrap();
            let line = (server.arguments)(Path::new("/x"), 0).join(" ");
            assert!(line.starts_with("--max-old-space-size=512 /x/node_modules/azurite/"), "{line}");
            assert!(line.contains("--inMemoryPersistence --extentMemoryLimit 4096"), "{line}");
            for service in ["blob", "queue", "table"] {
                assert!(line.contains(&format!("--{service}Host 127.0.0.1 --{service}Port 0")), "{line}");
            }
        }
    }

    #[test]
    fn a_connection_string_has_the_account_at_every_endpoint() {
        let urls = ["https://127.0.0.1:1", "https://127.0.0.1:2", "https://127.0.0.1:3"].map(str::to_owned);
        let said = connection_string(&urls, "CaFile=/x/certificate.pem");
        assert_eq!(
            said,
            "DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;CaFile=/x/certificate.pem;\
             BlobEndpoint=https://127.0.0.1:1/devstoreaccount1;QueueEndpoint=https://127.0.0.1:2/devstoreaccount1;\
             TableEndpoint=https://127.0.0.1:3/devstoreaccount1"
        );
    }

    #[test]
    fn a_certificate_and_its_key_are_made_anew() {
        let data = std::env::temp_dir().join(format!("xtask-certify-{}", std::process::id()));
        fs::create_dir_all(&data).unwrap();
        let made = || {
            certify(&data).unwrap();
            [CERTIFICATE, CERTIFICATE_KEY].map(|file| fs::read_to_string(data.join(file)).unwrap())
        };
        let [first, key] = made();
        assert!(first.starts_with("-----BEGIN CERTIFICATE-----"), "{first}");
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_ne!(made()[0], first);
        fs::remove_dir_all(data).unwrap();
    }
}
