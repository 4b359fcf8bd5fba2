//! Retry around a bucket.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::attempts::{Attempts, LONG, indeterminate, is_refusal, told};
use super::queue::RetryQueue;
use super::rolling::Rolling;
use crate::blob::port::{
    BlobInfo, BlobStore, Condition, CopyOptions, DeleteOptions, GetOptions, GetResult, ListOptions, ListPage,
    ObjectMeta, PutOptions, SignOptions, SignedRequest, Subscriber, Upload, Written,
};
use crate::pieces::Pieces;
use crate::queue::port::MessageQueue;
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Result, Token};

#[derive(Clone, Debug)]
pub(super) struct RetryBlob {
    inner: Arc<dyn BlobStore>,
    policy: RetryPolicy,
}

impl RetryBlob {
    pub(super) fn new(inner: Arc<dyn BlobStore>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.policy)
    }

    /// Writes the object `key` under `token`. In doubt a `conditional` write is read back whatever its last error, a
    /// plain one only where that error could be its own doing.
    async fn write<F>(
        &self,
        key: &str,
        token: Token,
        conditional: bool,
        policy: RetryPolicy,
        call: impl FnMut(bool) -> F + Send,
    ) -> Result<Written>
    where
        F: Future<Output = Result<Written>> + Send,
    {
        let (mut writing, mut reading) = Attempts::with_reading_back(policy);
        let error = match writing.repeat(call).await {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        if !writing.ambiguous || !(conditional || is_refusal(&error)) {
            return Err(told(writing.ambiguous, error));
        }
        match reading.repeat(|_| self.inner.head(key)).await {
            Ok(meta) if meta.token == Some(token) => Ok(Written::new(meta.etag)),
            _ => Err(indeterminate(error)),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl BlobStore for RetryBlob {
    fn info(&self) -> &BlobInfo {
        self.inner.info()
    }

    async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let conditional = options.condition != Condition::None;
        self.write(key, options.token, conditional, self.policy, |_| {
            self.inner.put(key, body.clone(), options.clone())
        })
        .await
    }

    async fn start_upload(&self, key: &str, options: PutOptions) -> Result<Box<dyn Upload>> {
        // Nothing is visible yet: a refusal is a refusal, also after a lost answer.
        let mut attempts = self.attempts();
        let upload = attempts.repeat(|_| self.inner.start_upload(key, options.clone())).await?;
        Ok(Box::new(RetryUpload {
            store: self.clone(),
            key: key.to_owned(),
            token: options.token,
            inner: upload,
        }))
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.attempts().repeat(|_| self.inner.get(key, options.clone())).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta> {
        self.attempts().repeat(|_| self.inner.head(key)).await
    }

    async fn copy(&self, from: &str, to: &str, options: CopyOptions) -> Result<Written> {
        let conditional = options.condition != Condition::None || options.source_if_match.is_some();
        let policy = self.policy.with_more_time(LONG);
        self.write(to, options.token, conditional, policy, |_| self.inner.copy(from, to, options.clone()))
            .await
    }

    async fn delete(&self, key: &str, options: DeleteOptions) -> Result<()> {
        let mut attempts = self.attempts();
        let deleted = attempts.repeat(|_| self.inner.delete(key, options.clone())).await;
        deleted.map_err(|error| {
            if attempts.ambiguous && options.if_match.is_some() {
                indeterminate(error)
            } else {
                told(attempts.ambiguous, error)
            }
        })
    }

    async fn delete_many(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let call = |keys, _| self.inner.delete_many(keys);
        let pieces = Pieces::new(self.info().limits.deletions);
        Rolling { pieces, weigh: |_| 0 }
            .all(keys, |keys| {
                self.attempts().batch(keys, call, |_, ambiguous, error| Err(told(ambiguous, error)))
            })
            .await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage> {
        self.attempts().repeat(|_| self.inner.list(options.clone())).await
    }

    async fn sign(&self, key: &str, options: SignOptions) -> Result<SignedRequest> {
        self.attempts().repeat(|_| self.inner.sign(key, options.clone())).await
    }

    async fn events(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let events = self.attempts().repeat(|_| self.inner.events(subscriber)).await?;
        Ok(Arc::new(RetryQueue::new(events, self.policy)))
    }
}

#[derive(Debug)]
struct RetryUpload {
    store: RetryBlob,
    key: String,
    token: Token,
    inner: Box<dyn Upload>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Upload for RetryUpload {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        // Where parts go in their order, it is the one before that is sent now.
        let before = self.store.info().limits.part_size(index.saturating_sub(1));
        let more = Duration::from_secs(bytes.len().max(before) as u64 >> 20);
        let mut attempts = Attempts::waiting(self.store.policy, more);
        attempts.repeat(|_| self.inner.put_part(index, bytes.clone())).await
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        // A finished upload is gone, and every service says that in its own way: so read back whatever is said.
        let policy = self.store.policy.with_more_time(LONG);
        self.store.write(&self.key, self.token, true, policy, |_| self.inner.complete(parts)).await
    }

    async fn abort(&self) -> Result<()> {
        let mut attempts = self.store.attempts();
        let aborted = attempts.repeat(|_| self.inner.abort()).await;
        match aborted {
            Err(error) if attempts.ambiguous && gone(&error) => Ok(()),
            other => other,
        }
    }
}

fn gone(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
