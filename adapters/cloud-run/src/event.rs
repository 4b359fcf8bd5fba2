//! From the wire to events.

pub(crate) mod cloud;
pub(crate) mod kind;
pub(crate) mod push;
pub(crate) mod schedule;
pub(crate) mod trace;

pub(crate) use kind::Kind;

use skyport_core::{Error, ErrorKind};

/// The largest body of an event in bytes; Cloud Run itself takes no more over HTTP/1.
pub(crate) const LARGEST_BODY: usize = 32 << 20;

/// Something is not what it claims to be.
fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
