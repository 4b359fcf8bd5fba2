//! A store whose answers to writes get lost when a case wants it, and that counts parts and uploads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use skyport_core::blob::port::{
    BlobInfo, BlobStore, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use skyport_core::queue::port::MessageQueue;
use skyport_core::{Body, Error, ErrorKind, Result};

/// Applies every operation; the answer of a chosen write does not arrive.
#[derive(Clone, Debug)]
pub(crate) struct LostAnswers {
    inner: Arc<dyn BlobStore>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    lose: AtomicBool,
    replace: AtomicBool,
    parts: AtomicU64,
    started: AtomicU64,
    ended: AtomicU64,
    break_after: AtomicU64,
}

/// The first `most` bytes of a body, and then an error.
fn broken(body: Body, most: u64) -> Body {
    let gone = || Error::new(ErrorKind::Unavailable, "the connection broke in mid-download");
    let cut = body.scan(most, move |left, chunk| {
        let next = match chunk {
            _ if *left == 0 => Err(gone()),
            Ok(chunk) => {
                let taken = usize::try_from(*left).map_or(chunk.len(), |left| chunk.len().min(left));
                *left -= taken as u64;
                Ok(chunk.slice(..taken))
            }
            Err(error) => Err(error),
        };
        std::future::ready(Some(next))
    });
    Body::from_stream(cut)
}

impl LostAnswers {
    pub(crate) fn new(inner: Arc<dyn BlobStore>) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// The answer of the next write (put, complete, copy, delete) will be lost.
    pub(crate) fn lose_next(&self) {
        self.state.lose.store(true, Ordering::SeqCst);
    }

    /// As [`lose_next`](Self::lose_next), and a rival then replaces the object.
    pub(crate) fn lose_next_and_replace(&self) {
        self.state.replace.store(true, Ordering::SeqCst);
        self.lose_next();
    }

    /// Whether the answer that was to be lost is lost by now.
    pub(crate) fn has_lost(&self) -> bool {
        !self.state.lose.load(Ordering::SeqCst)
    }

    /// From now on every download breaks after so many bytes; 0 for none.
    pub(crate) fn break_downloads(&self, after: u64) {
        self.state.break_after.store(after, Ordering::SeqCst);
    }

    /// How many parts of uploads have been sent whole.
    pub(crate) fn parts_sent(&self) -> u64 {
        self.state.parts.load(Ordering::SeqCst)
    }

    /// How many uploads have been started.
    pub(crate) fn uploads_started(&self) -> u64 {
        self.state.started.load(Ordering::SeqCst)
    }

    /// How many of them were neither completed nor aborted.
    pub(crate) fn uploads_open(&self) -> u64 {
        self.uploads_started() - self.state.ended.load(Ordering::SeqCst)
    }

    /// What arrives of the answer to a write of `key`; a refusal is no write.
    async fn answer<T: Send>(&self, key: &str, result: Result<T>) -> Result<T> {
        let value = result?;
        if !self.state.lose.swap(false, Ordering::SeqCst) {
            return Ok(value);
        }
        if self.state.replace.swap(false, Ordering::SeqCst) {
            let rival = Bytes::from_static(b"rival");
            self.inner.put(key, rival, PutOptions::default()).await?;
        }
        Err(Error::new(ErrorKind::Unavailable, "the answer was lost"))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl BlobStore for LostAnswers {
    fn info(&self) -> &BlobInfo {
        self.inner.info()
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let result = self.inner.put(key, body, options).await;
        self.answer(key, result).await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        let inner = self.inner.start_upload(key, options).await?;
        self.state.started.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(LossyUpload {
            inner,
            store: self.clone(),
            key: key.to_owned(),
            ended: AtomicBool::new(false),
        }))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        let found = self.inner.get(key, options).await?;
        let most = self.state.break_after.load(Ordering::SeqCst);
        match found {
            GetResult::Found { meta, range, body } if most > 0 => {
                Ok(GetResult::Found { meta, range, body: broken(body, most) })
            }
            other => Ok(other),
        }
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.inner.head(key).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        let result = self.inner.copy(from, to, options).await;
        self.answer(to, result).await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        let result = self.inner.delete(key, options).await;
        self.answer(key, result).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        self.inner.delete_many(keys).await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        self.inner.list(options).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        self.inner.sign(key, options).await
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        self.inner.events(subscriber).await
    }
}

#[derive(Debug)]
struct LossyUpload {
    inner: Box<dyn Upload>,
    store: LostAnswers,
    key: String,
    ended: AtomicBool,
}

impl LossyUpload {
    /// Counts its end, once.
    fn end(&self) {
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.store.state.ended.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Upload for LossyUpload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        self.inner.put_part(index, bytes).await?;
        self.store.state.parts.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        let result = self.inner.complete(parts).await;
        if result.is_ok() {
            self.end();
        }
        self.store.answer(&self.key, result).await
    }

    async fn abort(&self) -> Result<()> {
        self.inner.abort().await?;
        self.end();
        Ok(())
    }
}
