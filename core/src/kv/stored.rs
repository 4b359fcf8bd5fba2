//! What providers share that keep items in another's store: versions made of tokens, and values that are integers.

use std::fmt::Write as _;

use super::port::{ItemCondition, RawVersion};
use crate::Token;

/// The digits of a token as text.
const TOKEN_DIGITS: usize = 32;

/// Names one attempt of the write of `token`, as no attempt of any write was named before: a write that is applied, undone by
/// others and repeated gives another version.
#[must_use]
pub fn name_attempt(token: Token) -> String {
    let attempt = Token::new().to_bits() as u32;
    let mut name = String::with_capacity(TOKEN_DIGITS + 8);
    // Writing into a string does not fail.
    let _ = write!(name, "{token}{attempt:08x}");
    name
}

/// The write whose attempt a version names.
#[must_use]
pub fn token_of(version: &str) -> Option<Token> {
    version.get(..TOKEN_DIGITS)?.parse().ok()
}

/// The integer that a value is, where its digits are those that come back for it: it may then lie as a number.
#[must_use]
pub fn integer(value: &[u8]) -> Option<i64> {
    const LONGEST: usize = "-9223372036854775808".len();
    if value.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    let integer: i64 = text.parse().ok()?;
    (integer.to_string() == text).then_some(integer)
}

/// Whether what expires then is there now, both in milliseconds.
#[must_use]
pub fn is_live(expires: Option<u64>, now: u64) -> bool {
    expires.is_none_or(|expires| expires > now)
}

/// Whether a condition holds for the version that is there.
#[must_use]
pub fn holds(condition: &ItemCondition, there: Option<&RawVersion>) -> bool {
    match condition {
        ItemCondition::None => true,
        ItemCondition::IfAbsent => there.is_none(),
        ItemCondition::IfVersion(version) => there == Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_that_come_back_the_same_are_an_integer() {
        for number in [0, -1, 42, i64::MAX, i64::MIN] {
            assert_eq!(integer(number.to_string().as_bytes()), Some(number));
        }
        for text in
            ["", "-", "-0", "+1", "007", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "\"1\"", "٣"]
        {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_version_tells_its_write_and_is_another_with_each_attempt() {
        let token = Token::new();
        let (first, second) = (name_attempt(token), name_attempt(token));
        assert_ne!(first, second);
        assert_eq!(token_of(&first), Some(token));
        assert_eq!(token_of("short"), None);
    }

    #[test]
    fn an_item_is_gone_from_the_moment_of_its_expiry() {
        assert!(is_live(Some(1_001), 1_000) && !is_live(Some(1_001), 1_001) && is_live(None, u64::MAX));
    }

    #[test]
    fn a_condition_holds_for_the_version_that_it_names_alone() {
        let (one, two) = (RawVersion::new("1"), RawVersion::new("2"));
        let same = ItemCondition::IfVersion(one.clone());
        assert!(holds(&same, Some(&one)) && !holds(&same, Some(&two)) && !holds(&same, None));
        assert!(holds(&ItemCondition::IfAbsent, None) && !holds(&ItemCondition::IfAbsent, Some(&one)));
        assert!(holds(&ItemCondition::None, None) && holds(&ItemCondition::None, Some(&two)));
    }
}
