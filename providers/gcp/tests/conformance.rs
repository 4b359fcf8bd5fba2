//! The conformance suite on emulators of Google Cloud: as `[gcp]` on the Pub/Sub and Firestore emulators and, for buckets, on the
//! strict test server in `tests/gcs`; and again, as a second opinion on buckets alone, on fake-gcs-server as `[gcp-fake-gcs]`.
//! `cargo xtask test` starts the emulators.

#![allow(clippy::expect_used)] // All of this is a test.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use google_cloud_auth::credentials::service_account;
use google_cloud_auth::signer::Signer;
use skyport_conformance::{Deviation, Harness, Port};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};
use skyport_gcs::Server;

/// Where each emulator is known to differ from Google Cloud.
mod deviations {
    pub(crate) mod fake_gcs;
    pub(crate) mod firestore;
    pub(crate) mod pubsub;
    pub(crate) mod strict_gcs;
}
use deviations::fake_gcs::FAKE_GCS;
use deviations::firestore::FIRESTORE;
use deviations::pubsub::PUBSUB;
use deviations::strict_gcs::STRICT_GCS;

/// The environment variables that tell where the emulators listen: `http://127.0.0.1:8085`. For one that cannot be had on this
/// machine `cargo xtask test` says `absent`, and leaves out the cases that need it.
const VARIABLES: [&str; 3] =
    ["SKYPORT_EMULATOR_PUBSUB", "SKYPORT_EMULATOR_FIRESTORE", "SKYPORT_EMULATOR_FAKE_GCS"];

/// Where the services are.
#[derive(Debug)]
struct Emulated {
    name: &'static str,
    storage: String,
    pubsub: String,
    firestore: String,
    signer: Signer,
    ports: &'static [Port],
    deviations: Vec<&'static [Deviation]>,
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let mut config = GcpConfig::default();
        config.project = Some("conformance".to_owned());
        config.storage_endpoint = Some(self.storage.clone());
        config.pubsub_endpoint = Some(self.pubsub.clone());
        config.firestore_endpoint = Some(self.firestore.clone());
        config.signer = Some(self.signer.clone());
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

    fn ports(&self) -> &'static [Port] {
        self.ports
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn deviations(&self) -> Vec<Deviation> {
        self.deviations.concat()
    }
}

/// Who signs URLs: an account that the test server knows, whose key signs for nothing else.
fn signer() -> Signer {
    // Where it is installed already, it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let account = service_account::Builder::new(skyport_gcs::service_account());
    account.build_signer().expect("the test server's own account")
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
    let [pubsub, firestore, fake_gcs] = endpoints;
    let mut options = skyport_gcs::Options::default();
    options.pubsub = Some(pubsub.clone());
    let server = Server::start_with(options).expect("a free port");
    let signer = signer();
    let strict = Emulated {
        name: "gcp",
        storage: server.url().to_owned(),
        pubsub: pubsub.clone(),
        firestore: firestore.clone(),
        signer: signer.clone(),
        ports: &Port::ALL,
        deviations: vec![STRICT_GCS, PUBSUB, FIRESTORE],
    };
    let ports = &[Port::Blob];
    let deviations = vec![FAKE_GCS];
    let second =
        Emulated { name: "gcp-fake-gcs", storage: fake_gcs, pubsub, firestore, signer, ports, deviations };
    skyport_conformance::run_all(vec![Arc::new(strict), Arc::new(second)])
}
