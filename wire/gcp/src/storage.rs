//! Changes of objects in Cloud Storage, by both routes.
//!
//! | route | what happened | which object | what else |
//! |---|---|---|---|
//! | a notification of the bucket, in a message of Pub/Sub | attribute `eventType` | `bucketId`, `objectId`, `objectGeneration` | `eventTime`, `overwrittenByGeneration`; the body is the object's resource, or empty |
//! | a CloudEvent of Eventarc | its `type` | `source` and `subject`, or its data | its data is the object's resource |
//!
//! An object that is removed is told as `DELETE`, and in a bucket with versions as `ARCHIVE`. Both are also told of what is merely
//! overwritten: a notification says so (`overwrittenByGeneration`), an event does not. And a version that was no longer the live
//! one is removed as `DELETE`, too. So of neither can it be known from its text that no object remains.

use std::time::SystemTime;

use serde::Deserialize;
use skyport_core::Result;
use skyport_core::blob::port::Etag;
use skyport_core::clock::rfc3339;
use skyport_core::event::{BlobChange, BlobEvent};

use crate::malformed;
use crate::message::PubsubMessage;

/// How the types of Cloud Storage's CloudEvents begin.
const EVENT_TYPE: &str = "google.cloud.storage.object.v1.";

/// How the `source` of such an event begins; the bucket's name follows.
const SOURCE: &str = "//storage.googleapis.com/projects/_/buckets/";

/// How the `subject` of such an event begins; the object's name follows.
const SUBJECT: &str = "objects/";

/// The longest name of a bucket, and of an object, in bytes.
const LONGEST: (usize, usize) = (222, 1_024);

/// What a bucket tells of one object.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened. The etag is the generation, as it is everywhere on Cloud Storage.
    pub event: BlobEvent,
    /// Which generation of the object it happened to, where that is told.
    pub generation: Option<u64>,
    /// Whether an object still lives under the key has to be asked. A deletion is told to functions only where none does.
    pub may_live: bool,
}

/// What a message or a CloudEvent tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is none of Cloud Storage.
    Foreign,
    /// It is one, and there is nothing to do: for what no function can ask for (metadata), and where an object was
    /// overwritten, of which its creation tells already.
    Nothing,
    /// It is one.
    Notice(Box<Notice>),
}

/// A CloudEvent, as far as it concerns Cloud Storage; decoded already.
#[derive(Clone, Copy, Debug)]
pub struct StorageEvent<'e> {
    /// Its `type`.
    pub kind: &'e str,
    /// Its `source`.
    pub source: &'e str,
    /// Its `subject`.
    pub subject: Option<&'e str>,
    /// Its `time`.
    pub time: Option<SystemTime>,
    /// Its data, as JSON; empty where it has none.
    pub data: &'e [u8],
}

/// What of an object's resource counts here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    bucket: Option<String>,
    name: Option<String>,
    size: Option<Number>,
    generation: Option<Number>,
    updated: Option<String>,
    time_created: Option<String>,
    overwritten_by_generation: Option<Number>,
}

/// 64 bits are a text in JSON, as Cloud Storage writes them; some write a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

/// What a message tells of a bucket's object: pulled or pushed.
///
/// # Errors
/// `Malformed` where it is a notification of Cloud Storage and has not the form it must have.
pub fn in_message(message: &PubsubMessage) -> Result<Told> {
    let attribute = |name: &str| message.attributes.get(name).map(String::as_str);
    // A message that merely has an attribute of such a name is somebody else's.
    let (Some(kind), Some(bucket), Some(key)) =
        (attribute("eventType"), attribute("bucketId"), attribute("objectId"))
    else {
        return Ok(Told::Foreign);
    };
    let Some(kind) = kind.strip_prefix("OBJECT_") else { return Ok(Told::Foreign) };
    let deleted = match kind {
        "FINALIZE" => false,
        "DELETE" | "ARCHIVE" => true,
        _ => return Ok(Told::Nothing),
    };
    if deleted && attribute("overwrittenByGeneration").is_some_and(|by| !by.is_empty()) {
        return Ok(Told::Nothing);
    }
    // With the payload format `NONE` there is no body, and nobody tells the size.
    let object = if message.data.is_empty() { Object::default() } else { object(&message.data)? };
    let generation = match attribute("objectGeneration") {
        Some(text) => Some(number(text, "objectGeneration")?),
        None => object.generation.as_ref().map(|generation| generation.read("generation")).transpose()?,
    };
    let time = match attribute("eventTime") {
        Some(text) => time(text, "eventTime")?,
        None => message.published,
    };
    notice(deleted, bucket, key, &object, generation, time)
}

/// What a CloudEvent tells of a bucket's object.
///
/// # Errors
/// `Malformed` where it is an event of Cloud Storage and has not the form it must have.
pub fn in_event(event: &StorageEvent<'_>) -> Result<Told> {
    let Some(kind) = event.kind.strip_prefix(EVENT_TYPE) else { return Ok(Told::Foreign) };
    let deleted = match kind {
        "finalized" => false,
        "deleted" | "archived" => true,
        _ => return Ok(Told::Nothing),
    };
    let object = if event.data.is_empty() { Object::default() } else { object(event.data)? };
    if deleted && object.overwritten_by_generation.is_some() {
        return Ok(Told::Nothing);
    }
    let bucket = object.bucket.as_deref().or_else(|| event.source.strip_prefix(SOURCE));
    let bucket = bucket.ok_or_else(|| missing("the bucket's name"))?;
    let key = object.name.as_deref().or_else(|| event.subject?.strip_prefix(SUBJECT));
    let key = key.ok_or_else(|| missing("the object's name"))?;
    let generation =
        object.generation.as_ref().map(|generation| generation.read("generation")).transpose()?;
    let time = match (event.time, object.updated.as_deref().or(object.time_created.as_deref())) {
        (Some(time), _) => time,
        (None, Some(text)) => time(text, "updated")?,
        (None, None) => return Err(missing("the time")),
    };
    notice(deleted, bucket, key, &object, generation, time)
}

/// Whether a CloudEvent of this type is Cloud Storage's.
#[must_use]
pub fn is_event(kind: &str) -> bool {
    kind.starts_with(EVENT_TYPE)
}

/// What both routes have alike.
fn notice(
    deleted: bool,
    bucket: &str,
    key: &str,
    object: &Object,
    generation: Option<u64>,
    time: SystemTime,
) -> Result<Told> {
    held(bucket, "the bucket's name", LONGEST.0)?;
    held(key, "the object's name", LONGEST.1)?;
    let change = if deleted { BlobChange::Deleted } else { BlobChange::Created };
    let mut event = BlobEvent::new(change, bucket, key, time);
    if !deleted {
        // A deletion tells the size of what is gone; elsewhere it tells none.
        event.size = object.size.as_ref().map(|size| size.read("size")).transpose()?;
        event.etag = generation.map(Etag::of_number);
    }
    Ok(Told::Notice(Box::new(Notice { event, generation, may_live: deleted })))
}

fn object(data: &[u8]) -> Result<Object> {
    // Serde would take a list for a struct, too.
    let is_object = data.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let object = if is_object { serde_json::from_slice(data).ok() } else { None };
    object.ok_or_else(|| malformed("in a notification of Cloud Storage the body is no object's resource"))
}

impl Number {
    fn read(&self, name: &str) -> Result<u64> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => number(text, name),
        }
    }
}

fn number(text: &str, name: &str) -> Result<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| malformed(format!("in a notification of Cloud Storage {name} is no number")))
}

fn time(text: &str, name: &str) -> Result<SystemTime> {
    rfc3339(text)
        .ok_or_else(|| malformed(format!("in a notification of Cloud Storage {name} is no time of RFC 3339")))
}

fn held(text: &str, name: &str, longest: usize) -> Result<()> {
    if (1..=longest).contains(&text.len()) {
        return Ok(());
    }
    Err(malformed(format!("in a notification of Cloud Storage {name} has not 1 to {longest} bytes")))
}

fn missing(name: &str) -> skyport_core::Error {
    malformed(format!("in an event of Cloud Storage {name} is missing"))
}

#[cfg(test)]
mod tests;
