//! The conformance suite on Azurite: as `[azure]` with the account's key, as `[azure-sas]` with a shared access signature, and as `[azure-oauth]`
//! with tokens over TLS. `cargo xtask test` starts the emulators. In the first row a stand-in for Event Grid tells of what happens to containers.

#![allow(clippy::expect_used)] // All of this is a test.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_azure::{Azure, AzureConfig};
use skyport_conformance::{Deviation, Harness, SignedUrls};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

use callers::{FakeIdentity, account_sas, part};

/// Who calls.
mod callers;

/// Who tells of blobs.
mod event_grid;

/// Where each emulator is known to differ from Azure.
mod deviations {
    pub(crate) mod azurite;
    pub(crate) mod azurite_callers;
}
use deviations::azurite::AZURITE;
use deviations::azurite_callers::{BY_KEY, BY_SAS, BY_TOKEN};

/// The environment variable that tells where Azurite listens: its connection string.
const VARIABLE: &str = "SKYPORT_EMULATOR_AZURITE";

/// That of the Azurite that takes tokens over TLS. Its string has no key, but one more part, `CaFile`: the certificate to be trusted.
const VARIABLE_OF_TOKENS: &str = "SKYPORT_EMULATOR_AZURITE_OAUTH";

/// Where the services are, and who calls.
#[derive(Debug)]
struct Emulated {
    name: &'static str,
    config: AzureConfig,
    /// The connection string of an emulator beside which Event Grid stands.
    told: Option<String>,
    /// Beside those of every row.
    deviations: &'static [Deviation],
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let mut config = self.config.clone();
        if let Some(said) = &self.told {
            let of = |name| part(said, name).expect("Azurite's connection string");
            let sas = account_sas(said).expect("the account's key");
            let (blobs, queues) = (of("BlobEndpoint"), of("QueueEndpoint"));
            config.blob_endpoint = Some(event_grid::before(&of("AccountName"), &blobs, &queues, &sas).await);
        }
        Ok(Arc::new(Azure::with(config)))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        match kind {
            ResourceKind::Queue(_) => ResourceUrl::new("azqueue", name),
            ResourceKind::Table(_) => ResourceUrl::new("aztable", name),
            _ if self.told.is_some() => {
                ResourceUrl::new("azblob", name).with_parameter("events", event_grid::queues_of(name))
            }
            _ => ResourceUrl::new("azblob", name),
        }
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn signed_urls(&self) -> SignedUrls {
        let mut urls = SignedUrls::default();
        urls.expiry_untold = true;
        urls.open_query = true;
        urls.forbids_overwriting = true;
        urls.keeps_content_type = true;
        urls.accepts_deletes = true;
        // An account's key cannot.
        urls.binds_no_content_type = self.config.credential.is_none();
        urls
    }

    fn certificates(&self) -> Option<Vec<u8>> {
        self.config.ca_certificates.clone()
    }

    fn deviations(&self) -> Vec<Deviation> {
        [AZURITE, self.deviations].concat()
    }
}

/// With the account's key.
fn by_key(said: &str) -> Emulated {
    let mut config = AzureConfig::default();
    config.connection_string = Some(said.to_owned());
    Emulated { name: "azure", config, told: Some(said.to_owned()), deviations: BY_KEY }
}

/// With what the key signs once: all services, all they have, all that can be done.
fn by_sas(said: &str) -> Emulated {
    let mut config = AzureConfig::default();
    config.account = part(said, "AccountName");
    config.sas = account_sas(said);
    config.blob_endpoint = part(said, "BlobEndpoint");
    config.queue_endpoint = part(said, "QueueEndpoint");
    config.table_endpoint = part(said, "TableEndpoint");
    Emulated { name: "azure-sas", config, told: None, deviations: BY_SAS }
}

/// With tokens.
fn by_token(said: &str) -> Emulated {
    let mut config = AzureConfig::default();
    config.connection_string = Some(said.to_owned());
    config.credential = Some(Arc::new(FakeIdentity));
    config.ca_certificates = part(said, "CaFile").map(|file| std::fs::read(file).expect("a certificate"));
    Emulated { name: "azure-oauth", config, told: None, deviations: BY_TOKEN }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let [said, said_of_tokens] =
        [VARIABLE, VARIABLE_OF_TOKENS].map(|name| std::env::var(name).unwrap_or_default());
    for (variable, said) in [(VARIABLE, &said), (VARIABLE_OF_TOKENS, &said_of_tokens)] {
        if said.is_empty() && !only_listed {
            eprintln!(
                "{variable} is not set: run `cargo xtask test --provider azure`, which starts the emulators, or start them with \
                 `cargo xtask emulators` and set what it says"
            );
            return ExitCode::FAILURE;
        }
    }
    let rows = [by_key(&said), by_sas(&said), by_token(&said_of_tokens)];
    skyport_conformance::run_all(rows.map(|row| Arc::new(row) as Arc<dyn Harness>).to_vec())
}
