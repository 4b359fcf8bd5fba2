//! Notifications of S3 buckets, by every route.
//!
//! | route | where the event stands | the key |
//! |---|---|---|
//! | direct | `Records[].s3` | a form's encoding: `+` is a space |
//! | SNS | the same, as the text `Message` of an envelope | the same |
//! | SQS | either of these, or EventBridge's, as the body | the same |
//! | EventBridge | `detail` | as it is |

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use skyport_core::Result;
use skyport_core::blob::port::Etag;
use skyport_core::clock::rfc3339;
use skyport_core::event::{BlobChange, BlobEvent};

use crate::malformed;

/// The most events of one notification that are read; S3 itself puts one into each.
const MOST: usize = 1_000;

/// The longest name of a bucket, the longest key, and the longest etag or version, in bytes.
const LONGEST: (usize, usize, usize) = (255, 1_024, 1_024);

/// What a bucket tells of one object.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub event: BlobEvent,
    /// Which version of the object it happened to, where the bucket keeps versions.
    pub version: Option<String>,
    /// One version was removed for good: whether an object still lives under the key has to be asked. A deletion is
    /// told to functions only where none does.
    pub may_live: bool,
}

/// The events of a notification that stands in a text: the body of an SQS message, or the `Message` of SNS.
///
/// `None` where the text is no notification of S3; nothing in it where there is nothing to do, as for `s3:TestEvent` and for
/// events that no function can ask for (tags, restores, replication).
///
/// # Errors
/// `Malformed` where it is one of S3 and has not the form it must have.
pub fn in_text(text: &str) -> Result<Option<Vec<Notice>>> {
    // Most messages are something else: they are not parsed for this.
    let candidate = ["s3", "S3"].iter().any(|mark| text.contains(mark));
    if !candidate || !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(None) };
    match sns_message(&value) {
        // Once only: nobody wraps an envelope into another.
        Some(message) => match serde_json::from_str::<Value>(message) {
            Ok(inner) => in_value(&inner),
            Err(_) => Ok(None),
        },
        None => in_value(&value),
    }
}

/// As [`in_text`], of an event that is parsed already, without an envelope around it.
///
/// # Errors
/// As [`in_text`].
pub fn in_value(value: &Value) -> Result<Option<Vec<Notice>>> {
    if is_test(value) {
        return Ok(Some(Vec::new()));
    }
    if value["source"] == "aws.s3" && value["detail-type"].is_string() {
        return of_eventbridge(value).map(|notice| Some(notice.into_iter().collect()));
    }
    match value["Records"].as_array() {
        Some(records) if records.first().is_some_and(|record| record["eventSource"] == "aws:s3") => {
            if records.len() > MOST {
                return Err(malformed(format!("an S3 notification has more than {MOST} records")));
            }
            let notices: Result<Vec<Option<Notice>>> = records.iter().map(of_record).collect();
            Ok(Some(notices?.into_iter().flatten().collect()))
        }
        _ => Ok(None),
    }
}

/// Whether it is what S3 sends once when a notification is set up.
#[must_use]
pub fn is_test(value: &Value) -> bool {
    value["Event"] == "s3:TestEvent"
}

/// The message in an envelope of SNS.
fn sns_message(value: &Value) -> Option<&str> {
    if value["Type"] == "Notification" { value["Message"].as_str() } else { None }
}

fn of_record(record: &Value) -> Result<Option<Notice>> {
    let name = text(&record["eventName"], "eventName", 128)?;
    let name = name.strip_prefix("s3:").unwrap_or(name);
    let (class, kind) = name.split_once(':').unwrap_or((name, ""));
    let change = match class {
        "ObjectCreated" => BlobChange::Created,
        "ObjectRemoved" | "LifecycleExpiration" => BlobChange::Deleted,
        _ => return Ok(None),
    };
    let object = &record["s3"]["object"];
    let key = decoded(text(&object["key"], "s3.object.key", LONGEST.1 * 3)?)?;
    let bucket = &record["s3"]["bucket"]["name"];
    let mut notice = notice(change, bucket, &key, &record["eventTime"], object)?;
    notice.event.etag = optional(&object["eTag"], "s3.object.eTag")?.map(Etag::new);
    notice.version = optional(&object["versionId"], "s3.object.versionId")?.map(str::to_owned);
    notice.may_live = change == BlobChange::Deleted && kind == "Delete" && notice.version.is_some();
    Ok(Some(notice))
}

fn of_eventbridge(event: &Value) -> Result<Option<Notice>> {
    let change = match event["detail-type"].as_str() {
        Some("Object Created") => BlobChange::Created,
        Some("Object Deleted") => BlobChange::Deleted,
        _ => return Ok(None),
    };
    let detail = &event["detail"];
    let object = &detail["object"];
    let key = text(&object["key"], "detail.object.key", LONGEST.1)?;
    let mut notice = notice(change, &detail["bucket"]["name"], key, &event["time"], object)?;
    notice.event.etag = optional(&object["etag"], "detail.object.etag")?.map(Etag::new);
    notice.version = optional(&object["version-id"], "detail.object.version-id")?.map(str::to_owned);
    let marked = detail["deletion-type"] == "Delete Marker Created";
    notice.may_live = change == BlobChange::Deleted && !marked && notice.version.is_some();
    Ok(Some(notice))
}

/// What both forms have alike.
fn notice(change: BlobChange, bucket: &Value, key: &str, time: &Value, object: &Value) -> Result<Notice> {
    if key.is_empty() || key.len() > LONGEST.1 {
        return Err(malformed(format!("an S3 notification's key has not 1 to {} bytes", LONGEST.1)));
    }
    let bucket = text(bucket, "the bucket's name", LONGEST.0)?;
    let time = time.as_str().and_then(rfc3339);
    let time = time.ok_or_else(|| malformed("an S3 notification's time is not one of RFC 3339"))?;
    let mut event = BlobEvent::new(change, bucket, key, time);
    // Deletions tell none.
    event.size = object["size"].as_u64();
    Ok(Notice { event, version: None, may_live: false })
}

/// A key as S3 writes it in notifications: `+` is a space, the rest percent-encoded.
fn decoded(key: &str) -> Result<Cow<'_, str>> {
    let spaced = key.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(malformed("an S3 notification's key is not UTF-8")),
    }
}

fn text<'v>(value: &'v Value, name: &str, longest: usize) -> Result<&'v str> {
    match value.as_str() {
        Some(text) if !text.is_empty() && text.len() <= longest => Ok(text),
        Some(_) => Err(malformed(format!("in an S3 notification {name} has not 1 to {longest} bytes"))),
        None => Err(malformed(format!("in an S3 notification {name} is missing, or is no text"))),
    }
}

fn optional<'v>(value: &'v Value, name: &str) -> Result<Option<&'v str>> {
    match value.as_str() {
        Some("") | None => Ok(None),
        Some(_) => text(value, name, LONGEST.2).map(Some),
    }
}

#[cfg(test)]
mod tests;
