//! The groups of an ordered queue: each in order, and in the hands of one receive at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::receipt::Slot;

#[derive(Default)]
pub(super) struct Groups(HashMap<Arc<str>, Group>);

/// The messages of one group, first in first; those that are leased are at the front.
#[derive(Default)]
pub(super) struct Group {
    pub(super) messages: VecDeque<Slot>,
    pub(super) in_flight: usize,
    /// It stands in the queue's line of what is ready.
    pub(super) listed: bool,
}

impl Groups {
    /// Adds a message at the end of its group.
    pub(super) fn push(&mut self, name: &Arc<str>, slot: Slot) {
        let group = self.0.entry(Arc::clone(name)).or_default();
        group.messages.push_back(slot);
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Group> {
        self.0.get_mut(name)
    }

    /// Takes a message out of its group; the group goes with its last.
    pub(super) fn remove(&mut self, name: &str, slot: Slot) {
        let Some(group) = self.0.get_mut(name) else { return };
        if let Some(at) = group.position(slot) {
            group.messages.remove(at);
        }
        if group.messages.is_empty() {
            self.0.remove(name);
        }
    }
}

impl Group {
    /// A leased message stands near the front: the search is short.
    pub(super) fn position(&self, slot: Slot) -> Option<usize> {
        self.messages.iter().position(|&other| other == slot)
    }
}
