//! Who is told of a bucket's changes: one queue a subscriber.

use std::sync::Arc;
use std::time::SystemTime;

use skyport_core::Result;
use skyport_core::blob::port::{Etag, Subscriber};
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::port::{OutMessage, QueueSettings};

use crate::faults::Held;
use crate::queue::QueueCell;

/// The subscriptions of one bucket, shared with writes that are about to tell them.
#[derive(Clone, Default)]
pub(super) struct Subscriptions(Arc<Vec<(Subscription, Arc<QueueCell>)>>);

/// What one subscriber wants.
#[derive(Clone)]
pub(super) struct Subscription {
    name: String,
    created: bool,
    deleted: bool,
    max_attempts: u32,
}

impl Subscription {
    pub(super) fn of(subscriber: &Subscriber) -> Self {
        Self {
            name: subscriber.name.clone(),
            created: subscriber.created,
            deleted: subscriber.deleted,
            max_attempts: subscriber.max_attempts,
        }
    }

    fn wants(&self, change: BlobChange) -> bool {
        match change {
            BlobChange::Created => self.created,
            BlobChange::Deleted => self.deleted,
            _ => false,
        }
    }
}

/// One event on its way.
pub(super) struct Change(BlobEvent);

impl Change {
    pub(super) fn new(change: BlobChange, bucket: &str, key: &str, time: SystemTime) -> Self {
        Self(BlobEvent::new(change, bucket, key, time))
    }

    pub(super) fn of_object(mut self, size: u64, etag: &Etag) -> Self {
        self.0.size = Some(size);
        self.0.etag = Some(etag.clone());
        self
    }
}

impl Subscriptions {
    /// Themselves, to be told of a change once the bucket's lock is free; nothing where nobody listens.
    pub(super) fn if_any(&self) -> Option<Self> {
        (!self.0.is_empty()).then(|| self.clone())
    }

    /// Adds a subscription, or takes over what one of that name now wants; its queue stays.
    pub(super) fn add(
        &mut self,
        subscription: Subscription,
        make: impl FnOnce() -> Arc<QueueCell>,
    ) -> Result<Arc<QueueCell>> {
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscription.max_attempts;
        let all = Arc::make_mut(&mut self.0);
        let queue = match all.iter_mut().find(|(old, _)| old.name == subscription.name) {
            Some((old, queue)) => {
                *old = subscription;
                Arc::clone(queue)
            }
            None => {
                let queue = make();
                all.push((subscription, Arc::clone(&queue)));
                queue
            }
        };
        queue.create(&settings)?;
        Ok(queue)
    }

    pub(super) fn tell(&self, change: Change) {
        let mut body = None;
        for (subscription, queue) in self.0.iter() {
            if subscription.wants(change.0.change) {
                let body = body.get_or_insert_with(|| bytes::Bytes::from(change.0.to_json()));
                // A queue is missing only where the bucket was removed meanwhile: nobody is left to be told.
                queue.send([OutMessage::new(body.clone())]);
            }
        }
    }

    /// Whoever holds this event has crashed.
    pub(super) fn abandon(&self, held: &Held) {
        for (_, queue) in self.0.iter() {
            queue.abandon(held);
        }
    }

    pub(super) fn remove_all(&self) {
        for (_, queue) in self.0.iter() {
            queue.remove();
        }
    }
}
