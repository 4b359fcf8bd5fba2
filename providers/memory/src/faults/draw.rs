//! Chance without a sequence: what is drawn for a call depends on its name alone.

use std::time::Duration;

/// A number that was drawn, and from which others are.
///
/// No state: taking one fault away, or adding a call elsewhere, leaves what is drawn for all other calls where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(super) const fn of(seed: u64) -> Self {
        Self(mixed(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// Another draw, named by one more number.
    pub(super) const fn and(self, number: u64) -> Self {
        Self(mixed(self.0 ^ mixed(number.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// Another draw, named by a text.
    pub(super) fn and_text(self, text: &str) -> Self {
        let hashed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.and(hashed)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// From 0 to before 1.
    fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(super) fn below(self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A time from a twentieth of `most` up to it, in whole milliseconds: short ones are as likely as in life.
    pub(super) fn up_to(self, most: Duration) -> Duration {
        let share = self.share();
        let millis = most.as_secs_f64() * 1_000.0 * (0.05 + 0.95 * share * share);
        Duration::from_millis(millis.round().max(1.0) as u64).min(most)
    }

    /// Puts things in an order that was drawn.
    pub(crate) fn shuffle<T>(self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            let other = self.and(index as u64).bits() % (index as u64 + 1);
            things.swap(index, other as usize);
        }
    }

    /// From 0 to `most`.
    pub(super) fn percent(self, most: u32) -> u32 {
        (self.share() * (f64::from(most) + 1.0)) as u32
    }
}

/// The finaliser of splitmix64: each bit of what comes out hangs on each bit of what goes in.
const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly_and_named_by_all_that_was_given() {
        let drawn = |seed| (0..10_000_u64).filter(|call| Draw::of(seed).and(*call).below(0.1)).count();
        for seed in 0..20 {
            assert!((880..1_120).contains(&drawn(seed)), "{}", drawn(seed));
        }
        let names = [
            Draw::of(1),
            Draw::of(2),
            Draw::of(1).and(0),
            Draw::of(1).and(1),
            Draw::of(1).and(0).and(1),
            Draw::of(1).and(1).and(0),
            Draw::of(1).and_text(""),
            Draw::of(1).and_text("a"),
        ];
        for (index, draw) in names.iter().enumerate() {
            assert!(!names[..index].contains(draw), "{index}");
        }
    }

    #[test]
    fn amounts_stay_within_what_was_given() {
        for call in 0..1_000 {
            let (draw, most) = (Draw::of(7).and(call), Duration::from_secs(10));
            let time = draw.up_to(most);
            assert!(time >= Duration::from_millis(500) && time <= most, "{time:?}");
            assert!(draw.percent(100) <= 100 && draw.percent(0) == 0);
        }
        assert_eq!(Draw::of(1).up_to(Duration::ZERO), Duration::ZERO);
    }
}
