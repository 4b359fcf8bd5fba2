//! The contract where the way to Google Cloud is bad, as `[gcp-faulty]`: the strict test server of buckets and the emulators of Pub/Sub and Firestore
//! behind proxies that delay, reset, throttle, truncate and lose.

#![allow(clippy::expect_used)] // All of this is a test.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use skyport_conformance::faulty::{self, Dialect, Services};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};
use skyport_gcs::Server;

/// The environment variables that tell where the emulators listen: `http://127.0.0.1:8085`. For one that cannot be had on this
/// machine `cargo xtask test` says `absent`, and leaves out all cases.
const VARIABLES: [&str; 2] = ["SKYPORT_EMULATOR_PUBSUB", "SKYPORT_EMULATOR_FIRESTORE"];

#[derive(Debug)]
struct Emulated {
    storage: Server,
    pubsub: String,
    firestore: String,
}

impl Services for Emulated {
    fn name(&self) -> &'static str {
        "gcp-faulty"
    }

    fn upstreams(&self) -> Vec<(String, Dialect)> {
        vec![
            (self.storage.url().to_owned(), Dialect::CloudStorage),
            (self.pubsub.clone(), Dialect::PubSub),
            (self.firestore.clone(), Dialect::Firestore),
        ]
    }

    fn provider(&self, urls: &[String]) -> Arc<dyn Provider> {
        let mut config = GcpConfig::default();
        config.project = Some("faulty".to_owned());
        config.storage_endpoint = urls.first().cloned();
        config.pubsub_endpoint = urls.get(1).cloned();
        config.firestore_endpoint = urls.get(2).cloned();
        Arc::new(Gcp::with(config))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "pubsub",
            ResourceKind::Table(_) => "firestore",
            _ => "gs",
        };
        ResourceUrl::new(scheme, name)
    }

    /// The acknowledgement deadline of subscriptions.
    fn hidden(&self) -> Duration {
        Duration::from_secs(30)
    }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let endpoints = VARIABLES.map(|variable| std::env::var(variable).unwrap_or_default());
    for (variable, endpoint) in VARIABLES.iter().zip(&endpoints) {
        if endpoint.is_empty() && !only_listed {
            eprintln!(
                "{variable} is not set: run `cargo xtask test`, which starts the emulators, or start them with `cargo xtask emulators` \
                 and set what it says"
            );
            return ExitCode::FAILURE;
        }
    }
    let [pubsub, firestore] = endpoints;
    faulty::run(Emulated { storage: Server::start().expect("a free port"), pubsub, firestore })
}
