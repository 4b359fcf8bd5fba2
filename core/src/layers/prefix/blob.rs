//! A part of a bucket.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Prefix;
use super::events::PrefixEvents;
use crate::Result;
use crate::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListEntry, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use crate::queue::port::MessageQueue;

#[derive(Debug)]
pub(super) struct PrefixBlob {
    inner: Arc<dyn BlobStore>,
    prefix: Prefix,
    info: BlobInfo,
}

impl PrefixBlob {
    pub(super) fn new(inner: Arc<dyn BlobStore>, prefix: Prefix) -> Self {
        let mut info = inner.info().clone();
        let limits = &mut info.limits;
        limits.key_bytes = limits.key_bytes.saturating_sub(prefix.prefix.len());
        limits.key_segments = limits.key_segments.saturating_sub(prefix.segments());
        // An inner prefix stands before ours.
        info.key_prefix.push_str(&prefix.prefix);
        Self { inner, prefix, info }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl BlobStore for PrefixBlob {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        self.inner.put(&self.prefix.add(key), body, options).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        self.inner.start_upload(&self.prefix.add(key), options).await
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.inner.get(&self.prefix.add(key), options).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.inner.head(&self.prefix.add(key)).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        let to = self.prefix.add(to);
        match options.source_bucket {
            // The key in another bucket is the provider's.
            Some(_) => self.inner.copy(from, &to, options).await,
            None => self.inner.copy(&self.prefix.add(from), &to, options).await,
        }
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        self.inner.delete(&self.prefix.add(key), options).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let keys = keys.iter().map(|key| self.prefix.add(key)).collect();
        self.inner.delete_many(keys).await
    }

    async fn list(&self, mut options: ListOptions) -> Result<ListPage> {
        options.prefix = self.prefix.add(&options.prefix);
        options.start_after = options.start_after.map(|key| self.prefix.add(&key));
        // The token is the provider's, and names the listing that it was given for: the same again.
        let mut page = self.inner.list(options).await?;
        for entry in &mut page.entries {
            let (ListEntry::Object { key, .. } | ListEntry::Directory(key)) = entry;
            *key = self.prefix.strip(key)?.into();
        }
        // An object that others put at the prefix itself, as a mark of a folder, has no key in here.
        page.entries.retain(|entry| !entry.key().is_empty());
        Ok(page)
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        self.inner.sign(&self.prefix.add(key), options).await
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let events = self.inner.events(subscriber).await?;
        Ok(Arc::new(PrefixEvents::new(events, self.prefix.clone())))
    }
}
