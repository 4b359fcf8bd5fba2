//! SQS behind the port `MessageQueue`.
//!
//! # An ordered queue
//! It is a FIFO queue, and a receive brings one message, whatever it was asked for. SQS counts a receive for every message that it
//! hands out: of ten of one group the nine behind a message that fails would come back with it, their attempts counted, and
//! go to the dead letters with it without ever having been handled. So nothing of a group is leased behind a message that
//! is not settled yet, and SQS keeps the order by itself. A send has at most one message of a group in a request, since an entry of a
//! batch may fail alone, and what stands behind it must not overtake it.
//!
//! Dedupe ids count for the whole queue, which leaves it at SQS's own 300 requests a second of each kind. Whoever needs
//! more switches the queue to high throughput; dedupe ids then count within a group.
//!
//! # What another process cannot know
//! SQS deletes what is deleted already, and on a standard queue what is leased to somebody else by now, and says Ok. The queue that
//! gave a receipt refuses both (`skyport_core::queue::leases`); a queue that was opened elsewhere, or a receipt of the platform's, has only
//! SQS's word. Such a retry of a message whose attempts are spent makes it visible, and SQS moves it at the next receive.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use skyport_core::queue::leases::Leases;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::config::Connection;
use crate::error;
use crate::provision::NAME;

use polls::{Lost, Polls};

mod entries;
mod names;
mod outgoing;
mod polls;
mod receive;
mod send;
mod settle;

pub(crate) use names::{Names, names};

/// The largest body: what fits in a request of 1 MiB whatever it is, as base64, with all the attributes that a message may have.
const BODY_BYTES: usize = 760 << 10;

/// How a receipt of ours begins. No handle of SQS does: they are base64.
const OURS: &str = "skyport-sqs:";

/// How many requests of one call are under way at once.
const CALLS: usize = 4;

/// A queue, or a queue of dead letters.
pub(crate) struct SqsQueue {
    place: Arc<Place>,
    /// `None` on a queue of dead letters.
    dead: Option<Arc<SqsQueue>>,
}

/// What the work of a queue goes by, also after the handle is gone.
struct Place {
    connection: Arc<Connection>,
    info: QueueInfo,
    url: OnceCell<String>,
    leases: Leases,
    polls: Polls,
    lost: Lost,
}

impl SqsQueue {
    /// The queue and its dead letters. No I/O.
    pub(crate) fn new(connection: Arc<Connection>, names: Names, settings: &QueueSettings) -> Self {
        let mut dead = settings.clone();
        dead.max_attempts = u32::MAX;
        let dead = Self { place: Place::new(Arc::clone(&connection), names.dead, dead), dead: None };
        Self { place: Place::new(connection, names.queue, settings.clone()), dead: Some(Arc::new(dead)) }
    }
}

impl Place {
    fn new(connection: Arc<Connection>, name: String, settings: QueueSettings) -> Arc<Self> {
        let ordered = settings.ordered;
        let mut info = QueueInfo::new(NAME, name, settings);
        info.limits.body_bytes = BODY_BYTES;
        info.limits.send = send::pieces(ordered);
        info.capabilities = crate::support::queue(ordered);
        Arc::new(Self {
            connection,
            info,
            url: OnceCell::new(),
            leases: Leases::new(OURS),
            polls: Polls::default(),
            lost: Lost::default(),
        })
    }

    /// SQS's client and the queue's URL, which is asked for once.
    async fn client(&self) -> Result<(&aws_sdk_sqs::Client, &str)> {
        let client = self.connection.sqs().await;
        let ask = || async {
            let asked = Box::pin(client.get_queue_url().queue_name(&self.info.resource).send());
            let answer = asked.await.map_err(|error| self.named(error::of(error)))?;
            answer.queue_url.ok_or_else(|| Error::internal("SQS named no URL for the queue"))
        };
        let url = self.url.get_or_try_init(ask).await?;
        Ok((client, url))
    }

    /// Says which queue an error is about: the dead letters are another one.
    fn named(&self, error: Error) -> Error {
        error.with_resource(&self.info.resource)
    }

    async fn attributes<const N: usize>(
        &self,
        names: [QueueAttributeName; N],
    ) -> Result<[Option<String>; N]> {
        let (client, url) = self.client().await?;
        let asked = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let answer = Box::pin(asked.send()).await.map_err(|error| self.named(error::of(error)))?;
        let mut told = answer.attributes.unwrap_or_default();
        Ok(names.map(|name| told.remove(&name)))
    }

    async fn depth(&self) -> Result<Depth> {
        use QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        let [ready, in_flight, delayed] = self.attributes(names).await?.map(number);
        let mut depth = Depth::default();
        (depth.ready, depth.in_flight, depth.delayed) = (ready, in_flight, delayed);
        Ok(depth)
    }
}

impl fmt::Debug for SqsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsQueue").field("name", &self.place.info.resource).finish_non_exhaustive()
    }
}

#[async_trait]
impl MessageQueue for SqsQueue {
    fn info(&self) -> &QueueInfo {
        &self.place.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        self.place.send(messages).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let messages = Place::receive(&self.place, options).await?;
        Ok(self.place.deliveries(messages, options.lease, self.dead.is_some()))
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let handle = self.place.leases.find(receipt)?;
        self.place.extend(&handle, lease).await?;
        self.place.leases.prolong(&handle, Instant::now() + lease);
        Ok(receipt.clone())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        self.settle_all(settlements).await
    }

    async fn depth(&self) -> Result<Depth> {
        self.place.depth().await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        match &self.dead {
            Some(dead) => Ok(Arc::clone(dead) as Arc<dyn MessageQueue>),
            None => Err(Refusal::NoDeadLetters.into()),
        }
    }
}
