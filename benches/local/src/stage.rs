//! What a contest stands on: a runtime, and a folder for each contender.

use std::path::{Path, PathBuf};

use skyport_measure::Outcome;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The threads that run tasks; both sides wait for the disk on others.
const THREADS: usize = 2;

/// Removed with all its folders when it is dropped.
#[derive(Debug)]
pub struct Stage {
    /// The same for all contenders.
    pub runtime: Runtime,
    folder: TempDir,
}

impl Stage {
    /// A new one.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub fn new() -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
        Ok(Self { runtime, folder: TempDir::with_prefix("skyport-bench-")? })
    }

    /// The folder of one contender, empty when it is first asked for.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
