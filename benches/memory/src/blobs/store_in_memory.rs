//! `object_store::memory::InMemory`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use skyport_measure::Outcome;

use super::Blobs;

/// `object_store`, behind its dyn trait.
#[derive(Clone, Debug)]
pub struct InMemory(pub Arc<dyn ObjectStore>);

impl Default for InMemory {
    fn default() -> Self {
        Self(Arc::new(object_store::memory::InMemory::new()))
    }
}

impl Blobs for InMemory {
    type Key = Path;

    fn key(text: String) -> Outcome<Path> {
        Ok(Path::parse(text)?)
    }

    async fn put(&self, key: &Path, body: Bytes) -> Outcome {
        self.0.put(key, body.into()).await?;
        Ok(())
    }

    async fn get(&self, key: &Path) -> Outcome<Bytes> {
        Ok(self.0.get(key).await?.bytes().await?)
    }

    async fn head(&self, key: &Path) -> Outcome<usize> {
        Ok(usize::try_from(self.0.head(key).await?.size)?)
    }

    async fn list(&self) -> Outcome<usize> {
        let count = self.0.list(None).try_fold(0, async |count, _| Ok(count + 1));
        Ok(count.await?)
    }

    async fn directories(&self) -> Outcome<usize> {
        Ok(self.0.list_with_delimiter(None).await?.common_prefixes.len())
    }

    async fn delete(&self, key: &Path) -> Outcome {
        Ok(self.0.delete(key).await?)
    }
}
