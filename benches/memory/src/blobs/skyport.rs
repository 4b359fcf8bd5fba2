//! Skyport's memory provider: the implementors' port, and the handle that users hold.

use std::sync::Arc;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{BlobStore, DeleteOptions, GetOptions, GetResult, ListOptions, PutOptions};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_memory::Memory;

use super::Blobs;
use skyport_measure::Outcome;

/// The port: `Arc<dyn BlobStore>`.
#[derive(Clone, Debug)]
pub struct Port(Arc<dyn BlobStore>);

impl Port {
    /// A new bucket.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        let memory = Memory::new();
        let url = ResourceUrl::new("memory", "objects");
        memory.create(&url, &ResourceKind::Bucket).await?;
        Ok(Self(memory.bucket(&url)?))
    }

    async fn count(&self, delimiter: Option<&str>) -> Outcome<usize> {
        let mut options = ListOptions::default();
        options.delimiter = delimiter.map(str::to_owned);
        options.page_size = 1_000;
        let mut count = 0;
        loop {
            let page = self.0.list(options.clone()).await?;
            count += page.entries.len();
            match page.next {
                Some(next) => options.token = Some(next),
                None => return Ok(count),
            }
        }
    }
}

impl Blobs for Port {
    type Key = String;

    fn key(text: String) -> Outcome<String> {
        Ok(text)
    }

    async fn put(&self, key: &String, body: Bytes) -> Outcome {
        self.0.put(key, body, PutOptions::default()).await?;
        Ok(())
    }

    async fn get(&self, key: &String) -> Outcome<usize> {
        match self.0.get(key, GetOptions::default()).await? {
            GetResult::Found { body, .. } => Ok(body.collect(usize::MAX).await?.len()),
            _ => Ok(0),
        }
    }

    async fn head(&self, key: &String) -> Outcome<usize> {
        Ok(usize::try_from(self.0.head(key).await?.size)?)
    }

    async fn list(&self) -> Outcome<usize> {
        self.count(None).await
    }

    async fn directories(&self) -> Outcome<usize> {
        self.count(Some("/")).await
    }

    async fn delete(&self, key: &String) -> Outcome {
        Ok(self.0.delete(key, DeleteOptions::default()).await?)
    }
}

/// The handle that users hold: keys and options are checked, operations named and traced.
#[derive(Clone, Debug)]
pub struct Handle(Bucket);

impl Handle {
    /// A new bucket.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        Ok(Self(Bucket::new(Port::new().await?.0)))
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

    async fn get(&self, key: &String) -> Outcome<usize> {
        Ok(self.0.get(key).bytes().await?.len())
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
