//! Deliveries that are made once more, as services sometimes do: the same message under the same receipt.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use skyport_core::queue::port::RawDelivery;
use tokio::time::Instant;

use super::receipt;

#[derive(Default)]
pub(super) struct Echoes {
    /// By when they come, and by how many were made before.
    waiting: BTreeMap<(Instant, u64), RawDelivery>,
    ready: VecDeque<RawDelivery>,
    /// Deliveries that have been repeated, so that none is without end.
    repeated: BTreeSet<u64>,
    made: u64,
}

impl Echoes {
    /// Repeats a delivery from `due` on, unless it has been.
    pub(super) fn add(&mut self, delivery: RawDelivery, due: Instant) {
        let number = receipt::read(&delivery.receipt).map(|(_, number)| number);
        if number.is_ok_and(|number| self.repeated.insert(number)) {
            self.made += 1;
            self.waiting.insert((due, self.made), delivery);
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// Makes ready what is due.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.is_due(now)
            && let Some((_, delivery)) = self.waiting.pop_first()
        {
            self.ready.push_back(delivery);
        }
    }

    /// Makes all ready.
    pub(super) fn let_go(&mut self) {
        self.ready.extend(std::mem::take(&mut self.waiting).into_values());
    }

    /// Fills up what was taken.
    pub(super) fn take(&mut self, max: usize, taken: &mut Vec<RawDelivery>) {
        let room = max.saturating_sub(taken.len()).min(self.ready.len());
        taken.extend(self.ready.drain(..room));
    }

    /// How many come with the next receives, and how many later.
    pub(super) fn ready(&self) -> u64 {
        self.ready.len() as u64
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }
}
