//! `object_store::local::LocalFileSystem`, which waits for no disk either.

use std::path::Path as Folder;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use skyport_measure::Outcome;
use std::sync::Arc;

use super::Objects;

/// `object_store`, behind its dyn trait.
#[derive(Clone, Debug)]
pub struct LocalFiles(pub Arc<dyn ObjectStore>);

impl LocalFiles {
    /// In this folder.
    ///
    /// # Errors
    /// What `object_store` says.
    pub fn new(folder: &Folder) -> Outcome<Self> {
        Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(folder)?)))
    }
}

impl Objects for LocalFiles {
    async fn put(&self, key: String, body: Bytes) -> Outcome {
        self.0.put(&Path::parse(key)?, body.into()).await?;
        Ok(())
    }

    async fn get(&self, key: String) -> Outcome<usize> {
        Ok(self.0.get(&Path::parse(key)?).await?.bytes().await?.len())
    }
}
