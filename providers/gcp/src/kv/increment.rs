//! Increments: read, and written where nobody came between; never applied twice.
//!
//! What was applied stands in the item's [`Slots`], which are written together with the sum. A put leaves them as they are, one of
//! a batch, too. Increments of one counter in one process wait for each other; those of several meet, and try again.

use bytes::Bytes;
use skyport_core::clock::from_millis;
use skyport_core::kv::port::{Increment, Incremented, RawVersion};
use skyport_core::kv::rounds::Rounds;
use skyport_core::kv::slots::{Slots, add, read_counter};
use skyport_core::kv::stored::name_attempt;
use skyport_core::{ErrorKind, Result};

use super::FirestoreTable;
use super::database::update;
use super::item::{self, Made, Stamp, Stored, foreign, stored_expiry};
use super::write::untimed;
use crate::proto::firestore::{ConditionType, ValueType};
use crate::provision::NAME;

/// What an increment makes of its counter.
#[derive(Debug)]
struct Next {
    sum: i64,
    attempt: String,
    expires: Option<u64>,
    slots: Vec<u8>,
    /// What has to be there still.
    expected: ConditionType,
}

/// What the item tells of an increment.
#[derive(Debug)]
enum Told {
    Applied(Incremented),
    Next(Next),
}

impl FirestoreTable {
    pub(super) async fn add(&self, increment: &Increment) -> Result<Incremented> {
        let database = self.database().await?;
        let name = database.names().item(&increment.key);
        let mut rounds = Rounds::new();
        let _turn = self.turns.of(&increment.key, rounds.stop()).await?;
        loop {
            let document = self.look(vec![name.clone()], item::COUNTER).await?.take(&name)?;
            let there = document.map(Stored::read).transpose()?;
            let next = match told(increment, there, self.now())? {
                Told::Applied(done) => return Ok(done),
                Told::Next(next) => next,
            };
            let Next { sum, attempt, expires, slots, expected } = next;
            let written = Bytes::copy_from_slice(attempt.as_bytes());
            let mut made = Made::new(&increment.key.sort, ValueType::Integer(sum), written, expires);
            made.set(item::SLOTS, ValueType::Bytes(slots.into()));
            let write = update(made.into_document(name.clone()), item::INCREMENT, Some(expected));
            match database.commit(vec![write], Bytes::new()).await {
                Ok(answers) => {
                    let update_time = answers.first().and_then(|answer| answer.update_time);
                    let update_time = update_time.ok_or_else(untimed)?;
                    return Ok(Incremented::new(sum, Stamp { update_time, expires }.version(&attempt)));
                }
                Err(error) => match error.kind() {
                    // A rival was faster, or is at it.
                    ErrorKind::PreconditionFailed
                    | ErrorKind::AlreadyExists
                    | ErrorKind::NotFound
                    | ErrorKind::Conflict => {}
                    _ => return Err(error),
                },
            }
            rounds.again().await?;
        }
    }
}

/// What follows from what is there.
fn told(increment: &Increment, there: Option<Stored>, now: u64) -> Result<Told> {
    let named = |error: skyport_core::Error| error.with_provider(NAME);
    let Some(mut there) = there else {
        let expires = increment.expires.map(stored_expiry);
        let expected = ConditionType::Exists(false);
        return made(increment, 0, expires, Slots::default(), expected, now).map_err(named);
    };
    let slots = match there.take_slots()? {
        Some(json) => serde_json::from_slice(&json)
            .map_err(|error| foreign("what it remembers of increments is none").with_source(error))?,
        None => Slots::default(),
    };
    if let Some(mut applied) = slots.find(increment).map_err(named)? {
        // The slot was written before Firestore said when: unless somebody wrote since, the item tells.
        if applied.version.as_str() == there.write() {
            applied.version = there.version();
        }
        return Ok(Told::Applied(applied));
    }
    let expected = ConditionType::UpdateTime(there.stamp.update_time);
    // What is written comes after what is there, and Firestore tells when that was: a clock that is behind is not believed.
    let written = now.max(there.stamp.millis());
    if !there.stamp.is_live(now) {
        return made(increment, 0, increment.expires.map(stored_expiry), slots, expected, written)
            .map_err(named);
    }
    let value = read_counter(&there.take_value()?).map_err(named)?;
    made(increment, value, there.stamp.expires, slots, expected, written).map_err(named)
}

fn made(
    increment: &Increment,
    value: i64,
    expires: Option<u64>,
    mut slots: Slots,
    expected: ConditionType,
    now: u64,
) -> Result<Told> {
    let sum = add(value, increment.by)?;
    let attempt = name_attempt(increment.token);
    slots.record(increment, from_millis(now), &Incremented::new(sum, RawVersion::new(attempt.as_str())));
    let slots = serde_json::to_vec(&slots)
        .map_err(|error| skyport_core::Error::internal("a counter's slots are no JSON").with_source(error))?;
    Ok(Told::Next(Next { sum, attempt, expires, slots, expected }))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use skyport_core::ErrorKind;
    use skyport_core::clock::to_millis;
    use skyport_core::kv::port::Key;

    use super::*;
    use crate::kv::item::timestamp;
    use crate::proto::firestore::{Document, Written};

    fn increment(bits: u128, started: u64) -> Increment {
        let mut increment = Increment::new(Key::new("p", "n"), 1, from_millis(started));
        increment.token = skyport_core::Token::from_bits(bits);
        increment
    }

    #[test]
    fn a_trace_is_no_older_than_what_was_there_whatever_the_clock_of_who_left_it_says() {
        let began = to_millis(SystemTime::now());
        // Written by Firestore's clock after the call began.
        let written = from_millis(began) + Duration::from_secs(5);
        let mut made = Made::new(&"n".into(), ValueType::Integer(1), "0".repeat(40).into(), None);
        made.set(item::SLOTS, ValueType::Bytes(Bytes::from_static(b"[]")));
        let Written { name, fields } = made.into_document("n".to_owned());
        let there = Document { name: name.into(), fields, update_time: Some(timestamp(to_millis(written))) };
        // The clock of the other is an hour behind.
        let behind = began - 3_600_000;
        let there = Stored::read(there).expect("an item");
        let Told::Next(next) = told(&increment(3 + 16, behind), Some(there), behind).expect("told") else {
            panic!("it was not applied yet")
        };
        let slots: Slots = serde_json::from_slice(&next.slots).expect("slots");
        let mut lost = increment(3, began);
        lost.repeated = true;
        assert_eq!(
            slots.find(&lost).expect_err("it may have been after it").kind(),
            ErrorKind::Indeterminate
        );
    }
}
