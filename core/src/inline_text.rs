//! Text that lies in place where it is short, so that making, copying and comparing it follows no pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A text of which up to `N` bytes (at most 255) need no allocation. Ordered by UTF-8 bytes.
#[derive(Clone)]
pub struct InlineText<const N: usize>(Form<N>);

#[derive(Clone)]
enum Form<const N: usize> {
    Short { len: u8, bytes: [u8; N] },
    Long(Arc<str>),
}

impl<const N: usize> InlineText<N> {
    /// A copy of the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(len)) => {
                start.copy_from_slice(text.as_bytes());
                Self(Form::Short { len, bytes })
            }
            _ => Self(Form::Long(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was copied from a text, whole: it is one.
            Form::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Form::Long(text) => text,
        }
    }

    /// The text's bytes: to compare them, nobody need look whether they are UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Form::Long(text) => text.as_bytes(),
        }
    }
}

impl<const N: usize> Borrow<[u8]> for InlineText<N> {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<const N: usize> PartialEq for InlineText<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for InlineText<N> {}

impl<const N: usize> PartialOrd for InlineText<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for InlineText<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> Hash for InlineText<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl<const N: usize> fmt::Debug for InlineText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_texts_are_ordered_alike() {
        let mut texts =
            ["a".repeat(38), "a".repeat(39), "a".repeat(37), "b".to_owned(), "é".repeat(19), String::new()];
        let mut inline: Vec<InlineText<38>> = texts.iter().map(|text| InlineText::new(text)).collect();
        texts.sort();
        inline.sort();
        assert!(inline.iter().map(InlineText::as_str).eq(texts.iter().map(String::as_str)));
        let long = "x".repeat(300);
        assert_eq!(InlineText::<1_000>::new(&long).as_str(), long);
    }
}
