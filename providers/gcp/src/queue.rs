//! Pub/Sub behind the port `MessageQueue`.
//!
//! # What counts as an attempt
//! Pub/Sub counts a delivery for everything that it hands out, also for what this provider gives back unseen: a message that came
//! when no receive waited any more. Such returns are subtracted again by the process that made them (`uncounted`); another process
//! sees what Pub/Sub says.
//!
//! # An ordered queue
//! Its subscription orders messages by key, and a receive brings one, whatever it was asked for: what stands behind a message that
//! fails would come back with it, its attempts counted. So nothing of a group is leased behind a message that is not settled yet,
//! and Pub/Sub keeps the order by itself. What is returned there comes again when its lease ends, a second later at the soonest:
//! returned at once, it would be overtaken at Google's own emulator.
//!
//! # What is early
//! Pub/Sub delays nothing. A message that is not due is kept by the process that pulled it, its deadline prolonged, until it is
//! (`held`). Who holds as many as it may hides the message instead, and that counts as an attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::queue::leases::Leases;
use skyport_core::queue::polls::Polls;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};
use skyport_core::queue::uncounted::Uncounted;
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

use crate::config::Connection;
use crate::provision::NAME;
use crate::provision::queue::can_count_on;

use held::Held;
use limit::Limit;
use outgoing::BODY_BYTES;
use pulled::Pulled;

mod ack_id;
pub(crate) mod calls;
mod deadlines;
mod held;
mod later;
mod limit;
mod names;
mod outgoing;
mod pulled;
mod receive;
mod send;
mod settle;

pub(crate) use names::Names;

/// How a receipt of ours begins. Pub/Sub's own ids do not, and no platform hands any over.
const OURS: &str = "skyport-pubsub:";

/// How many requests of one call are under way at once.
const CALLS: usize = 4;

/// A queue, or a queue of dead letters.
pub(crate) struct PubsubQueue {
    place: Arc<Place>,
}

/// What the work of a queue goes by, also after the handle is gone.
struct Place {
    connection: Arc<Connection>,
    topic: String,
    /// The full names of the topic and of the subscription, as they are sent; known once the project is.
    full: (OnceCell<Bytes>, OnceCell<Bytes>),
    info: QueueInfo,
    leases: Leases,
    polls: Polls<(), Pulled>,
    held: Held,
    uncounted: Uncounted,
    limit: Limit,
    /// How many handles there are: with the last one go the pulls that nobody waits for.
    handles: watch::Sender<usize>,
    /// A message may have more attempts than Pub/Sub counts.
    counts_on: bool,
    /// `None` on a queue of dead letters.
    dead: Option<Arc<Place>>,
}

impl PubsubQueue {
    /// The queue and its dead letters. No I/O.
    pub(crate) fn new(connection: Arc<Connection>, names: Names, settings: &QueueSettings) -> Self {
        let counts_on = can_count_on(&names, settings);
        let mut letters = settings.clone();
        // They have no order: see how they are provisioned.
        (letters.max_attempts, letters.ordered) = (u32::MAX, false);
        let dead = Place::new(&connection, names.dead.clone(), names.dead, letters, None);
        let (topic, subscription) = (names.topic, names.subscription);
        Self::of(Place::new(&connection, topic, subscription, settings.clone(), Some((dead, counts_on))))
    }

    fn of(place: Arc<Place>) -> Self {
        place.handles.send_modify(|count| *count += 1);
        Self { place }
    }
}

impl Drop for PubsubQueue {
    fn drop(&mut self) {
        self.place.handles.send_modify(|count| *count -= 1);
    }
}

impl Place {
    fn new(
        connection: &Arc<Connection>,
        topic: String,
        subscription: String,
        settings: QueueSettings,
        mortal: Option<(Arc<Place>, bool)>,
    ) -> Arc<Self> {
        let (dead, counts_on) = mortal.map_or((None, false), |(dead, counts_on)| (Some(dead), counts_on));
        let mut info = QueueInfo::new(NAME, subscription, settings);
        info.limits.body_bytes = BODY_BYTES;
        info.limits.send = send::pieces(info.settings.ordered);
        info.capabilities = crate::support::queue(dead.is_some());
        Arc::new(Self {
            connection: Arc::clone(connection),
            topic,
            full: Default::default(),
            info,
            leases: Leases::new(OURS),
            polls: Polls::default(),
            held: Held::default(),
            uncounted: Uncounted::default(),
            counts_on,
            limit: Limit::default(),
            handles: watch::Sender::new(0),
            dead,
        })
    }

    /// What Pub/Sub calls the subscription.
    async fn subscription(&self) -> Result<Bytes> {
        let full = self.full.1.get_or_try_init(async || {
            calls::subscription(&self.connection, &self.info.resource).await.map(Bytes::from_owner)
        });
        full.await.cloned()
    }

    /// What Pub/Sub calls the topic.
    async fn topic(&self) -> Result<Bytes> {
        let full = self.full.0.get_or_try_init(async || {
            calls::topic(&self.connection, &self.topic).await.map(Bytes::from_owner)
        });
        full.await.cloned()
    }

    /// Says which subscription an error is about: the dead letters have another.
    fn named(&self, error: Error) -> Error {
        error.with_resource(&self.info.resource)
    }
}

impl fmt::Debug for PubsubQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (topic, subscription) = (&self.place.topic, &self.place.info.resource);
        f.debug_struct("PubsubQueue")
            .field("topic", topic)
            .field("subscription", subscription)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl MessageQueue for PubsubQueue {
    fn info(&self) -> &QueueInfo {
        &self.place.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        self.place.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        Place::receive(&self.place, options).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let handle = self.place.handle(receipt)?;
        self.place.extend(&handle, lease).await?;
        self.place.leases.prolong(handle.as_str(), Instant::now() + lease);
        Ok(receipt.clone())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        Place::settle_all(&self.place, settlements).await
    }

    async fn depth(&self) -> Result<Depth> {
        Err(Error::unsupported(
            "Pub/Sub does not count: see `num_undelivered_messages` in Cloud Monitoring, which is some minutes late",
        ))
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        match &self.place.dead {
            Some(dead) => Ok(Arc::new(Self::of(Arc::clone(dead)))),
            None => Err(Refusal::NoDeadLetters.into()),
        }
    }
}
