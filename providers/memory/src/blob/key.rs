//! Keys as the map keeps them: a short one lies in the map itself, so that a search need not follow it elsewhere.

use std::borrow::Borrow;
use std::cmp::Ordering;

const SHORT: usize = 38;

pub(super) struct Key(Form);

enum Form {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

impl Key {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(start) => {
                start.copy_from_slice(text.as_bytes());
                let len = text.len() as u8;
                Self(Form::Short { len, bytes })
            }
            None => Self(Form::Long(text.into())),
        }
    }

    pub(super) fn as_str(&self) -> &str {
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

/// By UTF-8 bytes, as listings are ordered.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_keys_are_ordered_alike() {
        let mut texts = ["a".repeat(38), "a".repeat(39), "a".repeat(37), "b".to_owned(), "é".repeat(19)];
        let mut keys: Vec<Key> = texts.iter().map(|text| Key::new(text)).collect();
        texts.sort();
        keys.sort();
        assert!(keys.iter().map(Key::as_str).eq(texts.iter().map(String::as_str)));
    }
}
