//! The name of an object's content.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names one content of an object, without quotes; opaque.
///
/// Rewriting the same bytes may keep or restore it: for a counter, a lock or a fence use a table.
#[derive(Clone)]
pub struct Etag(Form);

/// Numbers and other short texts, which a listing makes by the thousand, need no allocation.
const SHORT: usize = 22;

#[derive(Clone)]
enum Form {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

impl Etag {
    /// Takes an etag as a service or an HTTP header gives it; quotes around it are dropped, a weak mark kept.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..bare.len()) {
            Some(start) => {
                start.copy_from_slice(bare.as_bytes());
                let len = bare.len() as u8;
                Self(Form::Short { len, bytes })
            }
            None => Self(Form::Long(bare.into())),
        }
    }

    /// The etag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was copied from a text, whole: it is one.
            Form::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Form::Long(text) => text,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Form::Long(text) => text.as_bytes(),
        }
    }
}

impl PartialEq for Etag {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Etag {}

impl Hash for Etag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
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
        for text in ["", "7", "\u{e9}", &"x".repeat(22), &"x".repeat(23), &"\u{263a}".repeat(20)] {
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
