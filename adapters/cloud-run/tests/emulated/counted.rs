//! The provider with queues that count: Pub/Sub's own do not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement, Verdict,
};
use skyport_core::{Result, Support};

use crate::ledger::Ledger;

/// A provider whose queues count by the ledger.
#[derive(Debug)]
pub(crate) struct Counted<P> {
    pub(crate) provider: P,
    pub(crate) ledger: Ledger,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provider> Provider for Counted<P> {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        self.provider.bucket(url)
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Ok(CountedQueue::over(self.provider.queue(url, settings)?, &self.ledger))
    }

    fn table(&self, url: &ResourceUrl, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.provider.table(url, settings)
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.provider.create(url, kind).await
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.provider.remove(url, kind).await
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.provider.endpoint()
    }
}

#[derive(Debug)]
struct CountedQueue {
    inner: Arc<dyn MessageQueue>,
    info: QueueInfo,
    ledger: Ledger,
    /// The ids of what was received, by their receipts.
    received: Mutex<HashMap<String, String>>,
}

impl CountedQueue {
    fn over(inner: Arc<dyn MessageQueue>, ledger: &Ledger) -> Arc<dyn MessageQueue> {
        let mut info = inner.info().clone();
        info.capabilities.depth = Support::Built("a ledger of what was sent and settled");
        ledger.open(&info.resource);
        Arc::new(Self { inner, info, ledger: ledger.clone(), received: Mutex::default() })
    }

    /// The id of what was received under this receipt, where it was received here.
    fn id(&self, receipt: &Receipt) -> Option<String> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.get(receipt.as_str()).cloned()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MessageQueue for CountedQueue {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let sent = self.inner.send(messages).await;
        for id in sent.iter().flatten() {
            self.ledger.sent(&self.info.resource, id.as_str());
        }
        sent
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let deliveries = self.inner.receive(options).await?;
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in &deliveries {
            received.insert(delivery.receipt.as_str().to_owned(), delivery.id.as_str().to_owned());
        }
        drop(received);
        Ok(deliveries)
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        self.inner.extend(receipt, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let ends: Vec<Option<String>> = settlements
            .iter()
            .map(|settlement| match settlement.verdict {
                Verdict::Retry(_) => None,
                _ => self.id(&settlement.receipt),
            })
            .collect();
        let settled = self.inner.settle(settlements).await;
        for id in settled.iter().zip(ends).filter_map(|(settled, id)| settled.is_ok().then_some(id)?) {
            self.ledger.acknowledged(&self.info.resource, &id);
        }
        settled
    }

    async fn depth(&self) -> Result<Depth> {
        Ok(self.ledger.depth(&self.info.resource))
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        Ok(Self::over(self.inner.dead_letters()?, &self.ledger))
    }
}
