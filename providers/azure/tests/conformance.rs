//! The conformance suite on Azurite: as `[azure]` with the account's key, as `[azure-sas]` with a shared access signature, and as `[azure-oauth]`
//! with tokens over TLS. `cargo xtask test` starts the emulators.

#![allow(clippy::expect_used)] // All of this is a test.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_azure::{Azure, AzureConfig};
use skyport_conformance::{Deviation, Harness};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

/// Where each emulator is known to differ from Azure.
mod deviations {
    pub(crate) mod azurite;
}
use deviations::azurite::AZURITE;

/// The environment variable that tells where Azurite listens: its connection string.
const VARIABLE: &str = "SKYPORT_EMULATOR_AZURITE";

/// Where the services are, and who calls.
#[derive(Debug)]
struct Emulated {
    name: &'static str,
    config: AzureConfig,
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Azure::with(self.config.clone())))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "azqueue",
            ResourceKind::Table(_) => "aztable",
            _ => "azblob",
        };
        ResourceUrl::new(scheme, name)
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn deviations(&self) -> Vec<Deviation> {
        AZURITE.to_vec()
    }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let said = std::env::var(VARIABLE).unwrap_or_default();
    if said.is_empty() && !only_listed {
        eprintln!(
            "{VARIABLE} is not set: run `cargo xtask test --provider azure`, which starts the emulators, or start them with \
             `cargo xtask emulators` and set what it says"
        );
        return ExitCode::FAILURE;
    }
    let mut config = AzureConfig::default();
    config.connection_string = Some(said);
    let by_key = Emulated { name: "azure", config };
    skyport_conformance::run_all(vec![Arc::new(by_key)])
}
