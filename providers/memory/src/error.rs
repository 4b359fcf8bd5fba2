//! What can go wrong in memory, and its kind.

use std::borrow::Cow;

use skyport_core::{Error, ErrorKind};

/// A failure in the provider's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    NoBucket,
    NoQueue,
    NoTable,
    NoObject,
    Exists,
    Changed,
    NotLeased,
    BadReceipt,
    NotOrdered,
    OrderFixed,
    NoDeadLetters,
    UnknownVerdict,
    ForeignToken,
    ForeignScheme,
    MissingPart,
    UploadEnded,
}

impl Native {
    /// The one table from native errors to kinds.
    fn describe(self) -> (ErrorKind, &'static str) {
        match self {
            Self::NoBucket => (ErrorKind::NotFound, "there is no such bucket: create it first"),
            Self::NoQueue => (ErrorKind::NotFound, "there is no such queue: create it first"),
            Self::NoTable => (ErrorKind::NotFound, "there is no such table: create it first"),
            Self::NoObject => (ErrorKind::NotFound, "there is no such object"),
            Self::Exists => (ErrorKind::AlreadyExists, "it is there already"),
            Self::Changed => {
                (ErrorKind::PreconditionFailed, "it has changed since, or is gone: read it again")
            }
            Self::NotLeased => {
                (ErrorKind::PreconditionFailed, "the delivery is settled, or its lease has ended")
            }
            Self::BadReceipt => (ErrorKind::InvalidArgument, "this receipt is not of this queue"),
            Self::NotOrdered => {
                (ErrorKind::Unsupported, "an ordered queue takes no delay: use a queue that is not ordered")
            }
            Self::OrderFixed => (
                ErrorKind::Conflict,
                "the queue is there with another order: remove it, or declare it as it is",
            ),
            Self::NoDeadLetters => {
                (ErrorKind::Unsupported, "a queue of dead letters has no dead letters of its own")
            }
            Self::UnknownVerdict => {
                (ErrorKind::Unsupported, "this version of the provider `memory` does not know this verdict")
            }
            Self::ForeignToken => {
                (ErrorKind::InvalidArgument, "the token is not of this listing or query: begin without one")
            }
            Self::ForeignScheme => {
                (ErrorKind::InvalidArgument, "the provider `memory` opens URLs of the form `memory://name`")
            }
            Self::MissingPart => {
                (ErrorKind::InvalidArgument, "a part of the upload is missing: send it, then complete")
            }
            Self::UploadEnded => (ErrorKind::Conflict, "the upload was completed or aborted: start another"),
        }
    }
}

impl From<Native> for Error {
    fn from(native: Native) -> Self {
        let (kind, message) = native.describe();
        // Repeating a settled upload, or creating a queue again, gives the same answer.
        let error = Error::new(kind, Cow::Borrowed(message)).with_provider(crate::provision::NAME);
        match native {
            Native::OrderFixed | Native::UploadEnded => error.with_retryable(false),
            _ => error,
        }
    }
}
