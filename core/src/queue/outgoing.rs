//! What is sent, with its options.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::handle::send_checked;
use super::port::{Attributes, MessageId, MessageQueue, OutMessage};
use crate::codec::Encode;
use crate::{Result, Sparse};

/// Options of one message, shared by [`Outgoing`] and [`Sending`].
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    attributes: Sparse<Attributes>,
    delay: Option<Duration>,
    group: Option<String>,
    dedupe_id: Option<String>,
}

impl Options {
    pub(super) fn apply(self, message: &mut OutMessage) {
        message.attributes = self.attributes;
        // No delay at all is what every queue can do.
        message.delay = self.delay.filter(|delay| !delay.is_zero());
        message.group = self.group;
        message.dedupe_id = self.dedupe_id;
    }
}

/// The options' builders, with one text for both types.
macro_rules! option_methods {
    () => {
        /// Adds an attribute, or replaces the one of that name: at most 8, the name `[A-Za-z][A-Za-z0-9_-]{0,63}` and not
        /// beginning with aws, amazon, goog or skyport, the value up to 256 bytes.
        pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.attributes.insert(name.into(), value.into());
            self
        }

        /// It is not received before so long, up to 15 minutes. `Unsupported` on an ordered queue, and where
        /// `capabilities().delay` is no.
        pub fn delay(mut self, delay: Duration) -> Self {
            self.options.delay = Some(delay);
            self
        }

        /// Its group on an ordered queue, first in first out within: 1 to 128 visible ASCII characters. Without one it is
        /// a group of its own. `InvalidArgument` on a queue that is not declared ordered.
        pub fn group(mut self, group: impl Into<String>) -> Self {
            self.options.group = Some(group.into());
            self
        }

        /// A message with the same id within 5 minutes is not sent again, and answered with the first one's id: 1 to 128
        /// visible ASCII characters. `Unsupported` where `capabilities().dedupe` is no.
        pub fn dedupe_id(mut self, id: impl Into<String>) -> Self {
            self.options.dedupe_id = Some(id.into());
            self
        }
    };
}

/// A value with options, for [`Queue::send_all`](super::Queue::send_all).
#[must_use = "send it with `queue.send_all`"]
#[derive(Debug)]
pub struct Outgoing<'a, T: ?Sized> {
    pub(super) value: &'a T,
    pub(super) options: Options,
}

impl<'a, T: ?Sized> Outgoing<'a, T> {
    /// The value, with no options.
    pub fn new(value: &'a T) -> Self {
        Self { value, options: Options::default() }
    }

    option_methods!();

    /// As it goes to the port, not yet checked.
    pub(super) fn encode<C: Encode<T>>(self) -> Result<OutMessage> {
        let mut message = OutMessage::new(C::encode(self.value)?);
        self.options.apply(&mut message);
        Ok(message)
    }
}

impl<'a, T: ?Sized> From<&'a T> for Outgoing<'a, T> {
    fn from(value: &'a T) -> Self {
        Self::new(value)
    }
}

/// A message about to be sent, by [`Queue::send`](super::Queue::send): options are added, and `.await` sends it. The value
/// is encoded already.
#[must_use = "nothing is sent until this is awaited"]
pub struct Sending {
    queue: Arc<dyn MessageQueue>,
    encoded: Result<OutMessage>,
    options: Options,
}

impl Sending {
    pub(super) fn new(queue: Arc<dyn MessageQueue>, encoded: Result<OutMessage>) -> Self {
        Self { queue, encoded, options: Options::default() }
    }

    option_methods!();
}

impl IntoFuture for Sending {
    type Output = Result<MessageId>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { queue, encoded, options } = self;
        let message = encoded.map(|mut message| {
            options.apply(&mut message);
            message
        });
        Box::pin(async move {
            let mut results = send_checked(&*queue, vec![message]).await;
            // One message, one result: `send_checked` sees to it.
            results.pop().unwrap_or_else(|| Err(crate::Error::internal("a send without a result")))
        })
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("queue", &self.queue.info().resource)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
