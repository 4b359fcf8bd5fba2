//! What providers that are their own service refuse, with its kind: one table for all of them.

use std::borrow::Cow;

use crate::{Error, ErrorKind};

/// A refusal in a store's own terms. `?` makes an [`Error`] of it; the provider's name is added by who knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bucket does not exist.
    NoBucket,
    /// The queue does not exist.
    NoQueue,
    /// The table does not exist.
    NoTable,
    /// The object does not exist.
    NoObject,
    /// What was to be created is there.
    Exists,
    /// The etag or version is another one.
    Changed,
    /// The delivery's lease has ended, or it is settled.
    NotLeased,
    /// The receipt is of another queue, or no receipt.
    BadReceipt,
    /// A delay on an ordered queue.
    DelayInOrder,
    /// The queue exists with another order.
    OrderFixed,
    /// Dead letters of dead letters.
    NoDeadLetters,
    /// A verdict of a later version of the port.
    UnknownVerdict,
    /// An upload is completed with a part that never came.
    MissingPart,
    /// An upload is used after its end.
    UploadEnded,
}

impl Refusal {
    fn describe(self) -> (ErrorKind, &'static str) {
        use ErrorKind as Kind;
        match self {
            Self::NoBucket => (Kind::NotFound, "there is no such bucket: create it first"),
            Self::NoQueue => (Kind::NotFound, "there is no such queue: create it first"),
            Self::NoTable => (Kind::NotFound, "there is no such table: create it first"),
            Self::NoObject => (Kind::NotFound, "there is no such object"),
            Self::Exists => (Kind::AlreadyExists, "it is there already"),
            Self::Changed => (Kind::PreconditionFailed, "it has changed since, or is gone: read it again"),
            Self::NotLeased => (Kind::PreconditionFailed, "the delivery is settled, or its lease has ended"),
            Self::BadReceipt => (Kind::InvalidArgument, "this receipt is not of this queue"),
            Self::DelayInOrder => {
                (Kind::Unsupported, "an ordered queue takes no delay: use a queue that is not ordered")
            }
            Self::OrderFixed => {
                (Kind::Conflict, "the queue is there with another order: remove it, or declare it as it is")
            }
            Self::NoDeadLetters => {
                (Kind::Unsupported, "a queue of dead letters has no dead letters of its own")
            }
            Self::UnknownVerdict => {
                (Kind::Unsupported, "this version of the provider does not know this verdict")
            }
            Self::MissingPart => {
                (Kind::InvalidArgument, "a part of the upload is missing: send it, then complete")
            }
            Self::UploadEnded => (Kind::Conflict, "the upload was completed or aborted: start another"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (kind, message) = refusal.describe();
        let error = Error::new(kind, Cow::Borrowed(message));
        match refusal {
            // Repeated, these get the same answer.
            Refusal::OrderFixed | Refusal::UploadEnded => error.with_retryable(false),
            _ => error,
        }
    }
}
