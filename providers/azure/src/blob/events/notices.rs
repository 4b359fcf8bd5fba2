//! What Event Grid tells of a container, as events of the port.

use async_trait::async_trait;
use bytes::Bytes;
use skyport_azure_wire::event_grid::{Notice, Told, in_message};
use skyport_core::Result;
use skyport_core::blob::subscription::{Notices, Wanted};
use skyport_core::queue::port::{MessageId, MessageQueue, OutMessage, RawDelivery};

use crate::blob::Container;

/// Reads what comes in a subscriber's queue.
#[derive(Debug)]
pub(super) struct GridNotices {
    container: Container,
    wanted: Wanted,
}

impl GridNotices {
    pub(super) fn new(container: Container, wanted: Wanted) -> Self {
        Self { container, wanted }
    }

    /// The event, as JSON; `None` where this subscriber is not to be told.
    async fn event(&self, notice: Notice) -> Result<Option<Vec<u8>>> {
        if !self.wanted.wants(notice.event.change) || !notice.is_of(&self.container.info) {
            return Ok(None);
        }
        // Of a deletion it may have been a version or a snapshot only, or another blob is there by now.
        let seen = notice.event.seen_from(&self.container, notice.may_live).await?;
        Ok(seen.map(|event| event.to_json()))
    }
}

#[async_trait]
impl Notices for GridNotices {
    async fn read(&self, mut delivery: RawDelivery, queue: &dyn MessageQueue) -> Result<Option<RawDelivery>> {
        let told = match std::str::from_utf8(&delivery.body).map(in_message) {
            // An event that was read before, and is redriven, is none of Event Grid's, either.
            Ok(Ok(told)) if !told.contains(&Told::Foreign) => told,
            // Not Blob Storage's, or not as Event Grid writes: it goes the way of all that cannot be decoded.
            _ => return Ok(Some(delivery)),
        };
        let mut events = Vec::with_capacity(told.len());
        for told in told {
            if let Told::Notice(notice) = told {
                events.extend(self.event(*notice).await?);
            }
        }
        if events.len() > 1 {
            let messages = events.drain(1..).map(OutMessage::new).collect();
            queue.send(messages).await.into_iter().collect::<Result<Vec<MessageId>>>()?;
        }
        Ok(events.pop().map(|event| {
            delivery.body = Bytes::from(event);
            delivery
        }))
    }
}
