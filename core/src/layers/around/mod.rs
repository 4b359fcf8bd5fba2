//! Layers that do the same around every call, whatever it is: one delegation of each port for all of them.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Layer;
use crate::Result;
use crate::blob::port::BlobStore;
use crate::kv::port::KeyValueStore;
use crate::queue::port::MessageQueue;

mod blob;
mod kv;
mod queue;

/// What is done around a call.
pub(super) trait Around: Clone + Debug + Send + Sync + 'static {
    fn one<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;

    fn batch<T: Send>(
        &self,
        call: Call<'_>,
        answers: impl Future<Output = Vec<Result<T>>> + Send,
    ) -> impl Future<Output = Vec<Result<T>>> + Send;
}

/// What is known of a call before it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) provider: &'static str,
    pub(super) resource: &'a str,
    pub(super) operation: &'static str,
    /// Bytes sent.
    pub(super) bytes: usize,
    /// Items of a batch; 1 for a single call.
    pub(super) items: usize,
    /// How long it waits by design.
    pub(super) wait: Duration,
}

impl<'a> Call<'a> {
    fn new(provider: &'static str, resource: &'a str, operation: &'static str) -> Self {
        Self { provider, resource, operation, bytes: 0, items: 1, wait: Duration::ZERO }
    }

    fn bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    fn items(self, items: usize) -> Self {
        Self { items, ..self }
    }
}

/// A store with `around` around each of its calls.
#[derive(Debug)]
struct Wrapped<S: ?Sized, A> {
    inner: Arc<S>,
    around: A,
}

#[deny(clippy::missing_trait_methods)]
impl<A: Around> Layer for A {
    fn blob(&self, inner: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        let around = self.clone();
        Arc::new(Wrapped { inner, around })
    }

    fn queue(&self, inner: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
        let around = self.clone();
        Arc::new(Wrapped { inner, around })
    }

    fn table(&self, inner: Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore> {
        let around = self.clone();
        Arc::new(Wrapped { inner, around })
    }
}
