//! What layers that repeat make of one call: how many attempts, of which each may have been applied.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};

/// How many attempts of a call may have been applied.
pub(super) type Attempts = Arc<AtomicU32>;

tokio::task_local! {
    /// Those of the call that this task makes: a layer makes its attempts in the task of its caller.
    static CALL: Attempts;
}

/// Makes a call whose attempts are counted where they arrive.
pub(super) fn counting<F: Future>(attempts: Attempts, call: F) -> impl Future<Output = F::Output> {
    CALL.scope(attempts, call)
}

/// Stands between the table and the layers.
#[derive(Debug)]
pub(super) struct Probe {
    inner: Arc<dyn KeyValueStore>,
}

impl Probe {
    pub(super) fn before(inner: Arc<dyn KeyValueStore>) -> Self {
        Self { inner }
    }
}

/// An attempt that has begun; one that was refused for sure is taken back.
fn begun() {
    // Outside of a recorder nobody counts.
    let _ = CALL.try_with(|attempts| attempts.fetch_add(1, Ordering::Relaxed));
}

fn refused() {
    let _ = CALL.try_with(|attempts| attempts.fetch_sub(1, Ordering::Relaxed));
}

async fn attempt<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    begun();
    let result = call.await;
    if result.as_ref().is_err_and(|error| !error.is_ambiguous()) {
        refused();
    }
    result
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for Probe {
    fn info(&self) -> &TableInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        self.inner.get_many(keys).await
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        attempt(self.inner.write(write)).await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        // Which of the writes it was is not told apart: each may have been.
        begun();
        self.inner.write_many(writes).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        attempt(self.inner.transact(writes)).await
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        self.inner.increment(increment).await
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        self.inner.query(options).await
    }

    async fn sweep(&self) -> Result<u64> {
        self.inner.sweep().await
    }
}
