//! Increments: read, and written where nobody came between; never applied twice.
//!
//! What was applied stands in the item's [`Slots`], which are written together with the sum. A put replaces the whole row, and with it
//! what a counter remembers: it says when, so that a repetition whose trace may have been there is told so. Increments of one
//! counter in one process wait for each other; those of several meet, and try again.

use skyport_core::clock::{from_millis, to_millis};
use skyport_core::kv::port::{Increment, Incremented, RawVersion};
use skyport_core::kv::rounds::Rounds;
use skyport_core::kv::slots::{Slots, add, read_counter, untraceable};
use skyport_core::kv::stored::name_attempt;
use skyport_core::{Error, Result};

use super::client::unreadable;
use super::entity::{self, Content, Properties, Stored, foreign, stored_expiry};
use super::operation::{Operation, Verb};
use super::plan::mirror;
use super::stamp::{Etag, Stamp};
use super::{AzureTable, key};
use crate::provision::NAME;

/// What an increment makes of its counter.
#[derive(Debug)]
struct Next {
    sum: i64,
    attempt: String,
    expires: Option<u64>,
    row: Properties,
    /// What has to be there still.
    expected: Option<Etag>,
}

/// What the item tells of an increment.
#[derive(Debug)]
enum Told {
    Applied(Incremented),
    Next(Next),
}

impl AzureTable {
    pub(super) async fn add(&self, increment: &Increment) -> Result<Incremented> {
        let stored = key::partition(&increment.key.partition);
        let partition = self.partition(&stored);
        let mut rounds = Rounds::new();
        let turn = self.turns.of(&increment.key, rounds.stop()).await?;
        let mut left = turn.take().and_then(|there| told(increment, Some(there), self.now()).ok());
        loop {
            // What the one before left is as good as read where it leads to a write: Azure compares.
            let next = match left.take() {
                Some(Told::Next(next)) => next,
                _ => {
                    let there = self.stored(&increment.key, None).await?;
                    match told(increment, there, self.now()).map_err(|error| error.with_provider(NAME))? {
                        Told::Applied(done) => return Ok(done),
                        Told::Next(next) => next,
                    }
                }
            };
            let Next { sum, attempt, expires, row, expected } = next;
            let written = row.clone();
            let verb = match expected {
                Some(etag) => Verb::Replace(row, Some(etag)),
                None => Verb::Insert(row),
            };
            let mut operations = vec![Operation { row: key::item(&increment.key.sort), verb }];
            if self.mirrored {
                let row = key::mirror(&increment.key.sort);
                operations.push(Operation { row, verb: Verb::Replace(mirror(), None) });
            }
            match partition.apply(operations).await {
                Ok(etags) => {
                    let etag = etags.into_iter().next().flatten().ok_or_else(unreadable)?;
                    let stamp = Stamp { etag, expires };
                    let version = stamp.version(&attempt);
                    turn.leave(Stored::written(written, attempt, stamp, self.now()));
                    return Ok(Incremented::new(sum, version));
                }
                // A rival was faster.
                Err(failure) if failure.is_changed() => {}
                Err(failure) => return Err(failure.into()),
            }
            rounds.again().await?;
        }
    }
}

/// What follows from what is there.
fn told(increment: &Increment, there: Option<Stored>, now: u64) -> Result<Told> {
    let Some(mut there) = there else {
        let base = Base { expires: increment.expires.map(stored_expiry), ..Base::default() };
        return made(increment, base, now);
    };
    let json = there.take_slots()?;
    // A row that only a put has written was put no earlier than Azure says: a clock that is behind is not believed.
    let fresh = json.is_none();
    let put_at = there.take_put_at()?.map(|put_at| if fresh { put_at.max(there.written) } else { put_at });
    let slots: Slots = match json {
        Some(json) => serde_json::from_str(&json)
            .map_err(|error| foreign("what it remembers of increments is none").with_source(error))?,
        None => Slots::default(),
    };
    if let Some(mut applied) = slots.find(increment)? {
        // The slot was written before Azure gave it an etag: unless somebody wrote since, the item tells.
        if Some(applied.version.as_str()) == there.write.as_deref() {
            applied.version = there.stamp.version(applied.version.as_str());
        }
        return Ok(Told::Applied(applied));
    }
    if increment.repeated && put_at.is_some_and(|put_at| put_at >= to_millis(increment.started)) {
        return Err(untraceable());
    }
    let written = now.max(there.written);
    let expected = Some(there.etag.clone());
    let base = if there.live(now).is_some() {
        let value = read_counter(&there.take_value()?)?;
        Base { value, expires: there.stamp.expires, slots, put_at, expected }
    } else {
        Base { value: 0, expires: increment.expires.map(stored_expiry), slots, put_at, expected }
    };
    made(increment, base, written)
}

/// What an increment adds to.
#[derive(Debug, Default)]
struct Base {
    value: i64,
    expires: Option<u64>,
    slots: Slots,
    put_at: Option<u64>,
    expected: Option<Etag>,
}

fn made(increment: &Increment, base: Base, now: u64) -> Result<Told> {
    let Base { value, expires, mut slots, put_at, expected } = base;
    let sum = add(value, increment.by)?;
    let attempt = name_attempt(increment.token);
    slots.record(increment, from_millis(now), &Incremented::new(sum, RawVersion::new(attempt.as_str())));
    let json = serde_json::to_string(&slots)
        .map_err(|error| Error::internal("a counter's slots are no JSON").with_source(error))?;
    let mut row = entity::made(&Content::Counter(sum), &attempt, expires, put_at);
    entity::set_slots(&mut row, json);
    Ok(Told::Next(Next { sum, attempt, expires, row, expected }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyport_core::kv::port::Key;
    use skyport_core::{ErrorKind, Token};

    /// In milliseconds, as below.
    const WRITTEN: u64 = 1_795_720_808_123;
    const TIMESTAMP: &str = "2026-11-26T19:20:08.1234567Z";

    fn increment(bits: u128, started: u64) -> Increment {
        let mut increment = Increment::new(Key::new("p", "n"), 1, from_millis(started));
        increment.token = Token::from_bits(bits);
        increment
    }

    fn there(mut row: Properties) -> Option<Stored> {
        row.insert(entity::TIMESTAMP.to_owned(), TIMESTAMP.into());
        Some(Stored::read(row, None).expect("an item"))
    }

    fn next(told: Result<Told>) -> Next {
        match told.expect("told") {
            Told::Next(next) => next,
            Told::Applied(done) => panic!("it was not applied yet: {done:?}"),
        }
    }

    #[test]
    fn a_trace_is_no_older_than_what_was_there_whatever_the_clock_of_who_left_it_says() {
        let row = entity::made(&Content::Counter(1), &"0".repeat(40), None, None);
        // The clock of the other is an hour behind.
        let behind = WRITTEN - 3_600_000;
        let left = next(told(&increment(3 + 16, behind), there(row), behind));
        let mut lost = increment(3, WRITTEN - 5_000);
        lost.repeated = true;
        let error = told(&lost, there(left.row), WRITTEN).expect_err("it may have been after it");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
    }

    #[test]
    fn a_put_forgets_increments_and_says_since_when() {
        // The clock of whoever put it is an hour behind.
        let row = entity::made(&Content::Counter(100), &"0".repeat(40), None, Some(WRITTEN - 3_600_000));
        let mut lost = increment(3, WRITTEN - 5_000);
        assert_eq!(next(told(&lost, there(row.clone()), WRITTEN)).sum, 101, "a first attempt may go on");
        lost.repeated = true;
        let error = told(&lost, there(row.clone()), WRITTEN).expect_err("its trace may be gone");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
        // An increment since then keeps that.
        let left = next(told(&increment(4, WRITTEN), there(row.clone()), WRITTEN));
        assert!(told(&lost, there(left.row), WRITTEN).is_err());
        lost.started = from_millis(WRITTEN + 1);
        assert_eq!(next(told(&lost, there(row), WRITTEN)).sum, 101, "the put was before it began");
    }

    #[test]
    fn a_repetition_finds_itself_and_the_version_that_it_gave() {
        let first = increment(7, WRITTEN);
        let left = next(told(&first, None, WRITTEN));
        let version = there(left.row.clone()).expect("a row").live(WRITTEN).expect("alive");
        match told(&first, there(left.row), WRITTEN).expect("told") {
            Told::Applied(done) => assert_eq!(done, Incremented::new(1, version)),
            Told::Next(_) => panic!("it would count twice"),
        }
    }
}
