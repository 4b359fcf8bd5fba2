//! The version of an item, bound to the item's key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::port::{Key, RawVersion};
use crate::{Error, ErrorKind, Result};

/// Names one state of one item, for a later condition: never reused for its key, not after delete and re-creation either.
///
/// Opaque: compare versions for equality only. It can be serialised, and written as text (in an HTTP `ETag`, say), and knows its
/// key: used with another one it is refused.
#[derive(Clone)]
pub struct Version {
    owner: Owner,
    raw: RawVersion,
}

/// Whose version it is. Most are used in the program that read them, and never written: a key is not hashed before it must be.
#[derive(Clone)]
enum Owner {
    Key(Key),
    Fingerprint(u64),
}

impl Owner {
    fn fingerprint(&self) -> u64 {
        match self {
            Self::Key(key) => fingerprint([&*key.partition, &*key.sort]),
            Self::Fingerprint(known) => *known,
        }
    }
}

const KEY_DIGITS: usize = 16;
/// No provider's version comes near; what arrives from outside is held to it.
const LONGEST: usize = 1_024;

impl Version {
    pub(super) fn new(key: Key, raw: RawVersion) -> Self {
        Self { owner: Owner::Key(key), raw }
    }

    /// The provider's version, where this one belongs to `key`.
    pub(super) fn of(&self, key: &Key) -> Result<RawVersion> {
        let is_of_key = match &self.owner {
            Owner::Key(own) => own == key,
            Owner::Fingerprint(known) => *known == fingerprint([&*key.partition, &*key.sort]),
        };
        if is_of_key {
            return Ok(self.raw.clone());
        }
        Err(Error::invalid(
            "the version belongs to another key: use the one that was read or written with this key",
        ))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
            && match (&self.owner, &other.owner) {
                (Owner::Key(own), Owner::Key(other)) => own == other,
                (own, other) => own.fingerprint() == other.fingerprint(),
            }
    }
}

impl Eq for Version {}

/// By the provider's version alone: a key and its fingerprint are to be the same.
impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

/// The same on every machine and for ever: versions and tokens are stored and travel.
pub(super) fn fingerprint<'t>(texts: impl IntoIterator<Item = &'t str>) -> u64 {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_be_bytes(first)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.owner.fingerprint(), self.raw.as_str())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (key, raw) = text.split_at_checked(KEY_DIGITS)?;
            let valid = key.bytes().all(|b| b.is_ascii_hexdigit()) && !raw.is_empty() && raw.len() <= LONGEST;
            let key = u64::from_str_radix(key, 16).ok().filter(|_| valid)?;
            Some(Self { owner: Owner::Fingerprint(key), raw: RawVersion::new(raw) })
        };
        parse().ok_or_else(|| Error::new(ErrorKind::Malformed, "this is no version of an item"))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_version_comes_back_from_text_and_knows_its_key() {
        let key = Key::new("p", "s");
        let version = Version::new(key.clone(), RawVersion::new("42"));
        let json = serde_json::to_string(&version).expect("serialises");
        let back: Version = serde_json::from_str(&json).expect("comes back");
        assert_eq!(back, version);
        assert_eq!(HashSet::from([back.clone(), version]).len(), 1);
        assert_ne!(back, Version::new(Key::new("p", "t"), RawVersion::new("42")));
        assert_eq!(back.of(&key).expect("its key").as_str(), "42");
        for other in [Key::new("ps", ""), Key::new("p", "t")] {
            for version in [&back, &Version::new(key.clone(), RawVersion::new("42"))] {
                let error = version.of(&other).expect_err("another key");
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            }
        }
    }

    #[test]
    fn text_that_is_no_version_is_malformed() {
        let long = format!("0123456789abcdef{}", "x".repeat(LONGEST + 1));
        for text in ["", "42", "0123456789abcdef", "+123456789abcdef7", "0123456789abcdeé7", &long] {
            let error = text.parse::<Version>().expect_err("no version");
            assert_eq!(error.kind(), ErrorKind::Malformed, "{text}");
        }
    }
}
