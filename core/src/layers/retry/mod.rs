//! Repeats what failed for a moment, and finds out what became of a write whose answer was lost.

use std::sync::Arc;

use super::Layer;
use crate::blob::port::BlobStore;
use crate::kv::port::KeyValueStore;
use crate::queue::port::MessageQueue;
use crate::retry::RetryPolicy;

mod attempts;
mod blob;
mod kv;
mod queue;
mod rolling;

/// Repeats operations by one [`RetryPolicy`].
///
/// - Reads and writes without a condition are repeated while the error [is retryable](crate::Error::is_retryable).
/// - A conditional write carries one token through all its attempts. Once an attempt
///   [was ambiguous](crate::Error::is_ambiguous), a refusal proves nothing, for it may be the write's own doing: the
///   layer reads back. Its own token there is success, anything else is `Indeterminate`. The last fifth of
///   [`total_timeout`](RetryPolicy::total_timeout) is kept for reading back.
/// - A conditional delete leaves nothing to read: refused after an ambiguous attempt, it is `Indeterminate`.
/// - An increment is repeated with the same token; a transaction reads back all that it put.
/// - No write says `NotFound`, `AlreadyExists` or `PreconditionFailed` after an ambiguous attempt. One without a
///   condition keeps the kind of its last error otherwise, and that error is ambiguous.
/// - A large batch goes in [pieces](crate::pieces), some of them under way at once, each with attempts and time of its own.
///   Where nothing of those that are under way could be done, the rest is not tried.
/// - Of a batch only what failed is repeated. A `send` that timed out may have been sent, and is sent again.
/// - An ack that finds its delivery settled after an ambiguous attempt is done: Ok. A `Verdict::Retry` or a
///   `DeadLetter` in the same place is `Indeterminate`: the delivery is gone from this receiver in either case.
/// - Of `get`, only the opening is repeated: a [`Bucket`](crate::blob) resumes the stream by range.
///
/// An attempt that takes longer than [`attempt_timeout`](RetryPolicy::attempt_timeout) is dropped and counts as
/// ambiguous; `receive` has its `wait` on top of both limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retry {
    policy: RetryPolicy,
}

impl Retry {
    /// Repeats by `policy`.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Retry {
    fn blob(&self, inner: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        Arc::new(blob::RetryBlob::new(inner, self.policy))
    }

    fn queue(&self, inner: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
        Arc::new(queue::RetryQueue::new(inner, self.policy))
    }

    fn table(&self, inner: Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore> {
        Arc::new(kv::RetryTable::new(inner, self.policy))
    }
}
