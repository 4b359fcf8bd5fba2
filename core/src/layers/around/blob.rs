//! Around the calls of a bucket.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Around, Call, Wrapped};
use crate::Result;
use crate::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use crate::queue::port::MessageQueue;

fn call<'a>(info: &'a BlobInfo, operation: &'static str) -> Call<'a> {
    Call::new(info.provider, &info.resource, operation)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<A: Around> BlobStore for Wrapped<dyn BlobStore, A> {
    fn info(&self) -> &BlobInfo {
        self.inner.info()
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let call = call(self.info(), "blob.put").bytes(body.len());
        self.around.one(call, self.inner.put(key, body, options)).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        let call = call(self.info(), "blob.start_upload");
        let upload = self.around.one(call, self.inner.start_upload(key, options)).await?;
        Ok(Box::new(WrappedUpload { store: self.inner.clone(), inner: upload, around: self.around.clone() }))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        let call = call(self.info(), "blob.get");
        self.around.one(call, self.inner.get(key, options)).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        let call = call(self.info(), "blob.head");
        self.around.one(call, self.inner.head(key)).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        let call = call(self.info(), "blob.copy");
        self.around.one(call, self.inner.copy(from, to, options)).await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        let call = call(self.info(), "blob.delete");
        self.around.one(call, self.inner.delete(key, options)).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let call = call(self.info(), "blob.delete_many").items(keys.len());
        self.around.batch(call, self.inner.delete_many(keys)).await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        let call = call(self.info(), "blob.list");
        self.around.one(call, self.inner.list(options)).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        let call = call(self.info(), "blob.sign");
        self.around.one(call, self.inner.sign(key, options)).await
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let call = call(self.info(), "blob.events");
        let inner = self.around.one(call, self.inner.events(subscriber)).await?;
        let around = self.around.clone();
        Ok(Arc::new(Wrapped { inner, around }))
    }
}

#[derive(Debug)]
struct WrappedUpload<A> {
    store: Arc<dyn BlobStore>,
    inner: Box<dyn Upload>,
    around: A,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<A: Around> Upload for WrappedUpload<A> {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        let call = call(self.store.info(), "blob.put_part").bytes(bytes.len());
        self.around.one(call, self.inner.put_part(index, bytes)).await
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        let call = call(self.store.info(), "blob.complete");
        self.around.one(call, self.inner.complete(parts)).await
    }

    async fn abort(&self) -> Result<()> {
        let call = call(self.store.info(), "blob.abort");
        self.around.one(call, self.inner.abort()).await
    }
}
