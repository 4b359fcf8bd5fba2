//! How an item of a table lies in Firestore, and back.
//!
//! | field | type | what |
//! |---|---|---|
//! | `k` | string | the sort key, by which Firestore orders: it compares the bytes of UTF-8 |
//! | `v` | bytes or integer | the value; an integer where it is one of 64 bits in JSON |
//! | `w` | string | the token of the write and eight digits of the attempt |
//! | `exp` | timestamp | when it expires, to the millisecond: the field of Firestore's time to live; absent for never |
//! | `i` | bytes | what a counter remembers of increments, as JSON |
//!
//! A version is `w`, the time of the write as Firestore counts it, and the expiry: with them a write with a condition is one
//! request, since the time is what Firestore itself can compare.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::clock::{from_millis, to_millis};
use skyport_core::kv::port::{Key, RawItem, RawVersion};
use skyport_core::kv::stored::{integer, is_live, token_of};
use skyport_core::{Error, ErrorKind, Result};

use crate::proto::firestore::{Document, Field, Value, ValueType, Written};
use crate::proto::known::Timestamp;
use crate::provision::NAME;

pub(crate) const SORT: &str = "k";
pub(crate) const VALUE: &str = "v";
pub(crate) const WRITE: &str = "w";
pub(crate) const EXPIRES: &str = "exp";
pub(crate) const SLOTS: &str = "i";

/// What reading an item needs of it: what a counter remembers stays where it is.
pub(super) const READ: &[&str] = &[VALUE, WRITE, EXPIRES];
/// As [`READ`], where the keys are not known.
pub(super) const READ_WITH_KEYS: &[&str] = &[SORT, VALUE, WRITE, EXPIRES];
/// What an increment needs.
pub(super) const COUNTER: &[&str] = &[VALUE, WRITE, EXPIRES, SLOTS];
/// What tells whether a condition holds.
pub(super) const STATE: &[&str] = &[WRITE, EXPIRES];
/// What a put replaces: what a counter remembers stays.
pub(super) const PUT: &[&str] = &[SORT, VALUE, WRITE, EXPIRES];
/// What an increment replaces.
pub(super) const INCREMENT: &[&str] = &[SORT, VALUE, WRITE, EXPIRES, SLOTS];

/// The longest that the times in a version are, with their dots.
const TIMES: usize = ".7fffffffffffffff.3b9ac9ff.ffffffffffffffff".len();

/// The last second that a timestamp of Google's can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The fields that an item is made of.
#[derive(Debug)]
pub(super) struct Made(Vec<Field>);

impl Made {
    pub(super) fn new(sort: &Arc<str>, value: ValueType, write: Bytes, expires: Option<u64>) -> Self {
        let mut made = Self(Vec::with_capacity(INCREMENT.len()));
        made.set(SORT, ValueType::Text(text(sort)));
        made.set(VALUE, value);
        made.set(WRITE, ValueType::Text(write));
        if let Some(millis) = expires {
            made.set(EXPIRES, ValueType::Timestamp(timestamp(millis)));
        }
        made
    }

    /// Sets a field that it has not yet.
    pub(super) fn set(&mut self, field: &'static str, value: ValueType) {
        let name = Bytes::from_static(field.as_bytes());
        self.0.push(Field { name, value: Some(Value { value_type: Some(value) }) });
    }

    /// The document of this name with these fields.
    pub(super) fn into_document(self, name: String) -> Written {
        Written { name, fields: self.0 }
    }
}

/// A shared text, without a copy of it.
fn text(text: &Arc<str>) -> Bytes {
    struct Shared(Arc<str>);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }
    Bytes::from_owner(Shared(Arc::clone(text)))
}

/// A value as it is stored.
pub(super) fn stored_value(value: Bytes) -> ValueType {
    match integer(&value) {
        Some(integer) => ValueType::Integer(integer),
        None => ValueType::Bytes(value),
    }
}

/// When an item expires, as it is stored: no later than a timestamp can say.
pub(super) fn stored_expiry(at: SystemTime) -> u64 {
    to_millis(at).min(LAST_SECOND * 1_000)
}

/// A time in milliseconds as Google writes it.
pub(crate) fn timestamp(millis: u64) -> Timestamp {
    Timestamp { seconds: (millis / 1_000) as i64, nanos: (millis % 1_000) as i32 * 1_000_000 }
}

/// Rounded up, so that a foreign time of more digits ends no item early.
fn millis(time: &Timestamp) -> Option<u64> {
    let nanos = u64::try_from(time.nanos).ok()?;
    u64::try_from(time.seconds).ok()?.checked_mul(1_000)?.checked_add(nanos.div_ceil(1_000_000))
}

/// What Firestore compares for a condition on a version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stamp {
    pub(super) update_time: Timestamp,
    /// In milliseconds.
    pub(super) expires: Option<u64>,
}

impl Stamp {
    /// The version of what the attempt `write` left.
    pub(super) fn version(&self, write: &str) -> RawVersion {
        let Timestamp { seconds, nanos } = self.update_time;
        // It is copied into the version, which has no more room than it needs.
        let mut text = String::with_capacity(write.len() + TIMES);
        text.push_str(write);
        push_hex(&mut text, seconds as u64);
        push_hex(&mut text, u64::from(nanos as u32));
        if let Some(expires) = self.expires {
            push_hex(&mut text, expires);
        }
        RawVersion::new(text)
    }

    /// From a version; `None` for one that no item has.
    pub(super) fn of(version: &RawVersion) -> Option<Self> {
        let mut parts = version.as_str().split('.').skip(1);
        let seconds = i64::from_str_radix(parts.next()?, 16).ok()?;
        let nanos =
            i32::from_str_radix(parts.next()?, 16).ok().filter(|nanos| (0..1_000_000_000).contains(nanos))?;
        let expires = parts.next().map(|digits| u64::from_str_radix(digits, 16)).transpose().ok()?;
        Some(Self { update_time: Timestamp { seconds, nanos }, expires })
    }

    /// When it was written, in milliseconds, by Firestore's clock.
    pub(super) fn millis(&self) -> u64 {
        let Timestamp { seconds, nanos } = self.update_time;
        let parts = u64::try_from(nanos).unwrap_or(0) / 1_000_000;
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000).saturating_add(parts)
    }

    pub(super) fn is_live(&self, now: u64) -> bool {
        is_live(self.expires, now)
    }
}

/// A dot, and a number in hexadecimal digits: every item that is read has a version, and formatting costs several times as much.
fn push_hex(text: &mut String, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    text.push('.');
    text.extend((0..digits).rev().map(|at| {
        let digit = (number >> (4 * at)) as u8 & 15;
        char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
    }));
}

/// A document that was read, expired or not.
#[derive(Debug)]
pub(super) struct Stored {
    fields: Vec<Field>,
    /// The attempt that wrote it.
    write: Bytes,
    pub(super) stamp: Stamp,
}

impl Stored {
    pub(super) fn read(document: Document) -> Result<Self> {
        let Document { mut fields, update_time, .. } = document;
        let write = match take(&mut fields, WRITE) {
            Some(Some(ValueType::Text(write))) if std::str::from_utf8(&write).is_ok() => write,
            _ => return Err(foreign("it has no version")),
        };
        let update_time = update_time.ok_or_else(|| foreign("it has no time"))?;
        let expires = match take(&mut fields, EXPIRES) {
            None => None,
            Some(Some(ValueType::Timestamp(time))) => {
                Some(millis(&time).ok_or_else(|| foreign("its expiry is none"))?)
            }
            Some(_) => return Err(foreign("its expiry is none")),
        };
        Ok(Self { fields, write, stamp: Stamp { update_time, expires } })
    }

    /// The attempt that wrote it.
    pub(super) fn write(&self) -> &str {
        // It was looked at when it was read.
        std::str::from_utf8(&self.write).unwrap_or_default()
    }

    pub(super) fn version(&self) -> RawVersion {
        self.stamp.version(self.write())
    }

    /// The sort key, where it was asked for.
    pub(super) fn take_sort(&mut self) -> Result<Arc<str>> {
        match take(&mut self.fields, SORT) {
            Some(Some(ValueType::Text(sort))) => {
                std::str::from_utf8(&sort).map(Arc::from).map_err(|_| foreign("its sort key is no text"))
            }
            _ => Err(foreign("it has no sort key")),
        }
    }

    pub(super) fn take_value(&mut self) -> Result<Bytes> {
        match take(&mut self.fields, VALUE) {
            Some(Some(ValueType::Bytes(bytes))) => Ok(bytes),
            Some(Some(ValueType::Integer(number))) => Ok(Bytes::from(number.to_string())),
            _ => Err(foreign("it has no value of Skyport's")),
        }
    }

    /// What a counter remembers, as JSON.
    pub(super) fn take_slots(&mut self) -> Result<Option<Bytes>> {
        match take(&mut self.fields, SLOTS) {
            None => Ok(None),
            Some(Some(ValueType::Bytes(bytes))) => Ok(Some(bytes)),
            Some(_) => Err(foreign("what it remembers of increments is none")),
        }
    }

    pub(super) fn into_item(mut self, key: Key) -> Result<RawItem> {
        let value = self.take_value()?;
        let mut item = RawItem::new(key, value, self.version());
        item.token = token_of(self.write());
        item.expires = self.stamp.expires.map(from_millis);
        Ok(item)
    }
}

/// The value of a field that is there; `None` within where it is of a type that no item has.
fn take(fields: &mut Vec<Field>, name: &str) -> Option<Option<ValueType>> {
    // Of two of one name the last one counts.
    let at = fields.iter().rposition(|field| field.name == name)?;
    Some(fields.swap_remove(at).value.and_then(|value| value.value_type))
}

pub(super) fn foreign(what: &str) -> Error {
    let text = format!(
        "an item of this table was not written by Skyport ({what}): give Skyport a collection of its own"
    );
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message;
    use skyport_core::kv::stored::name_attempt;
    use skyport_core::{Token, kv::port::TableLimits};

    fn document(value: Bytes, expires: Option<u64>) -> Document {
        let made = Made::new(&"s".into(), stored_value(value), name_attempt(Token::new()).into(), expires);
        let Written { name, fields } = made.into_document("name".to_owned());
        let update_time = Some(Timestamp { seconds: 1_795_709_526, nanos: 362_617_000 });
        Document { name: name.into(), fields, update_time }
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_the_bytes_that_it_was(value in prop_oneof![
            any::<Vec<u8>>(),
            any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            "[-+]?0{0,2}[0-9]{1,21}(\\.0|e0)? ?".prop_map(String::into_bytes),
        ], expires in proptest::option::of(0..LAST_SECOND * 1_000)) {
            let stored = Stored::read(document(Bytes::from(value.clone()), expires)).expect("an item");
            prop_assert_eq!(Stamp::of(&stored.version()), Some(stored.stamp));
            let item = stored.into_item(Key::new("p", "s")).expect("an item");
            prop_assert_eq!(&*item.value, &*value);
            prop_assert_eq!(item.expires, expires.map(from_millis));
        }
    }

    #[test]
    fn a_number_in_a_version_is_as_formatted() {
        for number in [0, 9, 10, 16, 0xfedc_ba98_7654_3210, u64::MAX] {
            let mut text = String::new();
            push_hex(&mut text, number);
            assert_eq!(text, format!(".{number:x}"));
        }
    }

    #[test]
    fn what_is_no_version_of_an_item_is_none() {
        for text in ["", "1", "0123", "a.b", "a.1.-1", "a.1.3b9aca00", "a.x.1", "a.1.1.x"] {
            assert_eq!(Stamp::of(&RawVersion::new(text)), None, "{text}");
        }
    }

    #[test]
    fn what_others_wrote_is_said_to_be_theirs() {
        for spoil in [VALUE, WRITE, EXPIRES] {
            let mut document = document(Bytes::from_static(b"\"x\""), Some(1));
            let at = document.fields.iter().position(|field| field.name == spoil).expect("a field");
            for other in [Some(ValueType::Reference("x".into())), None] {
                document.fields[at].value = Some(Value { value_type: other });
                let read = Stored::read(document.clone());
                let read = read.and_then(|stored| stored.into_item(Key::new("p", "s")));
                assert_eq!(read.expect_err(spoil).kind(), ErrorKind::Malformed);
            }
        }
    }

    #[test]
    fn a_foreign_expiry_between_two_milliseconds_ends_nothing_early() {
        assert_eq!(millis(&Timestamp { seconds: 1, nanos: 1 }), Some(1_001));
        assert_eq!(millis(&timestamp(1_999)), Some(1_999));
        assert_eq!(millis(&Timestamp { seconds: -1, nanos: 0 }), None);
    }

    #[test]
    fn the_largest_item_stays_under_a_mebibyte() {
        let limits = TableLimits::default();
        let mut document = document(Bytes::from(vec![0xff; crate::kv::VALUE_BYTES]), Some(u64::MAX >> 20));
        let sort = "\0".repeat(limits.sort_bytes);
        document.fields[0].value = Some(Value { value_type: Some(ValueType::Text(sort.into())) });
        // A name has 6 KiB at most, what a counter remembers 4; Firestore counts 32 bytes for a document, and less for a field
        // than the wire does.
        let all = document.encoded_len() + (6 << 10) + (4 << 10) + 32;
        assert!(all < 1 << 20, "{all}");
    }
}
