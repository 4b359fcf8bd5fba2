//! What names a message, and what settles a delivery of it: texts that mostly are short.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digits::{in_letters, of_letters, spell};
use crate::inline_text::{InlineText, reads_as_str};

/// The provider's id of a message. Read as a `str`; up to 16 bytes need no allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(InlineText<16>);

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
            (0, low) => Self(InlineText::of_words([spell(low)])),
            (high, low) => Self(InlineText::of_words([spell(high), spell(low)])),
        }
    }

    /// The provider's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

reads_as_str!(MessageId);

/// What settles one delivery; opaque, serialisable, of use only to the queue that gave it. Not shown by Debug. Up to 24 bytes
/// need no allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Receipt(InlineText<24>);

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

    /// Numbers in eight letters each, for a provider whose receipts are numbers: written and read several
    /// times as fast as by formatting and parsing.
    #[must_use]
    #[inline]
    pub fn of_numbers<const P: usize>(numbers: [u32; P]) -> Self {
        Self(InlineText::of_words(numbers.map(in_letters)))
    }

    /// What [`of_numbers`](Self::of_numbers) wrote; `None` for any other text.
    #[must_use]
    #[inline]
    pub fn numbers<const P: usize>(&self) -> Option<[u32; P]> {
        let words = self.0.words::<P>()?;
        let mut numbers = [0; P];
        for (number, word) in numbers.iter_mut().zip(words) {
            *number = of_letters(word)?;
        }
        Some(numbers)
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
        assert_eq!(Receipt::of_numbers([1, 2]).as_str(), "baaaaaaacaaaaaaa");
        assert_eq!(Receipt::new("baaaaaaacaaaaaaa").numbers(), Some([1, 2]));
        assert_eq!(format!("{:?}", Receipt::new("secret")), "Receipt(..)");
        assert_eq!((size_of::<MessageId>(), size_of::<Receipt>()), (24, 32));
    }
}
