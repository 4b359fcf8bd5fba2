//! Conditions and changes of items, in DynamoDB's expressions.

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use skyport_core::Error;
use skyport_core::kv::port::{ItemCondition, RawVersion};
use skyport_core::refusal::Refusal;

use super::item::{Attributes, number, stored_expiry, stored_value};
use crate::provision::NAME;

/// There is no item, or it has expired.
const ABSENT: &str = "attribute_not_exists(pk) OR u <= :now";
/// It has this version, and has not expired.
const SAME: &str = "w = :seen AND (attribute_not_exists(u) OR u > :now)";

/// The values that expressions of one request name.
#[derive(Debug, Default)]
pub(super) struct Values(pub(super) Attributes);

impl Values {
    pub(super) fn set(&mut self, name: &str, value: AttributeValue) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, AttributeValue::S(text.to_owned()));
    }

    pub(super) fn set_number(&mut self, name: &str, value: impl ToString) {
        self.set(name, number(value));
    }

    /// The expression for a write's condition; `None` where there is none.
    pub(super) fn condition(&mut self, condition: &ItemCondition, now: u64) -> Option<&'static str> {
        match condition {
            ItemCondition::None => return None,
            ItemCondition::IfAbsent => {}
            ItemCondition::IfVersion(seen) => self.set_text(":seen", seen.as_str()),
        }
        self.set_number(":now", now);
        Some(if *condition == ItemCondition::IfAbsent { ABSENT } else { SAME })
    }

    /// The expression that makes an item have this value, version and expiry.
    pub(super) fn put(
        &mut self,
        value: Bytes,
        version: &RawVersion,
        expires: Option<std::time::SystemTime>,
    ) -> &'static str {
        self.set(":v", stored_value(value));
        self.set_text(":w", version.as_str());
        match expires {
            Some(at) => {
                self.expire(at);
                "SET v = :v, w = :w, u = :u, exp = :exp"
            }
            None => "SET v = :v, w = :w REMOVE u, exp",
        }
    }

    /// `:u` and `:exp`.
    pub(super) fn expire(&mut self, at: std::time::SystemTime) {
        let (millis, seconds) = stored_expiry(at);
        self.set(":u", millis);
        self.set(":exp", seconds);
    }

    /// As the SDK takes it: no map where nothing is named, which DynamoDB refuses.
    pub(super) fn into_option(self) -> Option<Attributes> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// What a write whose condition does not hold is answered. DynamoDB's own error is left out: it may hold the item.
pub(super) fn refused(condition: &ItemCondition) -> Error {
    let refusal = match condition {
        ItemCondition::IfAbsent => Refusal::Exists,
        ItemCondition::None | ItemCondition::IfVersion(_) => Refusal::Changed,
    };
    Error::from(refusal).with_provider(NAME)
}
