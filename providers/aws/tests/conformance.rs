//! The conformance suite on an emulator of AWS, through the real SDKs. `cargo xtask test` starts the emulator.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use skyport_aws::{Aws, AwsConfig};
use skyport_conformance::{Deviation, Harness};
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

#[path = "deviations/ministack_blob.rs"]
mod ministack_blob;

/// Where the emulator listens: `http://127.0.0.1:4566`.
const ENDPOINT: &str = "SKYPORT_EMULATOR_MINISTACK";

#[derive(Debug)]
struct Emulated {
    endpoint: String,
}

#[async_trait]
impl Harness for Emulated {
    fn name(&self) -> &'static str {
        "aws"
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

    fn deviations(&self) -> &'static [Deviation] {
        ministack_blob::MINISTACK_BLOB
    }
}

fn main() -> ExitCode {
    let Ok(endpoint) = std::env::var(ENDPOINT) else {
        eprintln!("{ENDPOINT} is not set: run this through `cargo xtask test`, which starts the emulator");
        return ExitCode::FAILURE;
    };
    skyport_conformance::run(Emulated { endpoint })
}
