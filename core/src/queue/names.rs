//! What names a message, and what settles a delivery of it: texts that mostly are short.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::inline_text::InlineText;

/// The provider's id of a message. Read as a `str`; up to 23 bytes need no allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(InlineText<23>);

impl MessageId {
    /// The provider's own text.
    #[must_use]
    #[inline]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(InlineText::new(text.as_ref()))
    }

    /// A number in hexadecimal digits, eight or sixteen: several times as fast as formatting it.
    #[must_use]
    #[inline]
    pub fn of_number(number: u64) -> Self {
        match ((number >> 32) as u32, number as u32) {
            (0, low) => Self(InlineText::of_digits([low])),
            (high, low) => Self(InlineText::of_digits([high, low])),
        }
    }

    /// The provider's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for MessageId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for MessageId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for MessageId {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for MessageId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.as_str().to_owned()
    }
}

impl PartialEq<str> for MessageId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for MessageId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self::new(text))
    }
}

/// What settles one delivery; opaque, serialisable, of use only to the queue that gave it. Not shown by Debug. Up to 31 bytes
/// need no allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Receipt(InlineText<31>);

impl Receipt {
    /// The provider's own text.
    #[must_use]
    #[inline]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(InlineText::new(text.as_ref()))
    }

    /// The provider's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Numbers in eight hexadecimal digits each, for a provider whose receipts are numbers: written and read several
    /// times as fast as by formatting and parsing.
    #[must_use]
    #[inline]
    pub fn of_numbers<const P: usize>(numbers: [u32; P]) -> Self {
        Self(InlineText::of_digits(numbers))
    }

    /// What [`of_numbers`](Self::of_numbers) wrote; `None` for any other text.
    #[must_use]
    #[inline]
    pub fn numbers<const P: usize>(&self) -> Option<[u32; P]> {
        self.0.digits()
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(..)")
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Receipt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_told_as_they_came_and_serialised_as_texts() {
        for text in
            ["", "7", "\u{e9}", &"x".repeat(22), &"x".repeat(24), &"\u{263a}".repeat(20), &"y".repeat(1_024)]
        {
            let (id, receipt) = (MessageId::new(text), Receipt::new(text));
            assert_eq!((&*id, receipt.as_str()), (text, text));
            let json = serde_json::to_string(text).expect("serialises");
            assert_eq!(serde_json::to_string(&id).expect("serialises"), json);
            assert_eq!(serde_json::to_string(&receipt).expect("serialises"), json);
            assert_eq!(serde_json::from_str::<MessageId>(&json).expect("comes back"), id);
            assert_eq!(serde_json::from_str::<Receipt>(&json).expect("comes back"), receipt);
        }
        assert_eq!(MessageId::of_number(0x2a), "0000002a");
        assert_eq!(MessageId::of_number(0x1_0000_002a), "000000010000002a");
        assert_eq!(Receipt::of_numbers([1, 2]).as_str(), "0000000100000002");
        assert_eq!(Receipt::new("0000000100000002").numbers(), Some([1, 2]));
        assert_eq!(format!("{:?}", Receipt::new("secret")), "Receipt(..)");
        assert_eq!((size_of::<MessageId>(), size_of::<Receipt>()), (24, 32));
    }
}
