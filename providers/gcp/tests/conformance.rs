//! The conformance suite on emulators of Google Cloud. `cargo xtask test` starts them.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use google_cloud_auth::credentials::service_account::Builder;
use google_cloud_auth::signer::Signer;
use skyport_conformance::{Deviation, Harness};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};

/// Where each emulator is known to differ from Google Cloud.
mod deviations {
    pub(crate) mod fake_gcs;
    pub(crate) mod firestore;
    pub(crate) mod pubsub;
}
use deviations::fake_gcs::FAKE_GCS;
use deviations::firestore::FIRESTORE;
use deviations::pubsub::PUBSUB;

/// The environment variables that tell where the emulators listen: `http://127.0.0.1:8085`.
const VARIABLES: [&str; 3] =
    ["SKYPORT_EMULATOR_FAKE_GCS", "SKYPORT_EMULATOR_PUBSUB", "SKYPORT_EMULATOR_FIRESTORE"];

#[derive(Debug)]
struct Emulated {
    endpoints: [String; 3],
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        "gcp"
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let mut config = GcpConfig::default();
        config.project = Some("conformance".to_owned());
        config.signer = Some(signer());
        let [storage, pubsub, firestore] = self.endpoints.clone().map(Some);
        (config.storage_endpoint, config.pubsub_endpoint, config.firestore_endpoint) =
            (storage, pubsub, firestore);
        Ok(Arc::new(Gcp::with(config)))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "pubsub",
            ResourceKind::Table(_) => "firestore",
            _ => "gs",
        };
        ResourceUrl::new(scheme, name)
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn deviations(&self) -> Vec<Deviation> {
        [FAKE_GCS, PUBSUB, FIRESTORE].concat()
    }
}

/// Who signs URLs: the account that the test server knows.
#[allow(clippy::expect_used, reason = "a test fails by a panic")]
fn signer() -> Signer {
    Builder::new(skyport_gcs::service_account()).build_signer().expect("a key")
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let endpoints = VARIABLES.map(|variable| std::env::var(variable).unwrap_or_default());
    for (variable, endpoint) in VARIABLES.iter().zip(&endpoints) {
        if endpoint.is_empty() && !only_listed {
            eprintln!(
                "{variable} is not set: run `cargo xtask test --provider gcp`, which starts the emulators, or start them with \
                 `cargo xtask emulators` and set what it says"
            );
            return ExitCode::FAILURE;
        }
    }
    skyport_conformance::run_all(vec![Arc::new(Emulated { endpoints })])
}
