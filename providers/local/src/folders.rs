//! The data folders that one provider has been asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use crate::config::{Durability, LocalConfig};
use crate::engine::Engine;
use crate::error::NAME;

/// One engine for each folder; nothing is opened here.
#[derive(Debug)]
pub(crate) struct Folders {
    config: LocalConfig,
    engines: Mutex<HashMap<PathBuf, Arc<Engine>>>,
}

impl Folders {
    pub(crate) fn new(config: LocalConfig) -> Self {
        Self { config, engines: Mutex::default() }
    }

    /// All folders that were named so far.
    pub(crate) fn all(&self) -> Vec<Arc<Engine>> {
        self.lock().values().cloned().collect()
    }

    /// The folder that a URL names, and the resource's name in it.
    pub(crate) fn locate<'u>(&self, url: &'u ResourceUrl) -> Result<(Arc<Engine>, &'u str)> {
        if url.scheme() != NAME {
            return Err(Error::invalid(
                "the provider `local` opens URLs of the form `local://name?data=/path&sync=normal`",
            ));
        }
        url.expect_only(&["data", "sync"])?;
        let folder = url.parameter("data").map_or(&*self.config.data, Path::new);
        if folder.as_os_str().is_empty() {
            return Err(Error::invalid("the data folder's path is empty: name one"));
        }
        let durability: Option<Durability> = url.parameter("sync").map(str::parse).transpose()?;
        let engine = self.engine(folder, durability);
        if durability.is_some_and(|asked| asked != engine.durability()) {
            return Err(Error::invalid(
                "this data folder is open with another `sync`: give all its resources the same",
            ));
        }
        Ok((engine, url.name()))
    }

    /// The folder in which a bucket lies that a signed URL names.
    pub(crate) fn of_signed(&self, signed: &str) -> Arc<Engine> {
        let marked = self
            .lock()
            .values()
            .find(|engine| {
                let mark = engine.mark();
                !mark.is_empty() && signed.starts_with(mark)
            })
            .cloned();
        marked.unwrap_or_else(|| self.engine(&self.config.data, None))
    }

    fn engine(&self, folder: &Path, durability: Option<Durability>) -> Arc<Engine> {
        let mut engines = self.lock();
        if let Some(engine) = engines.get(folder) {
            return Arc::clone(engine);
        }
        let mut config = self.config.clone();
        config.data = folder.to_owned();
        config.durability = durability.unwrap_or(config.durability);
        let mark = if *folder == self.config.data { String::new() } else { mark(folder) };
        let engine = Arc::new(Engine::new(config, mark));
        engines.insert(folder.to_owned(), Arc::clone(&engine));
        engine
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Engine>>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the buckets of a folder from those of others in signed URLs, without showing its path.
fn mark(folder: &Path) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = folder.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{hash:016x}@")
}
