//! The contract, case by case, each in a data folder of its own.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_conformance::Harness;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Error, Result};
use skyport_local::{Local, LocalConfig};
use tempfile::TempDir;

#[derive(Debug)]
struct Folders {
    root: TempDir,
}

#[async_trait]
impl Harness for Folders {
    fn name(&self) -> &'static str {
        "local"
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let folder = tempfile::tempdir_in(self.root.path())
            .map_err(|error| Error::internal("no folder for a case").with_source(error))?;
        // They all go with the root.
        Ok(Arc::new(Local::new(LocalConfig::new(folder.keep()))))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("local", name)
    }

    fn exact_queues(&self) -> bool {
        true
    }

    fn virtual_time(&self) -> bool {
        false
    }
}

fn main() -> ExitCode {
    match tempfile::tempdir() {
        Ok(root) => skyport_conformance::run(Folders { root }),
        Err(error) => panic!("no temporary folder: {error}"),
    }
}
