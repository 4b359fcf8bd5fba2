//! Retry around a queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, told};
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};
use crate::retry::RetryPolicy;
use crate::{ErrorKind, Result};

#[derive(Clone, Debug)]
pub(super) struct RetryQueue {
    inner: Arc<dyn MessageQueue>,
    policy: RetryPolicy,
}

impl RetryQueue {
    pub(super) fn new(inner: Arc<dyn MessageQueue>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.policy)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for RetryQueue {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let call = |messages, _| self.inner.send(messages);
        self.attempts().batch(messages, call, |_, ambiguous, error| Err(told(ambiguous, error))).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let mut attempts = Attempts::waiting(self.policy, options.wait);
        let started = tokio::time::Instant::now();
        attempts
            .repeat(|_| {
                let wait = options.wait.saturating_sub(started.elapsed());
                self.inner.receive(ReceiveOptions { wait, ..options })
            })
            .await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let mut attempts = self.attempts();
        let extended = attempts.repeat(|_| self.inner.extend(receipt, lease)).await;
        // The lost answer may have held the only receipt that still is of use.
        extended.map_err(|error| told(attempts.ambiguous, error))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let call = |settlements, _| self.inner.settle(settlements);
        self.attempts()
            .batch(settlements, call, |settlement: &Settlement, ambiguous, error| {
                let settled = error.kind() == ErrorKind::PreconditionFailed;
                if ambiguous && settled && settlement.verdict == Verdict::Ack {
                    return Ok(());
                }
                Err(told(ambiguous, error))
            })
            .await
    }

    async fn depth(&self) -> Result<Depth> {
        self.attempts().repeat(|_| self.inner.depth()).await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self::new(inner, self.policy)))
    }
}
