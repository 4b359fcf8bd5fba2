//! What Cloud Storage tells of a bucket, as events of the port.

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::blob::subscription::{Notices, Wanted};
use skyport_core::event::BlobEvent;
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery};
use skyport_core::{ErrorKind, Result};
use skyport_gcp_wire::message::PubsubMessage;
use skyport_gcp_wire::storage::{Notice, Told, in_message};

use crate::blob::Gcs;

/// Marks what was sent to one subscription, of all those of the topic: it names it.
const ADDRESSEE: &str = "skyport-subscription";

/// Reads what comes in a subscriber's queue.
#[derive(Debug)]
pub(super) struct GcsNotices {
    bucket: Gcs,
    subscription: String,
    wanted: Wanted,
}

impl GcsNotices {
    pub(super) fn new(bucket: Gcs, subscription: String, wanted: Wanted) -> Self {
        Self { bucket, subscription, wanted }
    }

    async fn wants(&self, notice: &Notice) -> Result<bool> {
        let wanted = self.wanted.wants(notice.event.change);
        if !wanted || !notice.may_live {
            return Ok(wanted);
        }
        // It may have been an older version only, or another object is there by now: is there one still?
        match self.bucket.look_at(self.bucket.name(), &notice.event.key, &[]).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Notices for GcsNotices {
    async fn read(&self, mut delivery: RawDelivery, _: &dyn MessageQueue) -> Result<Option<RawDelivery>> {
        if let Some(addressee) = delivery.attributes.remove(ADDRESSEE) {
            // What was redriven by another subscriber.
            return Ok((addressee == self.subscription).then_some(delivery));
        }
        let mut message = PubsubMessage::new(delivery.id.as_str(), delivery.body.clone(), delivery.sent_at);
        message.attributes = delivery.attributes.clone();
        let notice = match in_message(&message) {
            Ok(Told::Notice(notice)) => notice,
            Ok(Told::Nothing) => return Ok(None),
            // Not Cloud Storage's, or not as it writes: it goes the way of all that cannot be decoded.
            Ok(Told::Foreign) | Err(_) => return Ok(Some(delivery)),
        };
        if !self.wants(&notice).await? {
            return Ok(None);
        }
        delivery.body = Bytes::from(BlobEvent::to_json(&notice.event));
        // They have been read: with the event they would be read once more.
        delivery.attributes.clear();
        Ok(Some(delivery))
    }

    fn addressed(&self, mut message: OutMessage) -> OutMessage {
        message.attributes.insert(ADDRESSEE.to_owned(), self.subscription.clone());
        message
    }
}
