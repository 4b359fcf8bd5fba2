//! The fakes as a provider for Azure would show them: without order, and settled by the id and the pop receipt that the host tells.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_azure_wire::message::split;
use skyport_core::app::{Declaration, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};
use skyport_core::{Error, ErrorKind, Result};
use skyport_memory::Memory;

/// The provider.
#[derive(Debug)]
pub(crate) struct Azure(Memory, Anew);

/// What becomes of messages that are sent anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anew {
    Taken,
    Refused,
}

impl Azure {
    pub(crate) fn new() -> Self {
        Self::with(Anew::Taken)
    }

    pub(crate) fn with(anew: Anew) -> Self {
        Self(Memory::new(), anew)
    }
}

#[async_trait]
impl Provider for Azure {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        self.0.bucket(url)
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        let mut settings = settings.clone();
        settings.ordered = false;
        Ok(Arc::new(AzureQueue::over(self.0.queue(url, &settings)?, self.1)))
    }

    fn table(&self, url: &ResourceUrl, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.0.table(url, settings)
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.0.create(url, kind).await
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.0.remove(url, kind).await
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.0.endpoint()
    }
}

impl Opener for Azure {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Provider::bucket(self, &ResourceUrl::new("memory", &*declaration.name))
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Provider::queue(self, &ResourceUrl::new("memory", &*declaration.name), settings)
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Provider::table(self, &ResourceUrl::new("memory", &*declaration.name), settings)
    }
}

#[derive(Debug)]
struct AzureQueue {
    inner: Arc<dyn MessageQueue>,
    info: QueueInfo,
    anew: Anew,
}

impl AzureQueue {
    fn over(inner: Arc<dyn MessageQueue>, anew: Anew) -> Self {
        let mut info = inner.info().clone();
        info.capabilities.ordered = skyport_core::Support::Unsupported("Queue Storage keeps no order");
        Self { inner, info, anew }
    }
}

/// What the fakes know a delivery by: the host's pop receipt is their receipt.
fn inner_receipt(receipt: &Receipt) -> Receipt {
    split(receipt.as_str()).map_or_else(|| receipt.clone(), |(_, pop_receipt)| Receipt::new(pop_receipt))
}

#[async_trait]
impl MessageQueue for AzureQueue {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let refused =
            |message: &OutMessage| self.anew == Anew::Refused && message.envelope.attempts_before() > 0;
        if messages.iter().any(refused) {
            return messages.iter().map(|_| Err(Error::new(ErrorKind::Unavailable, "as asked"))).collect();
        }
        self.inner.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        self.inner.receive(options).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: std::time::Duration) -> Result<Receipt> {
        self.inner.extend(&inner_receipt(receipt), lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let inner =
            |settlement: Settlement| Settlement::new(inner_receipt(&settlement.receipt), settlement.verdict);
        self.inner.settle(settlements.into_iter().map(inner).collect()).await
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        self.inner.dead_letters()
    }
}
