//! Skyport's memory provider, through the handle that users hold.

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_measure::Outcome;
use skyport_memory::Memory;

use super::Blobs;

/// A bucket: keys and options are checked, operations named and traced.
#[derive(Clone, Debug)]
pub struct Handle(pub Bucket);

impl Handle {
    /// A new bucket.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        let memory = Memory::new();
        let url = ResourceUrl::new("memory", "objects");
        memory.create(&url, &ResourceKind::Bucket).await?;
        Ok(Self(Bucket::new(memory.bucket(&url)?)))
    }
}

impl Blobs for Handle {
    type Key = String;

    fn key(text: String) -> Outcome<String> {
        Ok(text)
    }

    async fn put(&self, key: &String, body: Bytes) -> Outcome {
        self.0.put(key, body).await?;
        Ok(())
    }

    async fn get(&self, key: &String) -> Outcome<Bytes> {
        Ok(self.0.get(key).bytes().await?)
    }

    async fn head(&self, key: &String) -> Outcome<usize> {
        Ok(usize::try_from(self.0.head(key).await?.size)?)
    }

    async fn list(&self) -> Outcome<usize> {
        Ok(self.0.list().collect(usize::MAX).await?.len())
    }

    async fn directories(&self) -> Outcome<usize> {
        Ok(self.0.list().delimiter("/").collect(usize::MAX).await?.len())
    }

    async fn delete(&self, key: &String) -> Outcome {
        Ok(self.0.delete(key).await?)
    }
}
