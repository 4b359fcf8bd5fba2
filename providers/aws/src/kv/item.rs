//! How an item of a table lies in DynamoDB, and back.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `pk` | S | the partition |
//! | `sk` | S | `=` and the sort key: DynamoDB takes no empty one |
//! | `v` | B or N | the value; N where it is an integer of 64 bits in JSON, so that DynamoDB can add to it |
//! | `w` | S | the version: the token of the write and eight digits of the attempt |
//! | `u` | N | when it expires, in milliseconds; absent for never |
//! | `exp` | N | the same in seconds, rounded up: DynamoDB's time to live |
//! | `b` | N | when a batch put it last: that forgets increments, see [`increment`](super::increment) |
//! | `t0` .. `rf` | S, N, N | sixteen slots of increments: `t` version, `m` milliseconds, `r` result |

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use skyport_core::clock::{from_millis, to_millis};
use skyport_core::kv::port::{Key, RawItem, RawVersion};
use skyport_core::kv::stored::{integer, name_attempt, token_of};
use skyport_core::{Error, ErrorKind, Result, Token};

use crate::provision::NAME;

pub(crate) const PARTITION: &str = "pk";
pub(crate) const SORT: &str = "sk";
pub(super) const VALUE: &str = "v";
pub(super) const VERSION: &str = "w";
pub(super) const EXPIRES: &str = "u";
pub(crate) const EXPIRES_SECONDS: &str = "exp";
pub(super) const BATCHED: &str = "b";

/// What reading an item needs of it: the slots of a counter stay where they are.
pub(super) const READ: &str = "v, w, u";
/// As [`READ`], where the keys are not known.
pub(super) const READ_WITH_KEYS: &str = "pk, sk, v, w, u";
/// As [`READ`], where the partition is known.
pub(super) const READ_WITH_SORT: &str = "sk, v, w, u";

/// Before every sort key.
pub(super) const MARK: char = '=';

/// The attributes of one item.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// A sort key as it is stored; the order of UTF-8 stays, since all begin alike.
pub(super) fn stored_sort(sort: &str) -> String {
    let mut stored = String::with_capacity(MARK.len_utf8() + sort.len());
    stored.push(MARK);
    stored.push_str(sort);
    stored
}

/// The attributes of a key.
pub(super) fn key_attributes(key: &Key) -> Attributes {
    Attributes::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition.to_string())),
        (SORT.to_owned(), AttributeValue::S(stored_sort(&key.sort))),
    ])
}

/// The key that these attributes hold.
pub(super) fn key_of(attributes: &Attributes) -> Result<Key> {
    let partition = attributes.get(PARTITION).and_then(|value| value.as_s().ok());
    key_in(&Arc::from(partition.ok_or_else(no_key)?.as_str()), attributes)
}

/// The key in this partition that these attributes hold.
pub(super) fn key_in(partition: &Arc<str>, attributes: &Attributes) -> Result<Key> {
    let sort = attributes.get(SORT).and_then(|value| value.as_s().ok());
    let sort = sort.and_then(|sort| sort.strip_prefix(MARK)).ok_or_else(no_key)?;
    Ok(Key::new(Arc::clone(partition), sort))
}

fn no_key() -> Error {
    foreign("its key is none of Skyport's")
}

pub(super) fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A value as it is stored.
pub(super) fn stored_value(value: Bytes) -> AttributeValue {
    match integer(&value) {
        Some(integer) => number(integer),
        None => AttributeValue::B(Blob::new(Vec::from(value))),
    }
}

/// When an item expires, as its two attributes hold it: milliseconds, and seconds rounded up.
pub(super) fn stored_expiry(at: SystemTime) -> (AttributeValue, AttributeValue) {
    let millis = to_millis(at);
    (number(millis), number(millis.div_ceil(1_000)))
}

/// A version that no attempt of any write has given before: a write that is applied, undone by others and repeated
/// gives another one.
pub(super) fn new_version(token: Token) -> RawVersion {
    RawVersion::new(name_attempt(token))
}

/// An item that was read, expired or not.
pub(super) fn read(key: Key, mut attributes: Attributes) -> Result<RawItem> {
    let value = match attributes.remove(VALUE) {
        Some(AttributeValue::B(bytes)) => Bytes::from(bytes.into_inner()),
        Some(AttributeValue::N(digits)) => Bytes::from(digits),
        _ => return Err(foreign("it has no value of Skyport's")),
    };
    let Some(AttributeValue::S(version)) = attributes.remove(VERSION) else {
        return Err(foreign("it has no version"));
    };
    let token = token_of(&version);
    let mut item = RawItem::new(key, value, RawVersion::new(version));
    item.token = token;
    item.expires = expiry(&attributes)?.map(from_millis);
    Ok(item)
}

/// When an item expires, in milliseconds.
pub(super) fn expiry(attributes: &Attributes) -> Result<Option<u64>> {
    millis(attributes, EXPIRES)
}

/// A time that an item holds.
pub(super) fn millis(attributes: &Attributes, name: &str) -> Result<Option<u64>> {
    match attributes.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(digits)) => match digits.parse() {
            Ok(millis) => Ok(Some(millis)),
            Err(_) => Err(foreign("a time in it is none")),
        },
        Some(_) => Err(foreign("a time in it is none")),
    }
}

pub(super) fn foreign(what: &str) -> Error {
    let text =
        format!("an item of this table was not written by Skyport ({what}): give Skyport a table of its own");
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stored_keys_come_back_and_keep_the_order_of_their_utf8(a in any::<String>(), b in any::<String>()) {
            let (stored_a, stored_b) = (stored_sort(&a), stored_sort(&b));
            prop_assert_eq!(stored_a.as_bytes().cmp(stored_b.as_bytes()), a.as_bytes().cmp(b.as_bytes()));
            let key = Key::new(a.as_str(), b.as_str());
            prop_assert_eq!(key_of(&key_attributes(&key)).expect("a key"), key);
        }

        #[test]
        fn every_value_comes_back_as_the_bytes_that_it_was(value in prop_oneof![
            any::<Vec<u8>>(),
            any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            "[-+]?0{0,2}[0-9]{1,21}(\\.0|e0)? ?".prop_map(String::into_bytes),
        ]) {
            let version = AttributeValue::S("x".to_owned());
            let stored = stored_value(Bytes::from(value.clone()));
            let attributes = Attributes::from([(VALUE.to_owned(), stored), (VERSION.to_owned(), version)]);
            let item = read(Key::new("p", ""), attributes).expect("an item");
            prop_assert_eq!(&*item.value, &*value);
        }
    }

    #[test]
    fn only_digits_that_come_back_the_same_are_stored_as_a_number() {
        for text in ["0", "-1", "42", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(stored_value(Bytes::from(text)), AttributeValue::N(text.to_owned()));
        }
        for text in
            ["", "-", "-0", "+1", "007", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "\"1\"", "٣"]
        {
            assert!(stored_value(Bytes::from(text)).is_b(), "{text}");
        }
    }

    #[test]
    fn an_expiry_is_rounded_up_to_the_second_at_which_dynamodb_may_delete() {
        let (millis, seconds) = stored_expiry(from_millis(1_001));
        assert_eq!((millis, seconds), (number(1_001), number(2)));
    }

    #[test]
    fn the_largest_item_stays_under_400_kilobytes() {
        let limits = skyport_core::kv::port::TableLimits::default();
        let keys = PARTITION.len() + limits.partition_bytes + SORT.len() + 1 + limits.sort_bytes;
        let names = [VALUE, VERSION, EXPIRES, EXPIRES_SECONDS, BATCHED].map(str::len).iter().sum::<usize>();
        // A number takes at most 21 bytes, a version 40.
        let slots = 16 * (3 * 2 + 40 + 2 * 21);
        let all = keys + limits.value_bytes + names + 40 + 3 * 21 + slots;
        assert!(all < 400 * 1_000, "{all}");
    }
}
