//! Layers: wrappers of the implementors' traits that add one thing to any provider.
//!
//! A layer takes a store and gives a store, so layers stack in any number: the last one applied is the outermost. The
//! handles ([`Bucket`](crate::blob), [`Queue`](crate::queue), [`Table`](crate::kv)) cannot tell a layer from a provider.

use std::fmt::Debug;
use std::sync::Arc;

use crate::blob::port::BlobStore;
use crate::kv::port::KeyValueStore;
use crate::queue::port::MessageQueue;

mod around;
mod claim_check;
mod prefix;
mod retry;
mod timeout;
mod trace;

pub use claim_check::ClaimCheck;
pub use prefix::Prefix;
pub use retry::Retry;
pub use timeout::Timeout;
pub use trace::Trace;

/// Wraps stores of every port; a port that a layer has nothing to say about is given back as it came.
///
/// ```
/// use std::sync::Arc;
/// use skyport_core::layers::Layer;
/// use skyport_core::queue::port::MessageQueue;
///
/// fn stack(queue: Arc<dyn MessageQueue>, layers: &[Arc<dyn Layer>]) -> Arc<dyn MessageQueue> {
///     layers.iter().fold(queue, |inner, layer| layer.queue(inner))
/// }
/// ```
pub trait Layer: Debug + Send + Sync + 'static {
    /// A bucket with this layer around it.
    fn blob(&self, inner: Arc<dyn BlobStore>) -> Arc<dyn BlobStore>;

    /// A queue with this layer around it.
    fn queue(&self, inner: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue>;

    /// A table with this layer around it.
    fn table(&self, inner: Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore>;
}
