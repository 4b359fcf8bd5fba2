//! Messages of Queue Storage, received or handed over: one reading for both, so that a handler cannot tell the one from the other.
//!
//! A message of Queue Storage is a text and nothing else. What Skyport sends is therefore wrapped.
//!
//! # The format
//! The text is the base64 (standard alphabet, padded) of:
//!
//! ```text
//! skyport1:{"attributes":{"colour":"blue"},"envelope":{"t":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
//! the body
//! ```
//!
//! 1. The literal `skyport1:`. It has nine bytes, so the text in the queue begins with `c2t5cG9ydDE6`.
//! 2. An object of JSON, in UTF-8, in one line. Fields that are not known are passed over; all of them may be missing:
//!    - `attributes`: by name; a value is a string, or `{"base64":".."}`, which is the base64 of its UTF-8: what Skyport writes where that is shorter.
//!    - `envelope`: what is Skyport's own, as in the attribute `skyport` on other clouds. `t` is a `traceparent`, with `;` and the `tracestate` behind it
//!      where there is one; `c` the key of a claim; `r` the reason of a dead letter; `a` how often it was delivered before it was sent anew; `e` how the body
//!      stands here: `b64` for base64 once more, `raw` for bytes that are not UTF-8, nothing for UTF-8. Other clouds' `n`, a time to wait for, says
//!      nothing here: whoever sends a message tells Queue Storage for how long to hide it.
//! 3. A line feed.
//! 4. The body, which ends with the message.
//!
//! The shortest wrapping is `skyport1:{}` and a line feed. To send a message from another language, write this, and encode it in base64.
//!
//! # What is read
//! - A text that begins with `c2t5cG9ydDE6` is decoded and read as above. So is one that begins with `skyport1:`: a host of Azure Functions with
//!   `messageEncoding` `base64`, which is its default, has decoded it. Such a host makes text of what is none: a body that is not
//!   UTF-8 survives it in base64, which is how it is sent where it then fits. One that is `raw` was spoilt, and is `Malformed`: the error says what to set.
//! - What begins so and cannot be read is `Malformed`. Both beginnings are Skyport's: who wants to send a body that begins so wraps it.
//! - All else is foreign: the body is the text as it stands, and the queue declares how to read it (`foreign = text | base64`). What such a host
//!   has decoded is text by then, whatever the queue declares: another reason to set `messageEncoding` to `none`.
//!
//! Skyport wraps all that it sends, also what has neither attributes nor an envelope, so that no body is ever taken for something else. Only what
//! others wrote, and is too long to be wrapped, goes to the dead letters, and back, as it came; the reason is lost. So does what is
//! `Malformed` and as long: sent back, it dies again.
//!
//! What is `Malformed` and shorter is wrapped on its way to the dead letters, with its reason. Sent back it is a message like any other, whose body is
//! the text that could not be read: the handler sees it then, and decides. Sent back as it came it would die again, unseen.
//!
//! # How much fits
//! A text has 64 KiB, which is 48 KiB before base64. A body of [`BODY_BYTES`] fits with all the attributes and the envelope that a message
//! may have.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::queue::port::{RawDelivery, Receipt};
pub use skyport_core::queue::wire::Unreadable;

use read::{Parts, read};

mod read;
mod receipt;
mod write;

pub use receipt::{receipt, split};
pub use write::to_text;

/// How a message of ours begins.
const LITERAL: &str = "skyport1:";

/// How it begins as it stands in the queue: the literal in base64.
const LITERAL_ENCODED: &str = "c2t5cG9ydDE6";

/// The longest text of a message.
const TEXT_BYTES: usize = 64 << 10;

/// What that has room for before base64.
const PAYLOAD_BYTES: usize = TEXT_BYTES / 4 * 3;

/// The largest body: it fits with 8 attributes of the longest names and values, and an envelope of more than 1 KiB.
pub const BODY_BYTES: usize = 43 << 10;

/// The encoding of a body that stands in base64.
const BASE64: &str = "b64";

/// The encoding of a body that stands as it is, and is not UTF-8.
const RAW: &str = "raw";

/// A message as Queue Storage hands it over.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// Its id.
    pub id: String,
    /// The text: as it stands in the queue, or decoded by a host of Azure Functions.
    pub text: String,
    /// When it was put into the queue.
    pub inserted: SystemTime,
    /// Which delivery this is, as Queue Storage counts.
    pub dequeue_count: u64,
}

impl QueueMessage {
    /// A first delivery of this message.
    #[must_use]
    pub fn new(id: impl Into<String>, text: impl Into<String>, inserted: SystemTime) -> Self {
        Self { id: id.into(), text: text.into(), inserted, dequeue_count: 1 }
    }

    /// The delivery that a receive makes of the message. Its attempt is what Queue Storage counts, and what was counted before the message
    /// was sent anew.
    ///
    /// # Errors
    /// [`Unreadable`] where it begins as ours do, and is none.
    pub fn into_delivery(self, receipt: Receipt) -> Result<RawDelivery, Unreadable> {
        let counted = u32::try_from(self.dequeue_count).unwrap_or(u32::MAX).max(1);
        let text = Bytes::from(self.text);
        let (parts, error) = match read(&text) {
            Some(Ok(parts)) => (Some(parts), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let as_it_stands = || Parts { body: text, ..Parts::default() };
        let Parts { attributes, envelope, body } = parts.unwrap_or_else(as_it_stands);
        let mut delivery = RawDelivery::new(self.id, body, receipt, self.inserted);
        delivery.attempt = counted.saturating_add(envelope.attempts_before());
        delivery.attributes = attributes;
        delivery.envelope = envelope;
        match error {
            None => Ok(delivery),
            Some(error) => Err(Unreadable::new(error, delivery)),
        }
    }
}

/// Without the text, which may be a secret.
impl fmt::Debug for QueueMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueMessage")
            .field("id", &self.id)
            .field("text", &format_args!("{} bytes", self.text.len()))
            .field("dequeue_count", &self.dequeue_count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
