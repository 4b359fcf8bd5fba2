//! The queue of one subscriber to a bucket, for providers whose bucket tells its changes in a queue of the cloud, in the cloud's own words:
//! what comes there, as events of the port.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::port::Subscriber;
use crate::Result;
use crate::event::BlobChange;
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};

mod name;

pub use name::{bucket_prefix, subscription_name};

/// When an event comes again of which it could not be told whether it is one.
const AGAIN: Duration = Duration::from_secs(5);

/// Which changes a subscriber wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    created: bool,
    deleted: bool,
}

impl Wanted {
    /// What this subscriber wants.
    #[must_use]
    pub fn by(subscriber: &Subscriber) -> Self {
        Self { created: subscriber.created, deleted: subscriber.deleted }
    }

    /// Whether it wants such a change.
    #[must_use]
    pub fn wants(self, change: BlobChange) -> bool {
        match change {
            BlobChange::Created => self.created,
            BlobChange::Deleted => self.deleted,
        }
    }
}

/// Reads what a cloud writes about a bucket.
#[async_trait]
pub trait Notices: Debug + Send + Sync + 'static {
    /// The delivery with a [`BlobEvent`](crate::event::BlobEvent) as JSON for its body; or as it is, where it is not the cloud's, for the receiver to
    /// judge; `None` where there is nothing for this subscriber. Where it tells several events, all but one are sent to the `queue` as messages of
    /// their own.
    ///
    /// # Errors
    /// What keeps it from being told whether it is one. It then comes again.
    async fn read(&self, delivery: RawDelivery, queue: &dyn MessageQueue) -> Result<Option<RawDelivery>>;

    /// What is sent to this subscriber, as the cloud's queue takes it.
    fn addressed(&self, message: OutMessage) -> OutMessage {
        message
    }
}

/// The queue of a subscriber, or that of its dead letters.
#[derive(Debug)]
pub struct Subscription {
    notices: Arc<dyn Notices>,
    inner: Arc<dyn MessageQueue>,
}

impl Subscription {
    /// What comes in `inner`, as `notices` read it.
    #[must_use]
    pub fn new(notices: Arc<dyn Notices>, inner: Arc<dyn MessageQueue>) -> Self {
        Self { notices, inner }
    }

    /// What this subscriber is to see of what was received. The rest is settled.
    async fn read_all(&self, deliveries: Vec<RawDelivery>) -> Vec<RawDelivery> {
        let mut events = Vec::with_capacity(deliveries.len());
        let mut settled = Vec::new();
        for delivery in deliveries {
            let receipt = delivery.receipt.clone();
            let verdict = match self.notices.read(delivery, &*self.inner).await {
                Ok(Some(event)) => {
                    events.push(event);
                    continue;
                }
                Ok(None) => Verdict::Ack,
                Err(error) => {
                    tracing::warn!(%error, "what a message tells of a bucket is not known yet: it comes again");
                    Verdict::Retry(AGAIN)
                }
            };
            settled.push(Settlement::new(receipt, verdict));
        }
        if !settled.is_empty() {
            for result in self.inner.settle(settled).await {
                // It comes again when its lease ends, and is judged as it was.
                let _ = result
                    .inspect_err(|error| tracing::warn!(%error, "an event that is none was not settled"));
            }
        }
        events
    }
}

#[async_trait]
impl MessageQueue for Subscription {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let addressed = messages.into_iter().map(|message| self.notices.addressed(message));
        self.inner.send(addressed.collect()).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let until = Instant::now() + options.wait;
        let mut options = options;
        loop {
            let deliveries = self.inner.receive(options).await?;
            let nothing_came = deliveries.is_empty();
            let events = self.read_all(deliveries).await;
            options.wait = until.saturating_duration_since(Instant::now());
            if !events.is_empty() || nothing_came || options.wait.is_zero() {
                return Ok(events);
            }
        }
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        let mut adopted = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            adopted.push(self.notices.read(delivery, &*self.inner).await);
        }
        adopted
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        self.inner.extend(receipt, lease).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        self.inner.settle(settlements).await
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self { notices: Arc::clone(&self.notices), inner }))
    }
}
