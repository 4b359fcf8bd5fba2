//! The conformance suite on emulators of AWS, through the real SDKs: on ministack as `[aws]`, and again, as a second opinion, on
//! moto as `[aws-moto]`. `cargo xtask test` starts them.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use skyport_aws::{Aws, AwsConfig};
use skyport_conformance::{Deviation, Harness};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

/// Where each emulator is known to differ from AWS.
mod deviations {
    pub(crate) mod ministack_blob;
    pub(crate) mod ministack_kv;
    pub(crate) mod ministack_queue;
    pub(crate) mod moto_blob;
    pub(crate) mod moto_kv;
    pub(crate) mod moto_queue;
}
use deviations::ministack_blob::MINISTACK_BLOB;
use deviations::ministack_kv::MINISTACK_KV;
use deviations::ministack_queue::MINISTACK_QUEUE;
use deviations::moto_blob::MOTO_BLOB;
use deviations::moto_kv::MOTO_KV;
use deviations::moto_queue::MOTO_QUEUE;

/// An emulator, and the environment variable that tells where it listens: `http://127.0.0.1:4566`.
#[derive(Clone, Copy, Debug)]
struct Emulator {
    name: &'static str,
    variable: &'static str,
    deviations: [&'static [Deviation]; 3],
}

const EMULATORS: [Emulator; 2] = [
    Emulator {
        name: "aws",
        variable: "SKYPORT_EMULATOR_MINISTACK",
        deviations: [MINISTACK_BLOB, MINISTACK_QUEUE, MINISTACK_KV],
    },
    Emulator {
        name: "aws-moto",
        variable: "SKYPORT_EMULATOR_MOTO",
        deviations: [MOTO_BLOB, MOTO_QUEUE, MOTO_KV],
    },
];

#[derive(Debug)]
struct Emulated {
    emulator: Emulator,
    endpoint: String,
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        self.emulator.name
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let mut config = AwsConfig::default();
        config.region = Some("us-east-1".to_owned());
        config.endpoint = Some(self.endpoint.clone());
        let credentials = Credentials::new("test", "test", None, None, "tests");
        config.credentials = Some(SharedCredentialsProvider::new(credentials));
        Ok(Arc::new(Aws::with(config)))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        let scheme = match kind {
            ResourceKind::Queue(_) => "sqs",
            ResourceKind::Table(_) => "dynamodb",
            _ => "s3",
        };
        ResourceUrl::new(scheme, name)
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn deviations(&self) -> Vec<Deviation> {
        self.emulator.deviations.concat()
    }
}

#[allow(clippy::print_stderr, reason = "a test without a harness has no other way to say why it cannot run")]
fn main() -> ExitCode {
    // A list of the cases needs no emulator.
    let only_listed = std::env::args().any(|argument| argument == "--list");
    let mut harnesses: Vec<Arc<dyn Harness>> = Vec::new();
    for emulator in EMULATORS {
        let endpoint = std::env::var(emulator.variable).unwrap_or_default();
        if endpoint.is_empty() && !only_listed {
            eprintln!(
                "{} is not set: run `cargo xtask test --provider aws`, which starts the emulators, or start them with \
                 `cargo xtask emulators` and set what it says",
                emulator.variable
            );
            return ExitCode::FAILURE;
        }
        harnesses.push(Arc::new(Emulated { emulator, endpoint }));
    }
    skyport_conformance::run_all(harnesses)
}
