//! The key of a listed object.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use crate::inline_text::{InlineText, reads_as_str};

/// The key of a listed object, or the name of a listed directory. Read as a `str`; ordered by UTF-8 bytes.
///
/// A listing tells thousands: up to 40 bytes need no allocation, and clones of longer keys share one.
///
/// ```
/// use skyport_core::blob::ObjectKey;
///
/// let key = ObjectKey::from("photos/cat.jpg");
/// assert!(key.starts_with("photos/") && key == "photos/cat.jpg");
/// assert_eq!(String::from(key), "photos/cat.jpg");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey(InlineText<40>);

impl ObjectKey {
    /// A key of this text, whatever it is.
    #[must_use]
    #[inline]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(InlineText::new(text.as_ref()))
    }

    /// The key as it is.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

reads_as_str!(ObjectKey);

/// A store that keeps its keys so lists them without making them anew.
impl From<InlineText<40>> for ObjectKey {
    #[inline]
    fn from(text: InlineText<40>) -> Self {
        Self(text)
    }
}

impl Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// As a `str`, by which maps may look for it.
impl Hash for ObjectKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn keys_of_any_length_read_and_are_found_as_their_text() {
        let mut texts = ["", "a", "a/b", "\u{263a}", &"x".repeat(40), &"x".repeat(41), &"\u{e9}".repeat(512)]
            .map(str::to_owned);
        texts.sort();
        let ordered: BTreeSet<ObjectKey> = texts.iter().cloned().map(ObjectKey::from).collect();
        let hashed: HashSet<ObjectKey> = texts.iter().map(ObjectKey::new).collect();
        assert!(ordered.iter().map(ObjectKey::as_str).eq(texts.iter().map(String::as_str)));
        for text in &texts {
            assert!(ordered.contains(text.as_str()) && hashed.contains(text.as_str()));
            let json = serde_json::to_string(text).expect("serialises");
            let key: ObjectKey = serde_json::from_str(&json).expect("comes back");
            assert_eq!(
                (key.as_str(), serde_json::to_string(&key).expect("serialises")),
                (text.as_str(), json)
            );
            assert_eq!((key.to_string(), String::from(key.clone())), (text.clone(), text.clone()));
        }
    }
}
