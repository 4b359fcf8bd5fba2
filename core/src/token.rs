//! Unique tokens: what tells one write, one message, one lease holder from another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 128 random bits that name one call for ever, so that a write whose answer was lost recognises itself.
///
/// Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    // Two words: a `u128` would align, and so enlarge, all that holds one.
    high: u64,
    low: u64,
}

impl Token {
    /// A new token, unlike any other.
    #[must_use]
    pub fn new() -> Self {
        // Uniqueness, not secrecy: fastrand is seeded from the system's randomness in each thread.
        Self { high: fastrand::u64(..), low: fastrand::u64(..) }
    }

    /// The token with exactly these bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// The bits, for stores that keep numbers.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.to_bits())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Token {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = if digits { u128::from_str_radix(text, 16).ok() } else { None };
        bits.map(Self::from_bits)
            .ok_or_else(|| crate::Error::new(crate::ErrorKind::Malformed, "a token is 32 hexadecimal digits"))
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
