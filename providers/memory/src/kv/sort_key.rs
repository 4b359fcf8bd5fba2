//! A sort key as the map keeps it: its first bytes lie in the map itself, so that a search need not follow each key elsewhere.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// How many bytes lie in place, as two words that compare as their bytes do.
const HEAD: usize = 16;

/// A sort key, ordered by its UTF-8 bytes.
#[derive(Clone)]
pub(super) struct SortKey {
    head: [u64; 2],
    text: Arc<str>,
}

impl SortKey {
    #[inline]
    pub(super) fn new(text: Arc<str>) -> Self {
        let mut bytes = [0; HEAD];
        bytes.iter_mut().zip(text.as_bytes()).for_each(|(place, byte)| *place = *byte);
        let bits = u128::from_be_bytes(bytes);
        Self { head: [(bits >> 64) as u64, bits as u64], text }
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }
}

impl Ord for SortKey {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| {
            // Behind a shorter text are zeros: where both are whole, only one that is longer by such differs.
            match self.text.len().max(other.text.len()) <= HEAD {
                true => self.text.len().cmp(&other.text.len()),
                false => self.text.cmp(&other.text),
            }
        })
    }
}

impl PartialOrd for SortKey {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SortKey {}

/// For the ends of a range.
impl Borrow<str> for SortKey {
    fn borrow(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_texts() {
        let longer = ["x".repeat(15), "x".repeat(16), "x".repeat(17), "x".repeat(17) + "a", "é".repeat(8)];
        let texts = ["", "\0", "a", "a\0", "b", "\u{10ffff}"].map(str::to_owned).into_iter().chain(longer);
        let texts: Vec<String> = texts.collect();
        for own in &texts {
            for other in &texts {
                let (left, right) = (SortKey::new(own.as_str().into()), SortKey::new(other.as_str().into()));
                assert_eq!(left.cmp(&right), own.cmp(other), "{own:?} {other:?}");
            }
        }
    }
}
