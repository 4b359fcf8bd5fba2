//! Increments of one counter that wait for each other in this process: whose turn it is takes the others with it, in one write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use skyport_core::Result;
use skyport_core::kv::port::{Increment, Incremented, Key};
use skyport_core::kv::slots::{SLOTS, slot_of};
use tokio::sync::oneshot::{Receiver, Sender, channel};

/// One that waits, and where to tell it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) increment: Increment,
    answer: Sender<Result<Incremented>>,
}

impl Waiting {
    pub(super) fn tell(self, result: Result<Incremented>) {
        // Whoever has given up needs no answer.
        let _ = self.answer.send(result);
    }
}

/// All that wait, by their counters.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<HashMap<Key, Vec<Waiting>>>);

impl Room {
    /// Waits with others. An answer that is dropped means that nobody knows.
    pub(super) fn enter(&self, increment: &Increment) -> Receiver<Result<Incremented>> {
        let (answer, told) = channel();
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        room.entry(increment.key.clone()).or_default().push(Waiting { increment: increment.clone(), answer });
        told
    }

    /// Those that go together now, in order: each has a slot of its own, and somebody who asks for the answer.
    pub(super) fn take(&self, key: &Key) -> Vec<Waiting> {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = room.remove(key) else { return Vec::new() };
        let (mut used, mut taken, mut left) = ([false; SLOTS], Vec::new(), Vec::new());
        for waiting in all.into_iter().filter(|waiting| !waiting.answer.is_closed()) {
            let slot = &mut used[slot_of(waiting.increment.token)];
            if std::mem::replace(slot, true) { left.push(waiting) } else { taken.push(waiting) }
        }
        if !left.is_empty() {
            room.insert(key.clone(), left);
        }
        taken
    }

    /// Gives up; whether it was still waiting. Else somebody has taken it along, and will tell.
    pub(super) fn leave(&self, increment: &Increment) -> bool {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = room.get_mut(&increment.key) else { return false };
        let before = all.len();
        all.retain(|waiting| waiting.increment.token != increment.token);
        let was_there = all.len() < before;
        if all.is_empty() {
            room.remove(&increment.key);
        }
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyport_core::Token;
    use std::time::UNIX_EPOCH;

    fn increment(bits: u128) -> Increment {
        let mut increment = Increment::new(Key::new("p", "n"), 1, UNIX_EPOCH);
        increment.token = Token::from_bits(bits);
        increment
    }

    #[tokio::test]
    async fn those_with_a_slot_of_their_own_go_together_and_who_gave_up_stays_behind() {
        let room = Room::default();
        let _first = room.enter(&increment(1));
        let same_slot = room.enter(&increment(1 + 16));
        drop(room.enter(&increment(2)));
        let _third = room.enter(&increment(3));
        assert!(room.leave(&increment(3)) && !room.leave(&increment(3)));
        let bits =
            |taken: &[Waiting]| taken.iter().map(|one| one.increment.token.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&room.take(&increment(1).key)), [1]);
        let later = room.take(&increment(1).key);
        assert_eq!(bits(&later), [17]);
        assert!(!room.leave(&increment(17)), "somebody has it");
        drop(later);
        assert!(same_slot.await.is_err(), "nobody knows");
        assert!(room.0.lock().expect("unpoisoned").is_empty());
    }
}
