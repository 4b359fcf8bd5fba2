//! From the wire to events.

pub(crate) mod envelope;
pub(crate) mod http;
pub(crate) mod kind;
pub(crate) mod once;
pub(crate) mod queue;
pub(crate) mod timer;

pub(crate) use envelope::Envelope;
pub(crate) use kind::Kind;

use skyport_core::{Error, ErrorKind};

/// The largest body of a call in bytes. Messages and events have far less; a request in the wrapped form may be cut by it.
pub(crate) const LARGEST_BODY: usize = 32 << 20;

/// Something is not what it claims to be.
fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
