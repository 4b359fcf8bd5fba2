//! The name of an object's content.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::inline_text::InlineText;

/// Names one content of an object, without quotes; opaque.
///
/// Rewriting the same bytes may keep or restore it: for a counter, a lock or a fence use a table.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Etag(InlineText<SHORT>);

/// Numbers and other short texts, which a listing makes by the thousand, need no allocation.
const SHORT: usize = 16;

impl Etag {
    /// Takes an etag as a service or an HTTP header gives it; quotes around it are dropped, a weak mark kept.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        Self(InlineText::new(bare))
    }

    /// A number in decimal digits.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        Self(InlineText::of_number(number))
    }

    /// The etag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Etag").field(&self.as_str()).finish()
    }
}

impl Serialize for Etag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Etag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_of_any_length_is_told_as_it_came() {
        for text in ["", "7", "\u{e9}", &"x".repeat(22), &"x".repeat(24), &"\u{263a}".repeat(20)] {
            let etag = Etag::new(&format!("\"{text}\""));
            assert_eq!(etag.as_str(), text);
            assert_eq!(etag, Etag::new(text));
            let json = serde_json::to_string(&etag).expect("serialises");
            assert_eq!(serde_json::from_str::<Etag>(&json).expect("comes back"), etag);
        }
        assert_ne!(Etag::new("1"), Etag::new("1\0"));
        assert_eq!(Etag::new("W/\"a\"").as_str(), "W/\"a\"");
        assert_eq!(size_of::<Etag>(), 24);
    }
}
