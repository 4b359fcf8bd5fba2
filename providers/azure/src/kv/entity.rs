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

use std::io::Write as _;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use skyport_core::clock::{from_millis, rfc3339, to_millis};
use skyport_core::inline_text::InlineText;
use skyport_core::kv::port::{Key, RawItem, RawVersion};
use skyport_core::kv::stored::{integer, token_of};
use skyport_core::{Error, ErrorKind, Result};

use super::row::{Row, Value};
use super::stamp::{Etag, Stamp};
use crate::provision::NAME;

const COUNTER: &str = "c";
const WRITE: &str = "w";
pub(super) const EXPIRES: &str = "exp";
const PUT_AT: &str = "b";
const SLOTS: &str = "i";
const NAMED: &str = "g";
const MIRROR: &str = "m";
/// The rows of a note's items, one in each line.
const ITEMS: &str = "n";
pub(super) const PARTITION: &str = "PartitionKey";
pub(super) const ROW: &str = "RowKey";

/// What tells whether a condition holds.
pub(super) const STATE: &str = "PartitionKey,RowKey,Timestamp,w,exp,g";

/// Azure's largest binary property.
const PART: usize = 64 << 10;
/// The largest value: with keys and all it stays under 1 MiB, which is what Azure takes of an entity, in base64 as well, which is how Azurite
/// counts.
pub(crate) const VALUE_BYTES: usize = 11 * PART;
/// The most parts of a value that are looked at.
pub(super) const PARTS: usize = VALUE_BYTES / PART + 1;

/// The latest that the service's own signed integer can say.
const LATEST: u64 = i64::MAX as u64;

/// What an entity has as JSON beside its value, its keys and what a counter remembers.
const REST: usize = 256;

/// What is written of an item.
#[derive(Clone, Debug)]
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

/// The properties of one entity that is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// The attempt that writes it.
    pub(super) write: Option<String>,
    pub(super) content: Option<Content>,
    /// In milliseconds.
    pub(super) expires: Option<u64>,
    pub(super) put_at: Option<u64>,
    /// What a counter remembers, as JSON.
    pub(super) slots: Option<String>,
    named: Option<Etag>,
    is_mirror: bool,
    items: Option<String>,
}

impl Written {
    /// An item whose last write is `write`, put by whoever holds that for `put_at`.
    pub(super) fn item(content: Content, write: String, expires: Option<u64>, put_at: Option<u64>) -> Self {
        Self { write: Some(write), content: Some(content), expires, put_at, ..Self::default() }
    }

    /// What holds the place of an item that must not come.
    pub(super) fn placeholder() -> Self {
        Self { expires: Some(0), ..Self::default() }
    }

    /// What a check writes: the version stays what it is.
    pub(super) fn named(etag: Etag) -> Self {
        Self { named: Some(etag), ..Self::default() }
    }

    /// A mirror, whose key is all that counts.
    pub(super) fn mirror() -> Self {
        Self { is_mirror: true, ..Self::default() }
    }

    /// A note of items, whose rows these lines name.
    pub(super) fn note(items: String, expires: u64) -> Self {
        Self { items: Some(items), expires: Some(expires), ..Self::default() }
    }

    /// How long it is as JSON, or less.
    pub(super) fn length(&self) -> usize {
        let value = match &self.content {
            Some(Content::Bytes(value)) => value.len() / 3 * 4 + 64 * (value.len() / PART),
            Some(Content::Counter(_)) | None => 0,
        };
        // In the JSON of slots each quotation mark is escaped.
        let slots = self.slots.as_ref().map_or(0, |slots| 2 * slots.len());
        REST + value + slots + self.items.as_ref().map_or(0, |items| items.len() / 3 * 4)
    }

    /// Writes it as JSON, with its keys where they are given.
    pub(super) fn write_json(&self, keys: Option<(&str, &str)>, into: &mut Vec<u8>) -> std::io::Result<()> {
        let mut json = Json { into, is_first: true };
        if let Some((partition, row)) = keys {
            json.text(PARTITION, partition)?;
            json.text(ROW, row)?;
        }
        if let Some(write) = &self.write {
            json.text(WRITE, write)?;
        }
        match &self.content {
            Some(Content::Counter(number)) => json.number(COUNTER, *number)?,
            // An empty value is one, too.
            Some(Content::Bytes(value)) if value.len() <= PART => json.binary("v0", value)?,
            Some(Content::Bytes(value)) => {
                for (at, part) in value.chunks(PART).enumerate() {
                    json.binary(&format!("v{at}"), part)?;
                }
            }
            None => {}
        }
        for (name, millis) in [(EXPIRES, self.expires), (PUT_AT, self.put_at)] {
            if let Some(millis) = millis {
                json.number(name, i64::try_from(millis).unwrap_or(i64::MAX))?;
            }
        }
        if let Some(slots) = &self.slots {
            json.text(SLOTS, slots)?;
        }
        if let Some(named) = &self.named {
            json.text(NAMED, named.as_str())?;
        }
        if self.is_mirror {
            json.name(MIRROR);
            json.into.extend_from_slice(b"true");
        }
        if let Some(items) = &self.items {
            json.binary(ITEMS, items.as_bytes())?;
        }
        json.end();
        Ok(())
    }
}

/// An entity on its way into JSON.
struct Json<'j> {
    into: &'j mut Vec<u8>,
    is_first: bool,
}

impl Json<'_> {
    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.into.extend_from_slice(part.as_bytes());
        }
    }

    fn next(&mut self) {
        self.into.push(if std::mem::take(&mut self.is_first) { b'{' } else { b',' });
    }

    /// The name of the next property, none of which needs an escape.
    fn name(&mut self, name: &str) {
        self.next();
        self.put(&["\"", name, "\":"]);
    }

    /// The type of a property, where its value does not tell it.
    fn kind(&mut self, name: &str, kind: &str) {
        self.next();
        self.put(&["\"", name, "@odata.type\":\"", kind, "\""]);
    }

    fn text(&mut self, name: &str, text: &str) -> std::io::Result<()> {
        self.name(name);
        Ok(serde_json::to_writer(&mut *self.into, text)?)
    }

    fn number(&mut self, name: &str, number: i64) -> std::io::Result<()> {
        self.kind(name, "Edm.Int64");
        self.name(name);
        // As text: as a number it would be rounded beyond 2^53.
        write!(self.into, "\"{number}\"")
    }

    fn binary(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.kind(name, "Edm.Binary");
        self.name(name);
        self.into.push(b'"');
        let (begin, length) = (self.into.len(), bytes.len().div_ceil(3) * 4);
        self.into.resize(begin + length, 0);
        let place = self.into.get_mut(begin..).unwrap_or_default();
        STANDARD.encode_slice(bytes, place).map_err(std::io::Error::other)?;
        self.into.push(b'"');
        Ok(())
    }

    fn end(self) {
        if self.is_first {
            self.into.push(b'{');
        }
        self.into.push(b'}');
    }
}

/// When an item expires, as it is stored: no later than Azure's integers can say, and later than the time that marks a placeholder.
pub(super) fn stored_expiry(at: SystemTime) -> u64 {
    to_millis(at).clamp(1, LATEST)
}

/// An entity that was read, expired or not.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    pub(super) row: Row<'a>,
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

impl<'a> Stored<'a> {
    /// From the row of an item, and its etag where a header told it.
    pub(super) fn read(row: Row<'a>, header: Option<&str>) -> Result<Self> {
        let stored = Self::row(row, header)?;
        if stored.write().is_none() && stored.stamp.expires != Some(0) {
            return Err(foreign("it has no version"));
        }
        Ok(stored)
    }

    /// From any row.
    pub(super) fn row(row: Row<'a>, header: Option<&str>) -> Result<Self> {
        let timestamp = row.timestamp.text()?.ok_or_else(|| foreign("it has no time"))?;
        let written = rfc3339(timestamp).map(to_millis).ok_or_else(|| foreign("its time is none"))?;
        // Azure leaves the etag out of some answers: it is made of the time, as Azure's own clients know.
        let etag = header.or(row.etag.text()?).unwrap_or(timestamp);
        let etag = Etag::read(etag).ok_or_else(|| foreign("its etag is none"))?;
        let expires = row.expires.millis()?;
        // That it is a text is known from here on.
        row.write.text()?;
        let named = match row.named.text()? {
            Some(named) => Etag::read(named).ok_or_else(|| foreign("its version is none"))?,
            None => etag.clone(),
        };
        let stamp = Stamp { etag: named, expires };
        Ok(Self { row, etag, stamp, written, ahead: 0 })
    }

    /// What is kept when the answer is gone.
    pub(super) fn into_owned(self) -> Stored<'static> {
        let Self { row, etag, stamp, written, ahead } = self;
        Stored { row: row.into_owned(), etag, stamp, written, ahead }
    }

    /// The attempt that wrote it; `None` for a placeholder.
    pub(super) fn write(&self) -> Option<&str> {
        self.row.write.text().ok().flatten()
    }

    /// Its version, where it is an item that has not expired.
    pub(super) fn live(&self, now: u64) -> Option<RawVersion> {
        let write = self.write()?;
        self.stamp.is_live(now).then(|| self.stamp.version(write))
    }

    /// The item, unless it has expired.
    pub(super) fn item(&self, key: Key, now: u64) -> Result<Option<RawItem>> {
        let Some(version) = self.live(now) else { return Ok(None) };
        let mut item = RawItem::new(key, self.row.value()?, version);
        item.token = self.write().and_then(token_of);
        item.expires = self.stamp.expires.map(from_millis);
        Ok(Some(item))
    }
}

impl Stored<'static> {
    /// The counter that a write has left, without reading it back.
    pub(super) fn counted(sum: i64, written: Written, stamp: Stamp, now: u64) -> Self {
        let text = |text: Option<String>| text.map_or(Value::None, |text| Value::Own(InlineText::new(&text)));
        let row = Row {
            write: text(written.write),
            slots: text(written.slots),
            put_at: written
                .put_at
                .and_then(|put_at| i64::try_from(put_at).ok())
                .map_or(Value::None, Value::Number),
            counter: Value::Number(sum),
            ..Row::default()
        };
        // Azure's etags are times.
        let written = rfc3339(stamp.etag.as_str()).map_or(now, to_millis);
        let etag = stamp.etag.clone();
        Self { row, etag, stamp, written, ahead: 0 }
    }
}

pub(super) fn foreign(what: &str) -> Error {
    let text =
        format!("a row of this table was not written by Skyport ({what}): give Skyport a table of its own");
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};
    use skyport_core::Token;
    use skyport_core::kv::stored::name_attempt;

    const ETAG_HEADER: &str = "W/\"datetime'2026-11-26T19%3A20%3A08.1234567Z'\"";
    const TIMESTAMP: &str = "Timestamp";
    const TIME: &str = "2026-11-26T19:20:08.1234567Z";

    /// As Azure gives back what was written, with another property.
    fn with(written: &Written, name: &str, value: impl Into<Json>) -> Vec<u8> {
        let mut json = Vec::new();
        written.write_json(None, &mut json).expect("JSON");
        let mut properties: Map<String, Json> = serde_json::from_slice(&json).expect("an object");
        properties.insert(TIMESTAMP.to_owned(), TIME.into());
        properties.insert(name.to_owned(), value.into());
        serde_json::to_vec(&properties).expect("JSON")
    }

    /// As Azure gives back what was written at this time.
    pub(in crate::kv) fn there(written: &Written, time: &str) -> Vec<u8> {
        with(written, TIMESTAMP, time)
    }

    fn read(json: &[u8]) -> Result<Stored<'_>> {
        Stored::read(Row::read(json).expect("a row"), None)
    }

    fn counter() -> Written {
        Written::item(Content::Counter(1), "w".to_owned(), None, None)
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_the_bytes_that_it_was(value in prop_oneof![
            any::<Vec<u8>>(),
            any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            "[-+]?0{0,2}[0-9]{1,21}(\\.0|e0)? ?".prop_map(String::into_bytes),
        ], expires in proptest::option::of(1..LATEST)) {
            let (value, write) = (Bytes::from(value), name_attempt(Token::new()));
            let json = there(&Written::item(value.clone().into(), write, expires, Some(7)), TIME);
            let stored = read(&json).expect("an item");
            prop_assert_eq!(Stamp::of(&stored.live(0).expect("alive")), Some(stored.stamp.clone()));
            prop_assert_eq!(stored.row.put_at.millis().expect("a time"), Some(7));
            for stored in [stored.clone(), stored.into_owned()] {
                let item = stored.item(Key::new("p", "s"), 0).expect("an item").expect("alive");
                prop_assert_eq!(&item.value, &value);
                prop_assert_eq!(item.expires, expires.map(from_millis));
            }
        }

        #[test]
        fn whatever_is_written_is_json_and_no_shorter_than_was_reckoned(slots in any::<String>(), keys in any::<(String, String)>()) {
            let mut written = counter();
            written.slots = Some(slots.clone());
            let mut json = Vec::new();
            written.write_json(Some((&keys.0, &keys.1)), &mut json).expect("JSON");
            let properties: Map<String, Json> = serde_json::from_slice(&json).expect("an object");
            for (name, text) in [(SLOTS, &slots), (PARTITION, &keys.0), (ROW, &keys.1)] {
                prop_assert_eq!(properties[name].as_str(), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn a_large_value_lies_in_parts_that_azure_takes() {
        let value: Bytes = (0..VALUE_BYTES).map(|at| (at / 7) as u8).collect();
        let written = Written::item(value.clone().into(), "w".to_owned(), None, Some(7));
        let mut json = Vec::new();
        written.write_json(None, &mut json).expect("JSON");
        let properties: Map<String, Json> = serde_json::from_slice(&json).expect("an object");
        for part in properties.iter().filter(|(name, _)| name.len() <= 3 && name.starts_with('v')) {
            assert!(STANDARD.decode(part.1.as_str().expect("text")).expect("base64").len() <= PART);
        }
        assert!(properties.len() <= 252);
        assert!(json.len() <= written.length(), "{} of {}", json.len(), written.length());
        assert!(read(&there(&written, TIME)).expect("an item").row.value().expect("the value") == value);
    }

    #[test]
    fn the_largest_entity_stays_under_a_mebibyte_also_as_it_is_sent() {
        let value = Bytes::from(vec![0xff; VALUE_BYTES]);
        let row = Written::item(value.into(), name_attempt(Token::new()), Some(LATEST), Some(LATEST));
        let key = "x".repeat(512);
        let mut json = Vec::new();
        row.write_json(Some((&key, &key)), &mut json).expect("JSON");
        // Azure counts two bytes for each letter of a text; what a counter remembers, which is never so large, is in sixteen slots.
        let twice = 2 * 1_024 + 2 * 16 * 200;
        assert!(json.len() + twice < 1 << 20, "{}", json.len());
    }

    #[test]
    fn the_etag_is_that_of_the_header_of_the_entity_or_of_the_time() {
        let expected = Etag::read(ETAG_HEADER).expect("an etag");
        let (plain, own) = (there(&counter(), TIME), with(&counter(), "odata.etag", ETAG_HEADER));
        for (json, header) in [(&plain, Some(ETAG_HEADER)), (&own, None), (&plain, None)] {
            let row = Row::read(json).expect("a row");
            assert_eq!(Stored::read(row, header).expect("an item").etag, expected);
        }
    }

    #[test]
    fn a_check_leaves_the_version_as_it_was() {
        let before = there(&counter(), TIME);
        let before = read(&before).expect("an item");
        let mut checked = counter();
        checked.named = Written::named(before.stamp.etag.clone()).named;
        let after = there(&checked, "2027-01-01T00:00:00.0000000Z");
        let after = read(&after).expect("an item");
        assert_ne!(after.etag, before.etag);
        assert_eq!(after.live(0), before.live(0));
    }

    #[test]
    fn a_counter_that_a_write_has_left_is_what_would_be_read_back() {
        let mut written = counter();
        (written.expires, written.put_at, written.slots) = (Some(9), Some(7), Some("{\"a\":1}".to_owned()));
        let json = there(&written, TIME);
        let read = read(&json).expect("an item");
        let left = Stored::counted(1, written, read.stamp.clone(), 0);
        assert_eq!(
            (left.etag.clone(), left.written, left.live(0)),
            (read.etag.clone(), read.written, read.live(0))
        );
        assert_eq!(left.row.slots.text().expect("a text"), read.row.slots.text().expect("a text"));
        assert_eq!(left.row.put_at.millis().expect("a time"), Some(7));
        assert_eq!(left.row.value().expect("a value"), read.row.value().expect("a value"));
    }

    #[test]
    fn a_placeholder_is_absent_and_is_none_of_the_foreign_rows() {
        let json = there(&Written::placeholder(), TIME);
        let placeholder = read(&json).expect("ours");
        assert_eq!(placeholder.live(0), None);
        assert_eq!(placeholder.item(Key::new("p", ""), 0).expect("ours"), None);
    }

    #[test]
    fn what_others_wrote_is_said_to_be_theirs() {
        let deep = || Json::Array(vec![Json::Array(Vec::new()), Json::Object(Map::new())]);
        for (name, wrong) in [
            ("v0", Json::from(1)),
            ("v0", Json::Null),
            ("v1", Json::from(true)),
            ("v0", deep()),
            (WRITE, Json::from(1)),
            (WRITE, Json::Null),
            (EXPIRES, "x".into()),
            (EXPIRES, "-1".into()),
            (EXPIRES, Json::from(u64::MAX)),
            (EXPIRES, Json::from(1.5)),
            (TIMESTAMP, "never".into()),
            (TIMESTAMP, deep()),
            (NAMED, "a\nb".into()),
            ("odata.etag", Json::from(1)),
            ("odata.etag", "a b".into()),
            ("v0", "%".into()),
            ("v0", "====".into()),
            ("v0", "QQ==QQ==".into()),
        ] {
            let row = Written::item(Content::Bytes(Bytes::from_static(b"x")), "w".to_owned(), Some(9), None);
            let row = with(&row, name, wrong);
            let read = read(&row).and_then(|stored| stored.item(Key::new("p", "s"), 0));
            assert_eq!(read.expect_err(name).kind(), ErrorKind::Malformed);
        }
    }
}
