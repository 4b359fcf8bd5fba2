//! A table whose answers get lost: the write is applied, and the caller is told that the service was unavailable.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};
use skyport_core::{Error, ErrorKind, Result};

/// Wraps a table; loses nothing until it is told to.
#[derive(Debug)]
pub(crate) struct LostAnswers {
    inner: Arc<dyn KeyValueStore>,
    to_lose: AtomicU32,
    to_refuse: AtomicU32,
    rival: Mutex<Option<Write>>,
}

impl LostAnswers {
    pub(crate) fn new(inner: Arc<dyn KeyValueStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            to_lose: AtomicU32::new(0),
            to_refuse: AtomicU32::new(0),
            rival: Mutex::new(None),
        })
    }

    /// Loses the answers to the next `count` writes.
    pub(crate) fn lose(&self, count: u32) {
        self.to_lose.store(count, Ordering::SeqCst);
    }

    /// Loses the next `count` writes themselves: they never arrive.
    pub(crate) fn refuse(&self, count: u32) {
        self.to_refuse.store(count, Ordering::SeqCst);
    }

    /// Whether the line is so bad that a write does not arrive.
    fn arrives(&self) -> Result<()> {
        let less = |count: u32| count.checked_sub(1);
        match self.to_refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Err(Error::new(ErrorKind::Unavailable, "the connection broke")),
            Err(_) => Ok(()),
        }
    }

    /// Loses the next answer, and lets another client write in that moment.
    pub(crate) fn lose_to(&self, rival: Write) {
        *self.rival.lock().unwrap_or_else(PoisonError::into_inner) = Some(rival);
        self.lose(1);
    }

    /// A refusal gets lost as well as a success.
    async fn answer<R>(&self, result: Result<R>) -> Result<R> {
        let less = |count: u32| count.checked_sub(1);
        if self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return result;
        }
        let rival = self.rival.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(rival) = rival {
            self.inner.write(rival).await?;
        }
        Err(Error::new(ErrorKind::Unavailable, "the connection broke before the answer came"))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for LostAnswers {
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
        self.arrives()?;
        let result = self.inner.write(write).await;
        self.answer(result).await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let mut results = Vec::with_capacity(writes.len());
        for result in self.inner.write_many(writes).await {
            results.push(self.answer(result).await);
        }
        results
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        self.arrives()?;
        let result = self.inner.transact(writes).await;
        self.answer(result).await
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        self.arrives()?;
        let result = self.inner.increment(increment).await;
        self.answer(result).await
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        self.inner.query(options).await
    }

    async fn sweep(&self) -> Result<u64> {
        self.inner.sweep().await
    }
}
