//! Blob storage: an ordered map behind the port [`BlobStore`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

use crate::config::Memory;
use crate::faults::{Faults, call, call_each};
use crate::queue::MemoryQueue;

mod content;
mod events;
mod listing;
mod objects;
mod upload;

pub(crate) use objects::BucketCell;

use content::Content;
use objects::NewObject;
use upload::MemoryUpload;

/// A handle to a bucket; handles of one name share the bucket.
pub(crate) struct MemoryBucket {
    cell: Arc<BucketCell>,
    info: BlobInfo,
    memory: Memory,
}

impl MemoryBucket {
    pub(crate) fn new(cell: Arc<BucketCell>, memory: Memory) -> Self {
        let mut info = BlobInfo::new(crate::provision::NAME, cell.name());
        info.clock = cell.clock();
        // Each instance is an account of its own.
        info.account = memory.shared.account.to_string();
        info.capabilities = crate::support::blob();
        Self { cell, info, memory }
    }

    fn faults(&self) -> &Faults {
        &self.memory.shared.faults
    }

    /// Looks for the source of a copy in its own bucket, and then writes the target.
    fn copied(&self, from: &str, to: &str, options: &CopyOptions) -> Result<Written> {
        let limits = &self.info.limits;
        let new = match &options.source_bucket {
            None => self.cell.copied(from, options, limits)?,
            Some(name) => {
                let source = self.memory.bucket_cell(name);
                let copied = source.copied(from, options, limits);
                copied.map_err(|error| error.with_resource(name))?
            }
        };
        self.cell.put(to, new, &options.condition)
    }
}

impl fmt::Debug for MemoryBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryBucket").field(&self.cell.name()).finish()
    }
}

#[async_trait]
impl BlobStore for MemoryBucket {
    fn info(&self) -> &BlobInfo {
        &self.info
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        call!(self.faults(), BlobPut, self.cell.name(), || {
            let content = Content::Whole(body);
            let new = NewObject { content, properties: options.properties, token: options.token };
            self.cell.put(key, new, &options.condition)
        })
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        call!(self.faults(), BlobStartUpload, self.cell.name(), || {
            self.cell.must_exist().map(|()| -> Box<dyn Upload> {
                Box::new(MemoryUpload::new(Arc::clone(&self.cell), self.faults().clone(), key, options))
            })
        })
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        if self.faults().are_armed() {
            let read = || self.cell.with(key, |object| object.read(&options));
            return self.faults().read(self.cell.name(), read).await;
        }
        self.cell.with(key, |object| object.read(&options))
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        call!(self.faults(), BlobHead, self.cell.name(), || {
            self.cell.with(key, |object| Ok(object.meta()))
        })
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        call!(self.faults(), BlobCopy, self.cell.name(), || self.copied(from, to, &options))
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        call!(self.faults(), BlobDelete, self.cell.name(), || {
            self.cell.delete(key, options.if_match.as_ref())
        })
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        call_each!(self.faults(), BlobDeleteMany, self.cell.name(), keys, |keys: Vec<String>| {
            keys.iter().map(|key| self.cell.delete(key, None)).collect()
        })
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        call!(self.faults(), BlobList, self.cell.name(), || self.cell.list(&options))
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        call!(self.faults(), BlobSign, self.cell.name(), || {
            let sign = |()| self.memory.shared.signer.sign(&self.info.clock, self.cell.name(), key, &options);
            self.cell.must_exist().and_then(sign)
        })
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let queue = self.cell.subscribe(subscriber)?;
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscriber.max_attempts;
        Ok(Arc::new(MemoryQueue::new(queue, &settings, self.faults().clone())))
    }
}
