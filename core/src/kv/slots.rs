//! How an increment is never applied twice: sixteen slots in the item remember the last increments by their tokens.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::port::{Increment, Incremented, RawVersion};
use crate::clock::to_millis;
use crate::{Error, ErrorKind, Result, Token};

/// How many increments an item remembers.
pub const SLOTS: usize = 16;

/// The slots of one item; those that were never used take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slots(Vec<Slot>);

/// What one increment left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    #[serde(rename = "i")]
    index: u8,
    #[serde(rename = "t")]
    token: Token,
    #[serde(rename = "m")]
    millis: u64,
    #[serde(rename = "r")]
    result: i64,
    #[serde(rename = "v")]
    version: RawVersion,
}

/// The slot that a token uses, the same on every provider.
#[must_use]
pub fn slot_of(token: Token) -> usize {
    // Tokens are random: their low bits are hash enough.
    (token.to_bits() % SLOTS as u128) as usize
}

impl Slots {
    /// Whether this increment was applied already: its result then.
    ///
    /// # Errors
    /// `Indeterminate` for a repeated increment whose slot was taken by another since it began.
    pub fn find(&self, increment: &Increment) -> Result<Option<Incremented>> {
        let index = slot_of(increment.token);
        let Some(slot) = self.0.iter().find(|slot| usize::from(slot.index) == index) else {
            return Ok(None);
        };
        if slot.token == increment.token {
            return Ok(Some(Incremented::new(slot.result, slot.version.clone())));
        }
        if increment.repeated && slot.millis >= to_millis(increment.started) {
            return Err(untraceable());
        }
        Ok(None)
    }

    /// Remembers that `increment` was applied at `now` and what it made of the counter.
    ///
    /// A slot's time never goes back: the clock may, and then whoever is overwritten would find a trace from before it began, and
    /// write again what was written.
    pub fn record(&mut self, increment: &Increment, now: SystemTime, result: &Incremented) {
        let index = slot_of(increment.token);
        let old = self.0.iter_mut().find(|slot| usize::from(slot.index) == index);
        let before = old.as_ref().map_or(0, |slot| slot.millis);
        let slot = Slot {
            index: index as u8,
            token: increment.token,
            millis: to_millis(now).max(to_millis(increment.started)).max(before),
            result: result.value,
            version: result.version.clone(),
        };
        match old {
            Some(old) => *old = slot,
            None => self.0.push(slot),
        }
    }
}

/// What an increment is told whose answer was lost, and whose slot was taken since it began.
#[must_use]
pub fn untraceable() -> Error {
    Error::new(
        ErrorKind::Indeterminate,
        "an increment's answer was lost, and so many others came since that its trace is gone: read the counter and \
         decide",
    )
}

/// The value of a counter as it is stored: JSON digits.
///
/// # Errors
/// `InvalidArgument` where it is no integer of 64 bits.
pub fn read_counter(value: &[u8]) -> Result<i64> {
    let digits = std::str::from_utf8(value).ok().map(str::trim);
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        Error::invalid("the item holds no integer of 64 bits: keep counters in items of their own")
    })
}

/// The counter after adding `by`.
///
/// # Errors
/// `InvalidArgument` where it would leave an `i64`.
pub fn add(value: i64, by: i64) -> Result<i64> {
    value
        .checked_add(by)
        .ok_or_else(|| Error::invalid(format!("{value} plus {by} leaves the range of an i64")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::port::Key;
    use std::time::{Duration, UNIX_EPOCH};

    fn increment(bits: u128) -> Increment {
        let mut increment = Increment::new(Key::new("p", ""), 1, UNIX_EPOCH + Duration::from_secs(10));
        increment.token = Token::from_bits(bits);
        increment
    }

    #[test]
    fn a_repetition_finds_its_own_result_and_knows_when_its_trace_may_be_gone() {
        let mut slots = Slots::default();
        let (first, mut rival) = (increment(3), increment(3 + 16));
        let result = Incremented::new(7, RawVersion::new("9"));
        slots.record(&first, first.started, &result);
        assert_eq!(slots.find(&first).expect("found"), Some(result.clone()));
        assert_eq!(slots.find(&rival).expect("a first attempt may go on"), None);

        rival.repeated = true;
        assert_eq!(slots.find(&rival).expect_err("unknown").kind(), ErrorKind::Indeterminate);
        rival.started += Duration::from_secs(1);
        assert_eq!(slots.find(&rival).expect("the other was before it began"), None);
        slots.record(&rival, UNIX_EPOCH, &result);
        let mut first = first;
        first.repeated = true;
        let gone = slots.find(&first).expect_err("the rival's clock is behind").kind();
        assert_eq!(gone, ErrorKind::Indeterminate);
        let packed = serde_json::to_string(&slots).expect("serialises");
        assert_eq!(serde_json::from_str::<Slots>(&packed).expect("comes back"), slots);
    }
}
