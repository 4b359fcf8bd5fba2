//! A queue whose answers get lost: the call is carried out, and the caller is told that the service was unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
};
use skyport_core::{Error, ErrorKind, Result};

/// Wraps a queue and its dead letters; loses nothing until it is told to.
#[derive(Debug)]
pub(crate) struct LostAnswers {
    inner: Arc<dyn MessageQueue>,
    to_lose: Arc<AtomicU32>,
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the connection broke before the answer came")
}

impl LostAnswers {
    pub(crate) fn new(inner: Arc<dyn MessageQueue>) -> Arc<Self> {
        Arc::new(Self { inner, to_lose: Arc::default() })
    }

    /// Loses the answers to the next `count` calls: all of those to a batch, and the messages of a receive.
    pub(crate) fn lose(&self, count: u32) {
        self.to_lose.store(count, Ordering::SeqCst);
    }

    fn loses(&self) -> bool {
        let less = |count: u32| count.checked_sub(1);
        self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    fn answer<T>(&self, result: Result<T>) -> Result<T> {
        if self.loses() { Err(lost()) } else { result }
    }

    fn answers<T>(&self, results: Vec<Result<T>>) -> Vec<Result<T>> {
        if self.loses() { lost().of_each(results.len()) } else { results }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for LostAnswers {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let results = self.inner.send(messages).await;
        self.answers(results)
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let result = self.inner.receive(options).await;
        self.answer(result)
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let result = self.inner.extend(receipt, lease).await;
        self.answer(result)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let results = self.inner.settle(settlements).await;
        self.answers(results)
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        Ok(Arc::new(Self { inner: self.inner.dead_letters()?, to_lose: Arc::clone(&self.to_lose) }))
    }
}
