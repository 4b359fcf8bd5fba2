//! The contract where the way to Azure is bad, as `[azure-faulty]`: Azurite behind proxies that delay, reset, throttle, truncate and lose.

#![allow(clippy::expect_used)] // All of this is a test.

use std::process::ExitCode;
use std::sync::Arc;

use skyport_azure::{Azure, AzureConfig};
use skyport_conformance::faulty::{self, Dialect, Services};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

/// The environment variable that tells where Azurite listens: its connection string.
const VARIABLE: &str = "SKYPORT_EMULATOR_AZURITE";

/// The parts of that string that tell where each service is.
const SERVICES: [(&str, Dialect); 3] = [
    ("BlobEndpoint", Dialect::AzureBlob),
    ("QueueEndpoint", Dialect::AzureQueue),
    ("TableEndpoint", Dialect::AzureTable),
];

#[derive(Debug)]
struct Emulated {
    /// Where Azurite is.
    said: String,
}

impl Emulated {
    fn part(&self, name: &str) -> &str {
        let mut parts = self.said.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(known, _)| *known == name).expect("Azurite's connection string").1
    }
}

impl Services for Emulated {
    fn name(&self) -> &'static str {
        "azure-faulty"
    }

    fn upstreams(&self) -> Vec<(String, Dialect)> {
        SERVICES.map(|(name, dialect)| (self.part(name).to_owned(), dialect)).to_vec()
    }

    fn provider(&self, urls: &[String]) -> Arc<dyn Provider> {
        let (account, key) = (self.part("AccountName"), self.part("AccountKey"));
        let mut said = format!("DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key}");
        for ((name, _), url) in SERVICES.iter().zip(urls) {
            said.push_str(&format!(";{name}={url}"));
        }
        let mut config = AzureConfig::default();
        config.connection_string = Some(said);
        Arc::new(Azure::with(config))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "azqueue",
            ResourceKind::Table(_) => "aztable",
            _ => "azblob",
        };
        ResourceUrl::new(scheme, name)
    }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let said = std::env::var(VARIABLE).unwrap_or_default();
    if said.is_empty() && !only_listed {
        eprintln!(
            "{VARIABLE} is not set: run `cargo xtask test`, which starts the emulators, or start them with `cargo xtask emulators` and \
             set what it says"
        );
        return ExitCode::FAILURE;
    }
    faulty::run(Emulated { said })
}
