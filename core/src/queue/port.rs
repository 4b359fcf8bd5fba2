//! The implementors' face of queues: [`MessageQueue`], one options struct a method.
//!
//! Users never see this: they hold a [`Queue`](super::Queue), which validates, encodes and decodes, counts leases down
//! and names the operation in errors. A provider may therefore rely on valid input.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
pub use super::names::{MessageId, Receipt};
use crate::pieces::Pieces;
use crate::support::capabilities;
use crate::{Clock, Result, Sparse, Token};

/// What a queue is and what it can do; made once, when it is opened.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct QueueInfo {
    /// The provider's name in errors and spans.
    pub provider: &'static str,
    /// The queue's name as the provider knows it.
    pub resource: String,
    /// The clock by which delays are counted.
    pub clock: Clock,
    /// As it was declared.
    pub settings: QueueSettings,
    /// Sizes.
    pub limits: QueueLimits,
    /// What it can do, and how it comes by it.
    pub capabilities: QueueCapabilities,
}

impl QueueInfo {
    /// A queue with the limits that the contract promises everywhere, and every capability, built.
    #[must_use]
    pub fn new(provider: &'static str, resource: impl Into<String>, settings: QueueSettings) -> Self {
        Self {
            provider,
            resource: resource.into(),
            clock: Clock::system(),
            settings,
            limits: QueueLimits::default(),
            capabilities: QueueCapabilities::default(),
        }
    }
}

/// How a queue is declared. What a cloud keeps with the queue itself (attempts, order) is set when it is provisioned,
/// and wins over what is declared here.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Deliveries of one message before it goes to the dead letters; at least 1. 5 by default.
    pub max_attempts: u32,
    /// First in, first out by group.
    pub ordered: bool,
    /// How bodies that Skyport did not write are read.
    pub foreign: Foreign,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { max_attempts: 5, ordered: false, foreign: Foreign::Text }
    }
}

/// How a body that Skyport did not write is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Foreign {
    /// As it is.
    #[default]
    Text,
    /// As base64.
    Base64,
}

/// Sizes of a queue.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// The largest body in bytes.
    pub body_bytes: usize,
    /// The most attributes of a message.
    pub attributes: usize,
    /// The longest value of an attribute in bytes.
    pub attribute_bytes: usize,
    /// The longest delay.
    pub delay: Duration,
    /// The longest lease; the shortest is a second.
    pub lease: Duration,
    /// The most messages of one `receive` of the port; the handle cuts larger wishes to it.
    pub receive: usize,
    /// How a layer that has limits of time hands over a large `send`.
    pub send: Pieces,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 10,
            attributes: 8,
            attribute_bytes: 256,
            delay: Duration::from_secs(900),
            lease: Duration::from_secs(600),
            receive: 10,
            send: Pieces::new(400),
        }
    }
}

capabilities! {
    /// How a queue comes by what it offers; what the contract promises everywhere stands first.
    pub struct QueueCapabilities;
    everywhere {
        /// A received message is kept from other receivers for a time, which can be extended.
        lease,
        /// A receive waits for the first message.
        wait,
        /// A message comes again after a time that its receiver names.
        retry_after,
        /// A message goes to the dead letters after so many deliveries.
        max_attempts,
        /// A message is sent to the dead letters at once, with a reason.
        dead_letter,
        /// Attributes beside the body.
        attributes,
        /// A body of any bytes.
        any_bytes,
        /// Sending many messages.
        send_all,
    }
    where_told {
        /// Sending with a delay, on a queue that is not ordered.
        delay,
        /// A message with the same `dedupe_id` within 5 minutes is not sent again.
        dedupe,
        /// A queue can be declared ordered: first in, first out by group.
        ordered,
        /// A delivery tells its attempt; else it is always 1.
        attempts,
        /// About how many messages there are.
        depth,
    }
}

/// Attributes of a message, by name.
pub type Attributes = BTreeMap<String, String>;

/// How many bytes attributes take, with their names: for whoever keeps messages and has a limit to that.
#[must_use]
pub fn bytes_of(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// A message on its way into a queue.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutMessage {
    /// Any bytes.
    pub body: Bytes,
    /// The user's attributes.
    pub attributes: Sparse<Attributes>,
    /// What is ours: travels packed in one attribute `skyport`.
    pub envelope: Sparse<Envelope>,
    /// Not to be received before so long.
    pub delay: Option<Duration>,
    /// On an ordered queue, the group; `None` is a group of its own for each message.
    pub group: Option<String>,
    /// A second message with this id within 5 minutes is not sent again (and answered Ok with the first one's id).
    pub dedupe_id: Option<String>,
    /// Names this send call, so that its repetition can be recognised where the provider is able to.
    pub token: Token,
}

impl OutMessage {
    /// A message with this body and nothing else.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }
}

/// Options of [`MessageQueue::receive`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveOptions {
    /// At most so many; between 1 and [`QueueLimits::receive`].
    pub max: usize,
    /// How long to wait for the first; zero looks once.
    pub wait: Duration,
    /// How long the messages are kept from other receivers; whole seconds.
    pub lease: Duration,
}

impl ReceiveOptions {
    /// Up to `max` messages.
    #[must_use]
    pub fn new(max: usize, wait: Duration, lease: Duration) -> Self {
        Self { max, wait, lease }
    }
}

/// A received message, as the provider hands it over.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDelivery {
    /// The provider's id of the message.
    pub id: MessageId,
    /// The body as it was sent.
    pub body: Bytes,
    /// The user's attributes.
    pub attributes: Sparse<Attributes>,
    /// What is ours; empty for a message that Skyport did not send.
    pub envelope: Sparse<Envelope>,
    /// Which delivery of the message this is, from 1.
    pub attempt: u32,
    /// When it was sent.
    pub sent_at: SystemTime,
    /// Its group on an ordered queue.
    pub group: Option<String>,
    /// What settles it.
    pub receipt: Receipt,
}

impl RawDelivery {
    /// A first delivery with this id, body and receipt; the other fields are to be set.
    #[must_use]
    #[inline]
    pub fn new(
        id: impl Into<MessageId>,
        body: impl Into<Bytes>,
        receipt: Receipt,
        sent_at: SystemTime,
    ) -> Self {
        Self {
            id: id.into(),
            body: body.into(),
            attributes: Sparse::default(),
            envelope: Sparse::default(),
            attempt: 1,
            sent_at,
            group: None,
            receipt,
        }
    }

    /// The same message to be sent again: to the dead letters, or back from there.
    #[must_use]
    pub fn to_message(&self) -> OutMessage {
        OutMessage {
            body: self.body.clone(),
            attributes: self.attributes.clone(),
            envelope: self.envelope.clone(),
            group: self.group.clone(),
            ..OutMessage::default()
        }
    }
}

/// How one delivery ends.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done: it never comes again.
    Ack,
    /// Again, not before so long. Where the attempts are spent it goes to the dead letters instead.
    Retry(Duration),
    /// To the dead letters at once, with this reason. Carries the message, for providers that must send it anew.
    DeadLetter {
        /// Why; at most 256 bytes reach the dead letter.
        reason: String,
        /// The message as it was received.
        message: Box<OutMessage>,
    },
}

/// One delivery and how it ends.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The delivery.
    pub receipt: Receipt,
    /// Its end.
    pub verdict: Verdict,
}

impl Settlement {
    /// Ends the delivery of `receipt` so.
    #[must_use]
    pub fn new(receipt: Receipt, verdict: Verdict) -> Self {
        Self { receipt, verdict }
    }
}

/// About how many messages a queue holds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Ready to be received.
    pub ready: u64,
    /// Leased.
    pub in_flight: u64,
    /// Waiting for a delay or a backoff to end.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ready + self.in_flight + self.delayed
    }
}

/// A queue of one provider.
///
/// Messages and options are valid when they arrive here. Opening does no I/O: a missing queue is `NotFound` at first
/// use. Dropping a future never acknowledges a message; messages that a dropped `receive` had leased return.
#[async_trait]
pub trait MessageQueue: Debug + Send + Sync + 'static {
    /// What this queue is and can do.
    fn info(&self) -> &QueueInfo;

    /// Sends any number of messages; one result each, in order: the message's id. Cutting to the cloud's own batch sizes
    /// is done here, and on an ordered queue a group's messages keep their order.
    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>>;

    /// Waits up to `wait` for the first message and returns then with what is there, up to `max`. Empty after `wait`.
    ///
    /// # Errors
    /// `NotFound` for a missing queue.
    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>>;

    /// Makes of messages that this queue's platform handed over by itself what [`receive`](Self::receive) would have made of
    /// them: a layer that changes what it receives changes these, too. Nothing is settled here. One result each, in order;
    /// `None` for a message that a receive would have acknowledged and passed over.
    ///
    /// Each may fail as its layer says: with `NotFound`, `TooLarge` or `Malformed` where the message can never be read and a
    /// receive would have sent it to the dead letters, else for the moment. A provider gives back what it is given.
    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>>;

    /// Sets the lease to end so long from now. Some clouds give a new receipt, which then replaces the old one.
    ///
    /// # Errors
    /// `PreconditionFailed` where the lease has ended or the delivery is settled.
    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt>;

    /// Ends deliveries; one result each, in order. On an ordered queue, once a delivery of a group was retried or
    /// dropped, settling a later one of the same receive fails and it returns.
    ///
    /// Each may fail with `PreconditionFailed`: the lease has ended, or it is settled already.
    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>>;

    /// About how many messages there are. Never called where the capability `depth` is no.
    ///
    /// # Errors
    /// `NotFound` for a missing queue.
    async fn depth(&self) -> Result<Depth>;

    /// The queue of this one's dead letters; their envelopes hold the reason: the caller's, or `attempts`. It is read
    /// and settled like any other, keeps what is retried for ever, and has no dead letters of its own.
    ///
    /// # Errors
    /// `Unsupported` on a queue of dead letters.
    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>>;
}
