//! Text that lies in place where it is short, so that making, copying and comparing it follows no pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU8;
use std::sync::Arc;

use crate::digits::{self, spell};

/// A text of which up to `N` bytes (at most 254) need no allocation. Ordered by UTF-8 bytes.
#[derive(Clone)]
pub struct InlineText<const N: usize>(Form<N>);

#[derive(Clone)]
enum Form<const N: usize> {
    Short(Short<N>),
    Long(Arc<str>),
}

/// One piece, so that it is copied in whole words; the length stands last and is never 0, which is where a [`Form`] finds
/// room to say that it is the long one.
#[derive(Clone, Copy)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len_and_one: NonZeroU8,
}

impl<const N: usize> Short<N> {
    #[inline]
    fn new(text: &[u8]) -> Option<Self> {
        let len_and_one = NonZeroU8::MIN.checked_add(u8::try_from(text.len()).ok()?)?;
        let mut short = Self { bytes: [0; N], len_and_one };
        short.bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(short)
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len_and_one.get() - 1)).unwrap_or_default()
    }
}

impl<const N: usize> InlineText<N> {
    /// A copy of the text.
    #[must_use]
    #[inline]
    pub fn new(text: &str) -> Self {
        Self(match Short::new(text.as_bytes()) {
            Some(short) => Form::Short(short),
            None => Form::Long(text.into()),
        })
    }

    /// A number in decimal digits, written on the stack: formatting would cost several times as much.
    #[must_use]
    pub fn of_number(mut number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            first -= 1;
            if number == 0 {
                break;
            }
        }
        // Digits are ASCII.
        Self::new(std::str::from_utf8(digits.get(first..).unwrap_or_default()).unwrap_or_default())
    }

    /// Numbers in eight hexadecimal digits each, one after the other.
    #[must_use]
    #[inline]
    pub fn of_digits<const P: usize>(numbers: [u32; P]) -> Self {
        let digits = numbers.map(spell);
        let digits = digits.as_flattened();
        Self(match Short::new(digits) {
            Some(short) => Form::Short(short),
            // Digits are ASCII.
            None => Form::Long(std::str::from_utf8(digits).unwrap_or_default().into()),
        })
    }

    /// The numbers that [`of_digits`](Self::of_digits) wrote; `None` for any other text.
    #[must_use]
    #[inline]
    pub fn digits<const P: usize>(&self) -> Option<[u32; P]> {
        let (digits, rest) = self.as_bytes().as_chunks();
        if digits.len() != P || !rest.is_empty() {
            return None;
        }
        let mut numbers = [0; P];
        let mut all_read = true;
        for (number, digits) in numbers.iter_mut().zip(digits) {
            let read = digits::read(*digits);
            all_read &= read.is_some();
            *number = read.unwrap_or_default();
        }
        all_read.then_some(numbers)
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
        for len in [0, 253, 254, 255] {
            assert_eq!(InlineText::<1_000>::new(&long[..len]).as_str(), &long[..len]);
        }
        assert_eq!((size_of::<InlineText<23>>(), size_of::<InlineText<39>>()), (24, 40));
    }

    #[test]
    fn numbers_in_digits_read_back_and_other_texts_do_not() {
        let numbers = [0, 0x1234_abcd, u32::MAX];
        let (short, long) = (InlineText::<24>::of_digits(numbers), InlineText::<23>::of_digits(numbers));
        assert_eq!((short.as_str(), long.as_str()), ("000000001234abcdffffffff", short.as_str()));
        assert_eq!((short.digits(), long.digits()), (Some(numbers), Some(numbers)));
        assert_eq!((short.digits::<2>(), short.digits::<4>()), (None, None));
        for text in ["", "0", "00000000g", "0000000g", "0000000A", "0000-001", "00000000é"] {
            assert_eq!(InlineText::<24>::new(text).digits::<1>(), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_written_as_it_is_formatted() {
        for number in [0, 7, 10, 4_711, u64::MAX] {
            assert_eq!(InlineText::<22>::of_number(number).as_str(), number.to_string());
            assert_eq!(InlineText::<2>::of_number(number).as_str(), number.to_string());
        }
    }
}
