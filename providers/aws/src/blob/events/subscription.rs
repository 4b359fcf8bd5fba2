//! What AWS tells of a bucket, as events of the port.

use async_trait::async_trait;
use bytes::Bytes;
use skyport_aws_wire::s3::{Notice, in_text};
use skyport_core::blob::subscription::{Notices, Wanted};
use skyport_core::queue::port::{MessageId, MessageQueue, OutMessage, RawDelivery};
use skyport_core::{ErrorKind, Result};

use super::S3;

/// Reads what comes in a subscriber's queue.
#[derive(Debug)]
pub(super) struct S3Notices {
    bucket: S3,
    wanted: Wanted,
}

impl S3Notices {
    pub(super) fn new(bucket: S3, wanted: Wanted) -> Self {
        Self { bucket, wanted }
    }

    async fn wants(&self, notice: &Notice) -> Result<bool> {
        let wanted = self.wanted.wants(notice.event.change);
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
impl Notices for S3Notices {
    async fn read(&self, mut delivery: RawDelivery, queue: &dyn MessageQueue) -> Result<Option<RawDelivery>> {
        let notices = match std::str::from_utf8(&delivery.body).map(in_text) {
            Ok(Ok(Some(notices))) => notices,
            // Not S3's, or not as S3 writes: it goes the way of all that cannot be decoded.
            _ => return Ok(Some(delivery)),
        };
        let mut events = Vec::with_capacity(notices.len());
        for notice in notices {
            if self.wants(&notice).await? {
                events.push(notice.event.to_json());
            }
        }
        if events.len() > 1 {
            let messages = events.drain(..).map(OutMessage::new).collect();
            queue.send(messages).await.into_iter().collect::<Result<Vec<MessageId>>>()?;
        }
        Ok(events.pop().map(|event| {
            delivery.body = Bytes::from(event);
            delivery
        }))
    }
}

#[cfg(test)]
mod tests;
