//! The version of an item as its provider writes it.

use crate::inline_text::{InlineText, reads_as_str};

/// The version of an item, as the provider writes it: never reused for its key, not after delete and re-creation either. Read as a
/// `str`; up to 40 bytes need no allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawVersion(InlineText<40>);

impl RawVersion {
    /// The provider's own text.
    #[must_use]
    #[inline]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(InlineText::new(text.as_ref()))
    }

    /// A number in decimal digits.
    #[must_use]
    #[inline]
    pub fn of_number(number: u64) -> Self {
        Self(InlineText::of_number(number))
    }

    /// A number in hexadecimal digits.
    #[must_use]
    #[inline]
    pub fn of_hex(number: u64) -> Self {
        Self(InlineText::of_hex(number))
    }

    /// The provider's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

reads_as_str!(RawVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_as_its_text_whatever_its_length() {
        for version in [
            RawVersion::of_number(u64::MAX),
            RawVersion::of_hex(u64::MAX),
            RawVersion::new("7"),
            RawVersion::new("x".repeat(40)),
        ] {
            let json = serde_json::to_string(&version).expect("serialises");
            assert_eq!(json, format!("\"{version}\""));
            assert_eq!(serde_json::from_str::<RawVersion>(&json).expect("comes back"), version);
        }
    }
}
