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

/// What claims to be JSON, and is not what it should be. Where in it is told, and never what stands there: that may be as large as the
/// body, and is the sender's own.
fn no_json(what: &str, error: &serde_json::Error) -> Error {
    malformed(format!(
        "{what} is not JSON of the form it must have: see line {}, column {}",
        error.line(),
        error.column()
    ))
}

/// Whether JSON starts so: with what a list or an object starts with.
fn starts_with(json: &[u8], first: u8) -> bool {
    json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&first)
}
