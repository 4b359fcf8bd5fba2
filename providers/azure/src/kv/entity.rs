//! How an item of a table lies in Table Storage, and back.
//!
//! | property | type | what |
//! |---|---|---|
//! | `v0`, `v1` and on | Binary | the value, 64 KiB in each |
//! | `c` | Int64 | the value instead, where it is an integer of 64 bits in JSON |
//! | `w` | String | the token of the write and eight digits of the attempt |
//! | `exp` | Int64 | when it expires, in milliseconds; absent for never |
//! | `b` | Int64 | when it was put, in milliseconds: that forgets increments, see [`increment`](super::increment) |
//! | `i` | String | what a counter remembers of increments, as JSON |
//! | `g` | String | the etag that its version names, where a check moved Azure's since |
//!
//! A row with an `exp` of 0 and no `w` was never an item: a check found that none was there, and held its place. Mirrors have `m` alone,
//! notes of items without one `n` and `exp`, see [`plan`](super::plan) and [`notes`](super::notes).

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use skyport_core::clock::{from_millis, rfc3339, to_millis};
use skyport_core::kv::port::{Key, RawItem, RawVersion};
use skyport_core::kv::stored::{integer, token_of};
use skyport_core::{Error, ErrorKind, Result};

use super::stamp::{Etag, Stamp};
use crate::provision::NAME;

const COUNTER: &str = "c";
const WRITE: &str = "w";
pub(super) const EXPIRES: &str = "exp";
const PUT_AT: &str = "b";
const SLOTS: &str = "i";
const NAMED: &str = "g";
const ETAG: &str = "odata.etag";
pub(super) const TIMESTAMP: &str = "Timestamp";
pub(super) const PARTITION: &str = "PartitionKey";
pub(super) const ROW: &str = "RowKey";
const TYPE: &str = "@odata.type";

/// What tells whether a condition holds.
pub(super) const STATE: &str = "PartitionKey,RowKey,Timestamp,w,exp,g";

/// Azure's largest binary property.
const PART: usize = 64 << 10;
/// The largest value: with keys and all it stays under 1 MiB, which is what Azure takes of an entity, in base64 as well, which is how Azurite
/// counts.
pub(crate) const VALUE_BYTES: usize = 11 * PART;

/// The latest that the service's own signed integer can say.
const LATEST: u64 = i64::MAX as u64;

/// The properties of one entity.
pub(super) type Properties = Map<String, Value>;

/// What is written of an item.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    Counter(i64),
}

impl From<Bytes> for Content {
    fn from(value: Bytes) -> Self {
        match integer(&value) {
            Some(integer) => Self::Counter(integer),
            None => Self::Bytes(value),
        }
    }
}

/// The properties of an item whose last write is `write`, put by whoever holds that for `put_at`.
pub(super) fn made(content: &Content, write: &str, expires: Option<u64>, put_at: Option<u64>) -> Properties {
    let mut made = Properties::new();
    made.insert(WRITE.to_owned(), write.into());
    match content {
        Content::Counter(number) => set_number(&mut made, COUNTER, *number),
        // An empty value is one, too.
        Content::Bytes(value) if value.is_empty() => set_binary(&mut made, "v0", &[]),
        Content::Bytes(value) => {
            for (at, part) in value.chunks(PART).enumerate() {
                set_binary(&mut made, &format!("v{at}"), part);
            }
        }
    }
    set_millis(&mut made, EXPIRES, expires);
    set_millis(&mut made, PUT_AT, put_at);
    made
}

/// Adds what a counter remembers.
pub(super) fn set_slots(properties: &mut Properties, json: String) {
    properties.insert(SLOTS.to_owned(), json.into());
}

/// What holds the place of an item that must not come.
pub(super) fn placeholder() -> Properties {
    let mut made = Properties::new();
    set_number(&mut made, EXPIRES, 0);
    made
}

/// What a check writes: the version stays what it is.
pub(super) fn named(etag: &Etag) -> Properties {
    Properties::from_iter([(NAMED.to_owned(), etag.as_str().into())])
}

fn set_number(properties: &mut Properties, name: &str, number: i64) {
    properties.insert(format!("{name}{TYPE}"), "Edm.Int64".into());
    // As text: as a number it would be rounded beyond 2^53.
    properties.insert(name.to_owned(), number.to_string().into());
}

pub(super) fn set_millis(properties: &mut Properties, name: &str, millis: Option<u64>) {
    if let Some(millis) = millis {
        set_number(properties, name, i64::try_from(millis).unwrap_or(i64::MAX));
    }
}

pub(super) fn set_binary(properties: &mut Properties, name: &str, bytes: &[u8]) {
    properties.insert(format!("{name}{TYPE}"), "Edm.Binary".into());
    properties.insert(name.to_owned(), STANDARD.encode(bytes).into());
}

/// When an item expires, as it is stored: no later than Azure's integers can say, and later than the time that marks a placeholder.
pub(super) fn stored_expiry(at: SystemTime) -> u64 {
    to_millis(at).clamp(1, LATEST)
}

/// An entity that was read, expired or not.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    properties: Properties,
    /// The attempt that wrote it; `None` for a placeholder.
    pub(super) write: Option<String>,
    /// What Azure compares now.
    pub(super) etag: Etag,
    /// What the item's version tells.
    pub(super) stamp: Stamp,
    /// When Azure wrote it, in milliseconds, by Azure's clock.
    pub(super) written: u64,
    /// By how many milliseconds the own clock, when Azure was asked, was past what Azure's then told, which it does in whole seconds; zero where it
    /// was not, or where Azure said no time.
    pub(super) ahead: u64,
}

impl Stored {
    /// From the properties of an item, and its etag where a header told it.
    pub(super) fn read(properties: Properties, header: Option<&str>) -> Result<Self> {
        let stored = Self::row(properties, header)?;
        if stored.write.is_none() && stored.stamp.expires != Some(0) {
            return Err(foreign("it has no version"));
        }
        Ok(stored)
    }

    /// What a write has left, without reading it back.
    pub(super) fn written(properties: Properties, write: String, stamp: Stamp, now: u64) -> Self {
        // Azure's etags are times.
        let written = rfc3339(stamp.etag.as_str()).map_or(now, to_millis);
        let etag = stamp.etag.clone();
        Self { properties, write: Some(write), etag, stamp, written, ahead: 0 }
    }

    /// From the properties of any row.
    pub(super) fn row(mut properties: Properties, header: Option<&str>) -> Result<Self> {
        let timestamp = text(&mut properties, TIMESTAMP)?.ok_or_else(|| foreign("it has no time"))?;
        let written = rfc3339(&timestamp).map(to_millis).ok_or_else(|| foreign("its time is none"))?;
        let own = text(&mut properties, ETAG)?;
        // Azure leaves the etag out of some answers: it is made of the time, as Azure's own clients know.
        let etag = header.or(own.as_deref()).unwrap_or(&timestamp);
        let etag = Etag::read(etag).ok_or_else(|| foreign("its etag is none"))?;
        let expires = millis(&mut properties, EXPIRES)?;
        let write = text(&mut properties, WRITE)?;
        let named = match text(&mut properties, NAMED)? {
            Some(named) => Etag::read(&named).ok_or_else(|| foreign("its version is none"))?,
            None => etag.clone(),
        };
        let stamp = Stamp { etag: named, expires };
        Ok(Self { properties, write, etag, stamp, written, ahead: 0 })
    }

    /// Its RowKey.
    pub(super) fn take_row(&mut self) -> Result<String> {
        text(&mut self.properties, ROW)?.ok_or_else(|| foreign("it has no key"))
    }

    /// Its PartitionKey.
    pub(super) fn take_partition(&mut self) -> Result<String> {
        text(&mut self.properties, PARTITION)?.ok_or_else(|| foreign("it has no key"))
    }

    /// Its version, where it is an item that has not expired.
    pub(super) fn live(&self, now: u64) -> Option<RawVersion> {
        let write = self.write.as_deref()?;
        self.stamp.is_live(now).then(|| self.stamp.version(write))
    }

    pub(super) fn take_value(&mut self) -> Result<Bytes> {
        if let Some(number) = number(&mut self.properties, COUNTER)? {
            return Ok(Bytes::from(number.to_string()));
        }
        let mut value: Vec<u8> = Vec::new();
        for at in 0..=VALUE_BYTES / PART {
            match self.properties.remove(&format!("v{at}")) {
                Some(Value::String(part)) => STANDARD
                    .decode_vec(part, &mut value)
                    .map_err(|error| foreign("its value is no base64").with_source(error))?,
                Some(Value::Null) | None if at > 0 => break,
                _ => return Err(foreign("it has no value of Skyport's")),
            }
        }
        Ok(value.into())
    }

    /// What a counter remembers, as JSON.
    pub(super) fn take_slots(&mut self) -> Result<Option<String>> {
        text(&mut self.properties, SLOTS)
    }

    /// When it was put, by the clock of who did.
    pub(super) fn take_put_at(&mut self) -> Result<Option<u64>> {
        millis(&mut self.properties, PUT_AT)
    }

    /// The item, unless it has expired.
    pub(super) fn into_item(mut self, key: Key, now: u64) -> Result<Option<RawItem>> {
        let Some(version) = self.live(now) else { return Ok(None) };
        let value = self.take_value()?;
        let mut item = RawItem::new(key, value, version);
        item.token = self.write.as_deref().and_then(token_of);
        item.expires = self.stamp.expires.map(from_millis);
        Ok(Some(item))
    }
}

/// A text; `None` also for what was asked for and is not there.
fn text(properties: &mut Properties, name: &str) -> Result<Option<String>> {
    match properties.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(foreign("a property of it is of another type")),
    }
}

fn number(properties: &mut Properties, name: &str) -> Result<Option<i64>> {
    let wrong = || foreign("a number in it is none");
    match properties.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(digits)) => digits.parse().map(Some).map_err(|_| wrong()),
        // As others write small ones.
        Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

fn millis(properties: &mut Properties, name: &str) -> Result<Option<u64>> {
    let millis = number(properties, name)?.map(u64::try_from).transpose();
    millis.map_err(|_| foreign("a time in it is none"))
}

pub(super) fn foreign(what: &str) -> Error {
    let text =
        format!("a row of this table was not written by Skyport ({what}): give Skyport a table of its own");
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skyport_core::Token;
    use skyport_core::kv::stored::name_attempt;

    const ETAG_HEADER: &str = "W/\"datetime'2026-11-26T19%3A20%3A08.1234567Z'\"";

    /// As Azure gives back what was written.
    fn there(mut properties: Properties) -> Properties {
        properties.insert(TIMESTAMP.to_owned(), "2026-11-26T19:20:08.1234567Z".into());
        properties
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_the_bytes_that_it_was(value in prop_oneof![
            any::<Vec<u8>>(),
            any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            "[-+]?0{0,2}[0-9]{1,21}(\\.0|e0)? ?".prop_map(String::into_bytes),
        ], expires in proptest::option::of(1..LATEST)) {
            let (value, write) = (Bytes::from(value), name_attempt(Token::new()));
            let made = made(&value.clone().into(), &write, expires, Some(7));
            let stored = Stored::read(there(made), None).expect("an item");
            prop_assert_eq!(Stamp::of(&stored.live(0).expect("alive")), Some(stored.stamp.clone()));
            let item = stored.into_item(Key::new("p", "s"), 0).expect("an item").expect("alive");
            prop_assert_eq!(&item.value, &value);
            prop_assert_eq!(item.expires, expires.map(from_millis));
        }
    }

    #[test]
    fn a_large_value_lies_in_parts_that_azure_takes() {
        let value: Bytes = (0..VALUE_BYTES).map(|at| (at / 7) as u8).collect();
        let made = made(&value.clone().into(), "w", None, Some(7));
        for part in made.iter().filter(|(name, _)| name.len() <= 3 && name.starts_with('v')) {
            assert!(STANDARD.decode(part.1.as_str().expect("text")).expect("base64").len() <= PART);
        }
        assert!(made.len() <= 252);
        let mut stored = Stored::read(there(made), None).expect("an item");
        assert!(stored.take_value().expect("the value") == value);
    }

    #[test]
    fn the_largest_entity_stays_under_a_mebibyte_also_as_it_is_sent() {
        let value = Bytes::from(vec![0xff; VALUE_BYTES]);
        let mut row = made(&value.into(), &name_attempt(Token::new()), Some(LATEST), Some(LATEST));
        row.insert(PARTITION.to_owned(), "x".repeat(512).into());
        row.insert(ROW.to_owned(), "x".repeat(512).into());
        let sent = serde_json::to_vec(&row).expect("JSON").len();
        // Azure counts two bytes for each letter of a text; what a counter remembers, which is never so large, is in sixteen slots.
        let twice = 2 * 1_024 + 2 * 16 * 200;
        assert!(sent + twice < 1 << 20, "{sent}");
    }

    #[test]
    fn the_etag_is_that_of_the_header_of_the_entity_or_of_the_time() {
        let plain = || there(made(&Content::Counter(1), "w", None, None));
        let mut own = plain();
        own.insert(ETAG.to_owned(), ETAG_HEADER.into());
        let expected = Etag::read(ETAG_HEADER).expect("an etag");
        for (properties, header) in [(plain(), Some(ETAG_HEADER)), (own, None), (plain(), None)] {
            assert_eq!(Stored::read(properties, header).expect("an item").etag, expected);
        }
    }

    #[test]
    fn a_check_leaves_the_version_as_it_was() {
        let before = Stored::read(there(made(&Content::Counter(1), "w", None, None)), None).expect("an item");
        let mut checked = there(made(&Content::Counter(1), "w", None, None));
        checked.extend(named(&before.stamp.etag));
        checked.insert(TIMESTAMP.to_owned(), "2027-01-01T00:00:00.0000000Z".into());
        let after = Stored::read(checked, None).expect("an item");
        assert_ne!(after.etag, before.etag);
        assert_eq!(after.live(0), before.live(0));
    }

    #[test]
    fn a_placeholder_is_absent_and_is_none_of_the_foreign_rows() {
        let placeholder = Stored::read(there(placeholder()), None).expect("ours");
        assert_eq!(placeholder.live(0), None);
        assert_eq!(placeholder.into_item(Key::new("p", ""), 0).expect("ours"), None);
    }

    #[test]
    fn what_others_wrote_is_said_to_be_theirs() {
        for (name, wrong) in [
            ("v0", Value::from(1)),
            (WRITE, Value::from(1)),
            (WRITE, Value::Null),
            (EXPIRES, "x".into()),
            (EXPIRES, "-1".into()),
            (TIMESTAMP, "never".into()),
            (NAMED, "a\nb".into()),
            ("v0", "%".into()),
        ] {
            let mut row = there(made(&Content::Bytes(Bytes::from_static(b"x")), "w", Some(9), None));
            row.insert(name.to_owned(), wrong);
            let read = Stored::read(row, None).and_then(|stored| stored.into_item(Key::new("p", "s"), 0));
            assert_eq!(read.expect_err(name).kind(), ErrorKind::Malformed);
        }
    }
}
