//! The events of a part of a bucket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::Prefix;
use crate::Result;
use crate::event::BlobEvent;
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};

/// So many batches that hold only events of others are passed over once the wait is over.
const PASSED_OVER: u32 = 16;

#[derive(Debug)]
pub(super) struct PrefixEvents {
    inner: Arc<dyn MessageQueue>,
    prefix: Prefix,
}

impl PrefixEvents {
    pub(super) fn new(inner: Arc<dyn MessageQueue>, prefix: Prefix) -> Self {
        Self { inner, prefix }
    }

    /// The body with the key as its reader knows it; `None` for an event outside of the prefix. What is no event is
    /// left as it is: the reader says that it is malformed.
    fn inward(&self, body: &Bytes) -> Option<Bytes> {
        let Ok(mut event) = serde_json::from_slice::<BlobEvent>(body) else {
            return Some(body.clone());
        };
        event.key = event.key.strip_prefix(&*self.prefix.prefix)?.to_owned();
        Some(event.to_json().into())
    }

    /// The way back: to the dead letters, or from there.
    fn outward(&self, message: &mut OutMessage) {
        if let Ok(mut event) = serde_json::from_slice::<BlobEvent>(&message.body) {
            event.key = self.prefix.add(&event.key);
            message.body = event.to_json().into();
        }
    }

    /// Keeps the events of this prefix and acknowledges the others.
    async fn sift(&self, received: Vec<RawDelivery>) -> Vec<RawDelivery> {
        let mut ours = Vec::with_capacity(received.len());
        let mut others = Vec::new();
        for mut delivery in received {
            match self.inward(&delivery.body) {
                Some(body) => {
                    delivery.body = body;
                    ours.push(delivery);
                }
                None => others.push(Settlement::new(delivery.receipt, Verdict::Ack)),
            }
        }
        if !others.is_empty() {
            for settled in self.inner.settle(others).await {
                if let Err(error) = settled {
                    tracing::warn!(%error, "an event outside of the prefix comes again when its lease ends");
                }
            }
        }
        ours
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for PrefixEvents {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, mut messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        for message in &mut messages {
            self.outward(message);
        }
        self.inner.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let begun = Instant::now();
        let mut late = 0;
        loop {
            let wait = options.wait.saturating_sub(begun.elapsed());
            late += u32::from(wait.is_zero());
            let received = self.inner.receive(ReceiveOptions { wait, ..options }).await?;
            // Behind events of others may be one of ours, so a look without a wait goes on, too, but not for ever.
            let ended = received.is_empty() || late >= PASSED_OVER;
            let ours = self.sift(received).await;
            if !ours.is_empty() || (ended && begun.elapsed() >= options.wait) {
                return Ok(ours);
            }
        }
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        let ours = |delivery: Option<RawDelivery>| {
            delivery.and_then(|mut delivery| {
                delivery.body = self.inward(&delivery.body)?;
                Some(delivery)
            })
        };
        self.inner.adopt(deliveries).await.into_iter().map(|adopted| adopted.map(ours)).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        self.inner.extend(receipt, lease).await
    }

    async fn settle(&self, mut settlements: Vec<Settlement>) -> Vec<Result<()>> {
        for settlement in &mut settlements {
            if let Verdict::DeadLetter { message, .. } = &mut settlement.verdict {
                self.outward(message);
            }
        }
        self.inner.settle(settlements).await
    }

    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self::new(inner, self.prefix.clone())))
    }
}
