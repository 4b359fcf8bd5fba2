//! What Google Cloud's services write, for Skyport's provider and its Cloud Run adapter: an adapter knows no provider, so what
//! both have to read is read here, once.
//!
//! - [`message`]: messages of Pub/Sub, pulled or pushed.
//! - [`storage`]: changes of a bucket's objects, by notification and by CloudEvent.
//!
//! All of it may come from anybody: sizes are bounded and nothing panics. What is not what it claims to be is `Malformed`, and
//! the error says which part of it.

pub mod message;
pub mod storage;

use skyport_core::{Error, ErrorKind};

/// Something is not what it claims to be.
fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
