//! The ends of leases and delays, the earliest first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use tokio::time::Instant;

use super::receipt::Slot;

/// Almost every lease is settled before it ends, so a timer is not looked for when it is no longer needed: it stays until it
/// comes to the front, or until most of what is here is such.
#[derive(Default)]
pub(super) struct Timers {
    /// Those that were added in the order of their ends, as leases of one length are.
    line: VecDeque<(Instant, Slot)>,
    /// The others.
    heap: BinaryHeap<Reverse<(Instant, Slot)>>,
    /// How many of all nobody waits for any more.
    stale: usize,
}

impl Timers {
    #[inline(always)]
    pub(super) fn add(&mut self, due: Instant, slot: Slot) {
        match self.line.back() {
            Some((last, _)) if due < *last => self.heap.push(Reverse((due, slot))),
            _ => self.line.push_back((due, slot)),
        }
    }

    /// Whether the first has ended.
    #[inline(always)]
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let in_line = self.line.front().is_some_and(|(due, _)| *due <= now);
        in_line || self.heap.peek().is_some_and(|Reverse((due, _))| *due <= now)
    }

    /// The first to end. Current, if [`tidy`](Self::tidy) was called after the last change.
    pub(super) fn first(&self) -> Option<(Instant, Slot)> {
        let in_line = self.line.front().copied();
        match self.heap.peek() {
            None => in_line,
            Some(Reverse(in_heap)) => Some(in_line.map_or(*in_heap, |first| first.min(*in_heap))),
        }
    }

    /// One timer is no longer needed: `is_current` no longer knows it.
    #[inline]
    pub(super) fn tidy(&mut self, is_current: impl Fn(Instant, Slot) -> bool) {
        self.stale += 1;
        while let Some(&(due, slot)) = self.line.front()
            && !is_current(due, slot)
        {
            self.line.pop_front();
            self.stale = self.stale.saturating_sub(1);
        }
        while let Some(&Reverse((due, slot))) = self.heap.peek()
            && !is_current(due, slot)
        {
            self.heap.pop();
            self.stale = self.stale.saturating_sub(1);
        }
        if self.stale > 64 && self.stale > (self.line.len() + self.heap.len()) / 2 {
            self.line.retain(|(due, slot)| is_current(*due, *slot));
            self.heap.retain(|Reverse((due, slot))| is_current(*due, *slot));
            self.stale = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_is_always_one_that_is_needed_and_few_others_are_kept() {
        let now = Instant::now();
        let (mut timers, mut current) = (Timers::default(), BTreeSet::new());
        for slot in 0..10_000_u32 {
            // An odd factor visits every number once.
            let due = now + Duration::from_millis(u64::from(slot * 7_919 % 10_000));
            timers.add(due, slot);
            current.insert((due, slot));
            if slot % 10 != 0 {
                let last = *current.last().expect("one was added");
                current.remove(&last);
                timers.tidy(|due, slot| current.contains(&(due, slot)));
            }
            assert_eq!(timers.first(), current.first().copied());
            for ms in [0, 5_000, 10_000].map(Duration::from_millis) {
                let ended = current.first().is_some_and(|(due, _)| *due <= now + ms);
                assert_eq!(timers.is_due(now + ms), ended);
            }
            assert!(timers.line.len() + timers.heap.len() <= 2 * current.len() + 65);
        }
        while let Some(first) = current.pop_first() {
            assert_eq!(timers.first(), Some(first));
            timers.tidy(|due, slot| current.contains(&(due, slot)));
        }
        assert_eq!(timers.first(), None);
    }
}
