//! A subscriber's queue: what AWS tells of a bucket, as events of the port.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_aws_wire::s3::{Notice, in_text};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::BlobChange;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};
use skyport_core::{ErrorKind, Result};
use tokio::time::Instant;

use super::S3;

/// When an event comes again of which it could not be told whether it is one.
const AGAIN: Duration = Duration::from_secs(5);

/// Which changes a subscriber wants.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    created: bool,
    deleted: bool,
}

/// The queue of a subscriber, or that of its dead letters.
pub(super) struct Subscription {
    bucket: S3,
    inner: Arc<dyn MessageQueue>,
    wanted: Wanted,
}

impl Subscription {
    pub(super) fn new(bucket: S3, inner: Arc<dyn MessageQueue>, subscriber: &Subscriber) -> Self {
        let wanted = Wanted { created: subscriber.created, deleted: subscriber.deleted };
        Self { bucket, inner, wanted }
    }

    /// What this subscriber is to see of what was received. The rest is settled.
    async fn read_all(&self, deliveries: Vec<RawDelivery>) -> Vec<RawDelivery> {
        let mut events = Vec::with_capacity(deliveries.len());
        let mut settled = Vec::new();
        for mut delivery in deliveries {
            let verdict = match self.read(&delivery.body).await {
                Ok(Some(body)) => {
                    delivery.body = body;
                    events.push(delivery);
                    continue;
                }
                Ok(None) => Verdict::Ack,
                Err(error) => {
                    tracing::warn!(%error, "what a message tells of a bucket is not known yet: it comes again");
                    Verdict::Retry(AGAIN)
                }
            };
            settled.push(Settlement::new(delivery.receipt, verdict));
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

    /// The event in a message, or what is not S3's, for the receiver to judge; `None` where there is nothing for this
    /// subscriber. Several events become messages of their own.
    async fn read(&self, body: &Bytes) -> Result<Option<Bytes>> {
        let notices = match std::str::from_utf8(body).map(in_text) {
            Ok(Ok(Some(notices))) => notices,
            // Not S3's, or not as S3 writes: it goes the way of all that cannot be decoded.
            _ => return Ok(Some(body.clone())),
        };
        let mut events = Vec::with_capacity(notices.len());
        for notice in notices {
            if self.wants(&notice).await? {
                events.push(notice.event.to_json());
            }
        }
        if events.len() > 1 {
            let messages = events.drain(..).map(OutMessage::new).collect();
            self.inner.send(messages).await.into_iter().collect::<Result<Vec<MessageId>>>()?;
        }
        Ok(events.pop().map(Bytes::from))
    }

    async fn wants(&self, notice: &Notice) -> Result<bool> {
        let wanted = match notice.event.change {
            BlobChange::Created => self.wanted.created,
            BlobChange::Deleted => self.wanted.deleted,
            _ => false,
        };
        if !wanted || !notice.may_live {
            return Ok(wanted);
        }
        // One version of several was deleted: is there an object still?
        match self.bucket.look_at(self.bucket.name(), &notice.event.key).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl MessageQueue for Subscription {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        self.inner.send(messages).await
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
        for mut delivery in deliveries {
            adopted.push(self.read(&delivery.body).await.map(|event| {
                event.map(|body| {
                    delivery.body = body;
                    delivery
                })
            }));
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
        Ok(Arc::new(Self { bucket: self.bucket.clone(), inner, wanted: self.wanted }))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("bucket", &self.bucket).field("queue", &self.inner).finish()
    }
}

#[cfg(test)]
mod tests;
