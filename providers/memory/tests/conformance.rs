//! The conformance suite on the fakes, in virtual time.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_conformance::Harness;
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_memory::Memory;

#[derive(Debug)]
struct Fakes;

#[async_trait]
impl Harness for Fakes {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Memory::new()))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("memory", name)
    }

    fn exact_queues(&self) -> bool {
        true
    }

    fn virtual_time(&self) -> bool {
        true
    }
}

fn main() -> ExitCode {
    skyport_conformance::run(Fakes)
}
