//! CloudEvents 1.0: in headers and a body (binary), as JSON (structured), and several of these (batch).

mod binary;
mod structured;

pub(crate) use binary::{binary, kind};
pub(crate) use structured::{batch, structured};

use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::clock::rfc3339;
use skyport_core::{Error, Result};

use super::malformed;

/// The only version whose events are read; the revisions of 1.0 keep it.
const VERSION: &str = "1.0";

/// The longest value of an attribute in bytes.
const LONGEST: usize = 4_096;

/// A CloudEvent, as far as it counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CloudEvent {
    pub(crate) id: String,
    pub(crate) source: String,
    /// Its `type`.
    pub(crate) kind: String,
    pub(crate) subject: Option<String>,
    pub(crate) time: Option<SystemTime>,
    /// The trace that it belongs to: the extension of distributed tracing.
    pub(crate) traceparent: Option<String>,
    /// Its data as it would be the body of a request; empty where it has none.
    pub(crate) data: Bytes,
}

/// The event whose attributes these are, by their names; each is there once, or not at all.
///
/// # Errors
/// `Malformed` where a required one is missing, or one has not the form it must have.
fn event(attribute: impl Fn(&str) -> Result<Option<String>>, data: Bytes) -> Result<CloudEvent> {
    let attribute = |name: &str| match attribute(name)? {
        Some(value) => held(name, value).map(Some),
        None => Ok(None),
    };
    let required = |name: &str| {
        attribute(name)?.ok_or_else(|| malformed(format!("the CloudEvent has no attribute `{name}`")))
    };
    let version = required("specversion")?;
    if version != VERSION {
        let version = version.escape_debug();
        return Err(malformed(format!("the CloudEvent is of version `{version}`: send it as {VERSION}")));
    }
    let time = attribute("time")?.map(|time| {
        rfc3339(&time).ok_or_else(|| malformed("the CloudEvent's attribute `time` is no time of RFC 3339"))
    });
    Ok(CloudEvent {
        id: required("id")?,
        source: required("source")?,
        kind: required("type")?,
        subject: attribute("subject")?,
        time: time.transpose()?,
        traceparent: attribute("traceparent")?,
        data,
    })
}

/// A value as the specification has it: not empty, without control characters, and not longer than anybody needs.
fn held(name: &str, value: String) -> Result<String> {
    let what = if value.is_empty() {
        "is empty"
    } else if value.len() > LONGEST {
        "is too long"
    } else if value.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(value);
    };
    Err(malformed(format!("the CloudEvent's attribute `{name}` {what}")))
}

fn no_data(error: impl std::fmt::Display) -> Error {
    malformed(format!("the CloudEvent's data cannot be read: {error}"))
}
