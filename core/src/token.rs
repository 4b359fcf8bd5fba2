//! Unique tokens: what tells one write, one message, one lease holder from another.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digits::{read, spell_wide};

/// How many tokens come from one draw of the system's randomness.
const DRAW: u32 = 4_096;

/// From one token of a draw to the next: odd, so that none comes twice, and far apart.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is left of a draw that a test has seeded: it never ends.
const SEEDED: u32 = u32::MAX;

/// What is left of a thread's draw.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    high: u64,
    low: u64,
    left: u32,
}

thread_local! {
    static LAST: Cell<Draw> = const { Cell::new(Draw { high: 0, low: 0, left: 0 }) };
}

impl Draw {
    /// 128 bits of the system's own: a generator that is seeded by the time would repeat itself among many processes that
    /// start alike, as those of one function do.
    fn anew() -> Self {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            // Never seen where there is an operating system; better than none.
            fastrand::fill(&mut bytes);
        }
        let bits = u128::from_ne_bytes(bytes);
        Self { high: (bits >> 64) as u64, low: bits as u64, left: DRAW }
    }

    /// What follows from a seed: for tests that are to run the same each time.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self { high: random.u64(..), low: random.u64(..), left: SEEDED }
    }

    /// Lets this thread's tokens follow from this draw; the one that was.
    pub(crate) fn install(self) -> Self {
        LAST.replace(self)
    }

    fn next(self) -> Self {
        match self.left {
            0 => Self::anew(),
            SEEDED => Self { low: self.low.wrapping_add(STEP), ..self },
            left => Self { low: self.low.wrapping_add(STEP), left: left - 1, ..self },
        }
    }
}

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
        // Uniqueness, not secrecy: whoever sees one can tell the next.
        let drawn = LAST.get().next();
        LAST.set(drawn);
        Self { high: drawn.high, low: drawn.low }
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
        // Several times as quick as formatting a number, and written with every call.
        let mut digits = [0; 32];
        let (high, low) = digits.split_at_mut(16);
        high.copy_from_slice(&spell_wide(self.high));
        low.copy_from_slice(&spell_wide(self.low));
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
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
        let words = <&[u8; 32]>::try_from(text.as_bytes()).ok().and_then(|digits| {
            let (high, low) = digits.split_at(16);
            Some(Self { high: read(high, true)?, low: read(low, true)? })
        });
        words
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_nothing_else_is() {
        let token = Token::from_bits(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
        assert_eq!(token.to_string(), "0123456789abcdeffedcba9876543210");
        assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
        assert_eq!(token.to_string().to_uppercase().parse::<Token>().unwrap(), token);
        for text in ["", "0123", "+123456789abcdeffedcba9876543210", "0123456789abcdeffedcba987654321g"] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_token_comes_twice_in_any_thread() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..3 * DRAW).map(|_| Token::new()).collect::<Vec<_>>()))
            .collect();
        let all: Vec<Token> =
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let draws: HashSet<u64> = all.iter().map(|token| token.high).collect();
        assert!(draws.len() >= 12, "each draw is another: {}", draws.len());
    }
}
