//! [`Memory`] and what can be chosen about it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use skyport_core::blob::UrlSigner;
use skyport_core::{Clock, Token};

use crate::blob::BucketCell;
use crate::faults::{Faults, Held};
use crate::kv::TableCell;
use crate::queue::QueueCell;
use crate::sync::Directory;

const DEFAULT_BASE_URL: &str = "http://localhost:8080";

/// The provider `memory`: any number of buckets, queues and tables, all gone with its last clone and handle.
///
/// Cheap to clone; clones are the same provider.
#[derive(Clone)]
pub struct Memory {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Tells the buckets of one provider from those of others.
    pub(crate) account: Token,
    pub(crate) faults: Faults,
    pub(crate) signer: UrlSigner,
    /// Numbers of messages and deliveries: unique in the whole provider, so that no receipt fits another queue.
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) buckets: Directory<BucketCell>,
    pub(crate) queues: Directory<QueueCell>,
    pub(crate) tables: Directory<TableCell>,
}

impl Memory {
    /// An empty provider on tokio's clock, without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Chooses clock, seed and faults.
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder::default()
    }

    /// The clock by which it stamps and compares wall time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Whoever holds this delivery has crashed: it can no longer be settled or extended.
    pub(crate) fn abandon(&self, held: &Held) {
        for queue in self.shared.queues.all() {
            queue.abandon(held);
        }
        for bucket in self.shared.buckets.all() {
            bucket.abandon(held);
        }
    }

    /// The faults that its resources meet; more can be injected at any time.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("clock", &self.shared.clock)
            .field("faults", &self.shared.faults)
            .finish_non_exhaustive()
    }
}

/// Makes a [`Memory`].
///
/// ```
/// use skyport_core::Clock;
/// use skyport_memory::Memory;
///
/// let memory = Memory::builder().clock(Clock::system()).seed(7).build();
/// ```
#[must_use = "call `build`"]
#[derive(Clone, Debug, Default)]
pub struct MemoryBuilder {
    clock: Option<Clock>,
    seed: u64,
    faults: Option<Faults>,
    base_url: Option<String>,
}

impl MemoryBuilder {
    /// The clock of wall time; [`Clock::tokio`] by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What the drawing of faults and the key of signed URLs come from; 0 by default. The same calls in the same order
    /// then fail the same way.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Faults that were prepared before, or are shared with another provider; their own seed holds.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Where the [endpoint](skyport_core::provider::Provider::endpoint) is reached, for signed URLs;
    /// `http://localhost:8080` by default.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The provider.
    #[must_use]
    pub fn build(self) -> Memory {
        // Of the seed, so that a test sees the same URLs each time: what a fake signs guards nothing.
        let mut secret = [0; 32];
        fastrand::Rng::with_seed(self.seed).fill(&mut secret);
        let base_url = self.base_url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let shared = Shared {
            clock: self.clock.unwrap_or_else(Clock::tokio),
            account: Token::new(),
            faults: self.faults.unwrap_or_else(|| Faults::new(self.seed)),
            signer: UrlSigner::new(crate::provision::NAME, secret, base_url),
            numbers: Arc::new(AtomicU64::new(1)),
            buckets: Directory::default(),
            queues: Directory::default(),
            tables: Directory::default(),
        };
        Memory { shared: Arc::new(shared) }
    }
}
