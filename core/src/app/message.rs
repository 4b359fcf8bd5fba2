//! A message as its handler gets it, and how a queue triggers a function.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use super::resources::Ref;
use crate::codec::Decode;
use crate::queue::Queue;
use crate::queue::port::{Attributes, Foreign, MessageId, RawDelivery};
use crate::{Result, Sparse, TraceContext};

/// A message with its decoded body; derefs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<T> {
    value: T,
    id: MessageId,
    attempt: u32,
    sent_at: SystemTime,
    attributes: Sparse<Attributes>,
    group: Option<String>,
    trace: Option<TraceContext>,
}

impl<T> Message<T> {
    /// A message for a unit test that calls a handler directly.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            value,
            id: MessageId::new(""),
            attempt: 1,
            sent_at: SystemTime::now(),
            attributes: Sparse::default(),
            group: None,
            trace: None,
        }
    }

    pub(crate) fn decode<C: Decode<T>>(delivery: RawDelivery, foreign: Foreign) -> Result<Self> {
        let value = C::decode(&*delivery.payload(foreign)?)?;
        let RawDelivery { id, attempt, sent_at, attributes, group, envelope, .. } = delivery;
        Ok(Self { value, id, attempt, sent_at, attributes, group, trace: envelope.into_inner().trace })
    }

    /// The body.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The body, for keeps.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The provider's id of the message.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which delivery this is, from 1; approximate.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When it was sent.
    #[must_use]
    pub fn sent_at(&self) -> SystemTime {
        self.sent_at
    }

    /// Its attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Its group on an ordered queue.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The trace that it was sent in.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }
}

impl<T> Deref for Message<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// How a queue triggers a function: a [`Ref`] to the queue, with options.
///
/// `Photos::RESIZE` alone will do; `Photos::RESIZE.concurrency(2)` says more.
#[must_use]
pub struct MessageTrigger<R, T, C> {
    pub(crate) queue: Ref<R, Queue<T, C>>,
    pub(crate) options: EventOptions,
}

/// What can be said of any trigger that is not HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventOptions {
    pub(crate) concurrency: Option<usize>,
    pub(crate) batch: Option<usize>,
    pub(crate) timeout: Option<Duration>,
}

impl<R, T, C> MessageTrigger<R, T, C> {
    /// At most so many calls at once in one process; 16 by default. Platforms that call functions decide themselves.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.options.concurrency = Some(calls);
        self
    }

    /// For a batch handler: at most so many messages in one call; 10 by default.
    pub fn batch_size(mut self, messages: usize) -> Self {
        self.options.batch = Some(messages);
        self
    }

    /// The longest time for a call; then it is cancelled and the message returns. 5 minutes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }
}

impl<R, T, C> Ref<R, Queue<T, C>> {
    /// A trigger with at most so many calls at once in one process.
    pub fn concurrency(self, calls: usize) -> MessageTrigger<R, T, C> {
        MessageTrigger::from(self).concurrency(calls)
    }

    /// A trigger with at most so many messages in one call of a batch handler.
    pub fn batch_size(self, messages: usize) -> MessageTrigger<R, T, C> {
        MessageTrigger::from(self).batch_size(messages)
    }

    /// A trigger with a time limit for a call.
    pub fn timeout(self, timeout: Duration) -> MessageTrigger<R, T, C> {
        MessageTrigger::from(self).timeout(timeout)
    }
}

impl<R, T, C> From<Ref<R, Queue<T, C>>> for MessageTrigger<R, T, C> {
    fn from(queue: Ref<R, Queue<T, C>>) -> Self {
        Self { queue, options: EventOptions::default() }
    }
}

impl<R, T, C> fmt::Debug for MessageTrigger<R, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageTrigger").field("queue", &self.queue).field("options", &self.options).finish()
    }
}
