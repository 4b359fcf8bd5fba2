//! Changes of blobs, as Event Grid tells of them: in its own schema, or in that of CloudEvents.
//!
//! | | Event Grid's schema | CloudEvents |
//! |---|---|---|
//! | what happened | `eventType` | `type` |
//! | whose | `topic` | `source` |
//! | which blob | `subject`, `data.url` | the same |
//! | when | `eventTime` | `time` |
//! | size, etag | `data.contentLength`, `data.eTag` | the same |
//!
//! `topic` and `source` are the path of the storage account: `/subscriptions/../storageAccounts/<account>`. The subject is
//! `/blobServices/default/containers/<container>/blobs/<name>`. Directories of a hierarchical namespace have events of their own, which are
//! passed over; so is what no function can ask for: another tier, a rename, an inventory.
//!
//! A function is handed them as JSON. Into a queue of Queue Storage Event Grid writes one event a message, in base64; in earlier years it wrote
//! the JSON itself. Both are read.
//!
//! Events come at least once and in no order, and a version or a snapshot is deleted as a blob is. So of no deletion can it be known
//! from its text that no blob remains.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;
use skyport_core::blob::port::{BlobInfo, Etag};
use skyport_core::clock::rfc3339;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::{Error, ErrorKind, Result};

/// How the types of Blob Storage's events begin.
const EVENT_TYPE: &str = "Microsoft.Storage.";

/// The most events of one delivery, as Event Grid has it.
const MOST: usize = 5_000;

/// The longest name of a container, and of a blob: its 1,024 characters in UTF-8.
const LONGEST: (usize, usize) = (63, 4_096);

/// The longest of all other texts in bytes: a URL with such a name has three for each of its bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// What a storage account tells of one blob.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened. The bucket is the container.
    pub event: BlobEvent,
    /// The storage account, where it is told.
    pub account: Option<String>,
    /// Whether a blob still lives under the name has to be asked. A deletion is told to functions only where none does.
    pub may_live: bool,
}

impl Notice {
    /// Whether it is of this bucket. A subscription without a filter brings all of an account's, and one of another account's may deliver to the same place.
    /// The account is compared where the bucket's endpoint is Azure's own, whose host says which it is.
    #[must_use]
    pub fn is_of(&self, bucket: &BlobInfo) -> bool {
        let elsewhere = match (&self.account, account_of(bucket)) {
            (Some(its), Some(ours)) => !its.eq_ignore_ascii_case(ours),
            _ => false,
        };
        if self.event.bucket == bucket.resource && !elsewhere {
            return true;
        }
        tracing::warn!(
            container = self.event.bucket,
            account = self.account,
            "an event of another container was passed over: give the subscription a filter on its subject"
        );
        false
    }
}

/// The storage account of a bucket, where its endpoint is Azure's own: `https://<account>.blob.core.windows.net`.
fn account_of(bucket: &BlobInfo) -> Option<&str> {
    let (_, host) = bucket.account.split_once("://")?;
    host.split_once(".blob.core.").map(|(account, _)| account)
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is none of Blob Storage.
    Foreign,
    /// It is one, and there is nothing to do.
    Nothing,
    /// It is one.
    Notice(Box<Notice>),
}

/// An event in either schema, as far as it counts here. Texts that are of another form are as good as missing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event<'e> {
    #[serde(borrow)]
    event_type: Option<&'e RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    topic: Option<&'e RawValue>,
    #[serde(borrow)]
    source: Option<&'e RawValue>,
    #[serde(borrow)]
    subject: Option<&'e RawValue>,
    #[serde(borrow)]
    event_time: Option<&'e RawValue>,
    #[serde(borrow)]
    time: Option<&'e RawValue>,
    #[serde(borrow)]
    data: Option<&'e RawValue>,
}

/// What of an event's data counts here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data<'e> {
    #[serde(borrow)]
    url: Option<&'e RawValue>,
    #[serde(borrow)]
    content_length: Option<&'e RawValue>,
    #[serde(borrow, rename = "eTag")]
    etag: Option<&'e RawValue>,
}

/// The events in the text of a message of Queue Storage: as [`in_text`], or that in base64.
///
/// # Errors
/// `Malformed` as [`in_text`], where one of them is, and where it is neither.
pub fn in_message(text: &str) -> Result<Vec<Told>> {
    let text = text.trim_start();
    if text.starts_with(['{', '[']) {
        return in_text(text)?.into_iter().collect();
    }
    let decoded = STANDARD.decode(text.trim_end()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let events = in_text(&decoded.ok_or_else(|| malformed("the message is no event of Event Grid"))?)?;
    events.into_iter().collect()
}

/// The events in a text: one, or a list of them. One that is Blob Storage's and has not the form it must have is `Malformed`, and the others
/// are what they are.
///
/// # Errors
/// `Malformed` where it is no JSON of events.
pub fn in_text(text: &str) -> Result<Vec<Result<Told>>> {
    let no_events = || malformed("the text is no event of Event Grid");
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Ok(vec![of_event(serde_json::from_str(text).map_err(|_| no_events())?)]),
        Some(b'[') => {
            let events: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| no_events())?;
            if events.len() > MOST {
                return Err(malformed(format!("there are more than {MOST} events in one delivery")));
            }
            // Serde would take a list for a struct, too.
            let event = |raw: &RawValue| match raw.get().starts_with('{') {
                true => of_event(serde_json::from_str(raw.get()).map_err(|_| no_events())?),
                false => Err(no_events()),
            };
            Ok(events.into_iter().map(event).collect())
        }
        _ => Err(no_events()),
    }
}

fn of_event(event: Event<'_>) -> Result<Told> {
    let kind = string(event.event_type).or_else(|| string(event.kind)).unwrap_or_default();
    let Some(kind) = kind.strip_prefix(EVENT_TYPE) else { return Ok(Told::Foreign) };
    let change = match kind {
        "BlobCreated" => BlobChange::Created,
        "BlobDeleted" => BlobChange::Deleted,
        _ => return Ok(Told::Nothing),
    };
    let data = event.data.map(RawValue::get).filter(|data| data.starts_with('{'));
    let data: Data<'_> = match data {
        Some(data) => serde_json::from_str(data).map_err(|_| malformed("an event's data cannot be read"))?,
        None => Data::default(),
    };
    let subject = string(event.subject).ok_or_else(|| missing("the subject"))?;
    let url = string(data.url);
    let (container, name) = blob(&subject, url.as_deref())?;
    let time = string(event.event_time).or_else(|| string(event.time)).ok_or_else(|| missing("the time"))?;
    let time = rfc3339(&time).ok_or_else(|| malformed("an event's time is no time of RFC 3339"))?;
    let deleted = change == BlobChange::Deleted;
    let mut told = BlobEvent::new(change, container, name, time);
    if !deleted {
        told.size = size(data.content_length)?;
        told.etag = string(data.etag).map(|etag| Etag::new(etag.trim_matches('"')));
    }
    let whose = string(event.topic).or_else(|| string(event.source));
    let account = whose.as_deref().and_then(account).map(str::to_owned);
    Ok(Told::Notice(Box::new(Notice { event: told, account, may_live: deleted })))
}

/// The container and the name of a blob.
///
/// The name stands in the subject as it is, and so it does in the URL, or encoded as a URL is. Where the two differ by that, the decoded
/// one is the name, whichever it is; where they do not, the subject's is, and a percent sign in it is a percent sign.
fn blob<'s>(subject: &'s str, url: Option<&str>) -> Result<(&'s str, String)> {
    let rest = subject.strip_prefix('/').unwrap_or(subject);
    let named =
        rest.strip_prefix("blobServices/default/containers/").and_then(|rest| rest.split_once("/blobs/"));
    let (container, name) = named.ok_or_else(|| malformed("an event's subject names no blob"))?;
    let is_container = (1..=LONGEST.0).contains(&container.len())
        && container.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'$');
    if !is_container {
        return Err(malformed("an event's subject names no container"));
    }
    let in_url = url.and_then(|url| in_url(url, container));
    let decoded = percent_decode_str(name).decode_utf8().ok().filter(|decoded| decoded != name);
    let name = match (in_url, decoded) {
        (Some(in_url), Some(decoded)) if decoded == in_url => decoded,
        _ => Cow::Borrowed(name),
    };
    if !(1..=LONGEST.1).contains(&name.len()) {
        return Err(malformed(format!("the name of an event's blob has not 1 to {} bytes", LONGEST.1)));
    }
    Ok((container, name.into_owned()))
}

/// What stands in a URL where the blob's name does: behind the container, which may have an account before it.
fn in_url<'u>(url: &'u str, container: &str) -> Option<&'u str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let (first, rest) = path.split_once('/')?;
    if first == container {
        return Some(rest);
    }
    rest.split_once('/').filter(|(second, _)| *second == container).map(|(_, name)| name)
}

/// The storage account in the path of a topic.
fn account(topic: &str) -> Option<&str> {
    let (_, account) = topic.rsplit_once("/storageAccounts/")?;
    let fits = (1..=24).contains(&account.len())
        && account.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then_some(account)
}

fn size(raw: Option<&RawValue>) -> Result<Option<u64>> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(None) };
    let size = raw.trim_matches('"').parse();
    size.map(Some).map_err(|_| malformed("an event's contentLength is no number"))
}

/// The text that a value is.
fn string(raw: Option<&RawValue>) -> Option<String> {
    let json = raw.map(RawValue::get).filter(|json| json.len() <= LONGEST_TEXT * 6)?;
    serde_json::from_str::<String>(json).ok().filter(|text| (1..=LONGEST_TEXT).contains(&text.len()))
}

fn missing(what: &str) -> Error {
    malformed(format!("in an event of Blob Storage {what} is missing"))
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

#[cfg(test)]
mod tests;
