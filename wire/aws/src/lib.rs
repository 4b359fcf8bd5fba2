//! What AWS's services write, for Skyport's provider and its Lambda adapter: an adapter knows no provider, so what both have to
//! read is read here, once.
//!
//! - [`s3`]: notifications of buckets, by every route: direct, through SNS, through SQS, through EventBridge.
//! - [`sqs`]: messages, received or handed over by an event source mapping.
//! - [`xray`]: the trace header of X-Ray.
//!
//! All of it may come from anybody: sizes are bounded and nothing panics. What is not what it claims to be is `Malformed`, and
//! the error says which part of it.

pub mod s3;
pub mod sqs;
pub mod xray;

use skyport_core::{Error, ErrorKind};

/// Something is not what it claims to be.
fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
