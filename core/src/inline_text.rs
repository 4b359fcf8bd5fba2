//! Text that lies in place where it is short, so that making, copying and comparing it follows no pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;

/// A text of which up to `N` bytes, a multiple of 8, need no allocation. Ordered by UTF-8 bytes.
#[derive(Clone)]
pub struct InlineText<const N: usize>(Form<N>);

#[derive(Clone)]
enum Form<const N: usize> {
    Short(Short<N>),
    Long(Arc<str>),
}

/// Whole words, the length too: a piece of a word that was just written is slow to copy. The length is never 0, which is
/// where a [`Form`] finds room to say that it is the long one.
#[derive(Clone, Copy)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len_and_one: NonZeroU64,
}

impl<const N: usize> Short<N> {
    /// `None` for a length that is too long for this.
    #[inline]
    const fn len_and_one(len: usize) -> Option<NonZeroU64> {
        if len > N { None } else { NonZeroU64::new(len as u64 + 1) }
    }

    #[inline]
    fn new(text: &[u8]) -> Option<Self> {
        let len_and_one = Self::len_and_one(text.len())?;
        let mut short = Self { bytes: [0; N], len_and_one };
        short.bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(short)
    }

    /// Word by word, which calls nothing: behind the text are zeros, so that only texts which are alike that far differ in length.
    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        let words = self.bytes.as_chunks().0.iter().zip(other.bytes.as_chunks().0);
        for (own, other) in words {
            let (own, other) = (u64::from_be_bytes(*own), u64::from_be_bytes(*other));
            if own != other {
                return own.cmp(&other);
            }
        }
        self.len_and_one.cmp(&other.len_and_one)
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..(self.len_and_one.get() - 1) as usize).unwrap_or_default()
    }
}

impl<const N: usize> InlineText<N> {
    /// A copy of the text.
    #[must_use]
    #[inline]
    pub fn new(text: &str) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Form::Long(text.into())))
    }

    /// A copy of a text that needs no allocation; `None` for a longer one.
    #[must_use]
    #[inline]
    pub fn short(text: &str) -> Option<Self> {
        Short::new(text.as_bytes()).map(|short| Self(Form::Short(short)))
    }

    /// A number in decimal digits, written on the stack: formatting would cost several times as much.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        Self::of_digits::<10>(number)
    }

    /// As [`of_number`](Self::of_number), in hexadecimal digits: 16 at most.
    #[must_use]
    pub fn of_hex(number: u64) -> Self {
        Self::of_digits::<16>(number)
    }

    fn of_digits<const RADIX: u64>(mut number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = *b"0123456789abcdef".get((number % RADIX) as usize).unwrap_or(&b'0');
            number /= RADIX;
            first -= 1;
            if number == 0 {
                break;
            }
        }
        // Digits are ASCII.
        Self::new(std::str::from_utf8(digits.get(first..).unwrap_or_default()).unwrap_or_default())
    }

    /// Words of eight letters or digits, one after the other.
    #[must_use]
    #[inline]
    pub(crate) fn of_words<const P: usize>(words: [[u8; 8]; P]) -> Self {
        if let Some(len_and_one) = const { Short::<N>::len_and_one(8 * P) } {
            let mut bytes = [0; N];
            // Word by word to where they stay: what was just written in words is slow to read in wider pieces.
            for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
                *place = word;
            }
            return Self(Form::Short(Short { bytes, len_and_one }));
        }
        Self::new(std::str::from_utf8(words.as_flattened()).unwrap_or_default())
    }

    /// The text in words of eight bytes; `None` where it has another length.
    #[must_use]
    #[inline]
    pub(crate) fn words<const P: usize>(&self) -> Option<[[u8; 8]; P]> {
        let (words, rest) = self.as_bytes().as_chunks();
        if rest.is_empty() { words.try_into().ok() } else { None }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was copied from a text, whole: it is one.
            Form::Short(short) => std::str::from_utf8(short.bytes()).unwrap_or_default(),
            Form::Long(text) => text,
        }
    }

    /// The text's bytes: to compare them, nobody need look whether they are UTF-8.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Short(short) => short.bytes(),
            Form::Long(text) => text.as_bytes(),
        }
    }
}

impl<const N: usize> AsRef<[u8]> for InlineText<N> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
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
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Short(own), Form::Short(other)) => own.compare(other),
            _ => self.as_bytes().cmp(other.as_bytes()),
        }
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

/// What a name that is an [`InlineText`] has in common with a `str`. The name has `new` and `as_str` of its own.
macro_rules! reads_as_str {
    ($name:ident) => {
        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self.as_str(), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::new(text))
            }
        }
    };
}

pub(crate) use reads_as_str;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_texts_are_ordered_alike() {
        let mut texts = [
            "a".repeat(40),
            "a".repeat(41),
            "a".repeat(39),
            "a\0".to_owned(),
            "a".to_owned(),
            "b".to_owned(),
            "é".repeat(20),
            String::new(),
        ];
        let mut inline: Vec<InlineText<40>> = texts.iter().map(|text| InlineText::new(text)).collect();
        texts.sort();
        inline.sort();
        assert!(inline.iter().map(InlineText::as_str).eq(texts.iter().map(String::as_str)));
        for (own, text) in inline.iter().zip(&texts) {
            assert_eq!(InlineText::<40>::short(text).is_some(), text.len() <= 40);
            assert!(inline.iter().all(|other| own.cmp(other) == own.as_bytes().cmp(other.as_bytes())));
        }
        let long = "x".repeat(300);
        assert_eq!(InlineText::<1_000>::new(&long).as_str(), long);
        for len in [0, 253, 254, 255] {
            assert_eq!(InlineText::<1_000>::new(&long[..len]).as_str(), &long[..len]);
        }
        assert_eq!((size_of::<InlineText<16>>(), size_of::<InlineText<40>>()), (24, 48));
    }

    #[test]
    fn words_read_back_and_other_texts_do_not() {
        let words = [*b"01234567", *b"89abcdef", *b"ghijklmn"];
        let (short, long) = (InlineText::<24>::of_words(words), InlineText::<16>::of_words(words));
        assert_eq!((short.as_str(), long.as_str()), ("0123456789abcdefghijklmn", short.as_str()));
        assert_eq!((short.words(), long.words()), (Some(words), Some(words)));
        assert_eq!((short.words::<2>(), short.words::<4>()), (None, None));
        for text in ["", "0", "01234567x"] {
            assert_eq!(InlineText::<24>::new(text).words::<1>(), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_written_as_it_is_formatted() {
        for number in [0, 7, 10, 4_711, u64::MAX] {
            assert_eq!(InlineText::<22>::of_number(number).as_str(), number.to_string());
            assert_eq!(InlineText::<2>::of_number(number).as_str(), number.to_string());
            assert_eq!(InlineText::<16>::of_hex(number).as_str(), format!("{number:x}"));
        }
    }
}
