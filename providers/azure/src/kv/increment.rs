//! Increments: read, and written where nobody came between; never applied twice.
//!
//! What was applied stands in the item's [`Slots`], which are written together with the sum. A put replaces the whole row, and with it
//! what a counter remembers: it says when, so that a repetition whose trace may have been there is told so. Whether that was since it
//! began Azure's clock tells, where the caller's is ahead. Increments of one
//! counter in one process wait for each other, and go together in one write; those of several meet, and try again.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::{Either, select};
use skyport_core::clock::{from_millis, to_millis};
use skyport_core::kv::port::{Increment, Incremented, Key, RawVersion};
use skyport_core::kv::rounds::Rounds;
use skyport_core::kv::slots::{Slots, add, read_counter, untraceable};
use skyport_core::kv::stored::name_attempt;
use skyport_core::kv::turns::Turn;
use skyport_core::{Error, Result};

use super::client::{Failure, unreadable};
use super::entity::{Content, Stored, Written, foreign, stored_expiry};
use super::operation::{Operation, Verb};
use super::stamp::{Etag, Stamp};
use super::waiting::Waiting;
use super::{AzureTable, key};
use crate::provision::NAME;

/// Clocks that are further apart are seen to be.
const TOLD_APART: Duration = Duration::from_secs(1);

/// What an increment makes of its counter.
#[derive(Clone, Debug)]
struct Next {
    sum: i64,
    attempt: String,
    expires: Option<u64>,
    row: Written,
    /// What has to be there still.
    expected: Option<Etag>,
}

/// What the item tells of an increment.
#[derive(Debug)]
enum Told {
    Applied(Incremented),
    Next(Box<Next>),
}

impl AzureTable {
    pub(super) async fn add(&self, increment: &Increment) -> Result<Incremented> {
        let mut increment = increment.clone();
        let mut in_doubt = false;
        let stop = Rounds::new().stop();
        loop {
            let mut answer = self.waiting.enter(&increment);
            let turn = Box::pin(self.turns.of(&increment.key, stop));
            let told = match select(&mut answer, turn).await {
                Either::Left((told, _)) => told,
                Either::Right((Ok(turn), _)) => {
                    // What it is part of it is told of itself, unless one before has it done.
                    self.add_together(&increment.key, turn).await;
                    answer.await
                }
                Either::Right((Err(contended), _)) => {
                    if self.waiting.leave(&increment) {
                        Ok(Err(contended.with_provider(NAME)))
                    } else {
                        answer.await
                    }
                }
            };
            match told {
                Ok(Err(error)) if in_doubt => return Err(error.with_ambiguous(true)),
                Ok(result) => return result,
                // Whoever took it along was dropped on the way: it may be applied, whatever is said of it later.
                Err(_) => (increment.repeated, in_doubt) = (true, true),
            }
        }
    }

    /// Applies all increments that wait for this counter, as far as each has a slot of its own, and tells them.
    async fn add_together(&self, key: &Key, turn: Turn<'_, Stored<'static>>) {
        let waiting = self.waiting.take(key);
        if waiting.is_empty() {
            return;
        }
        let mut rounds = Rounds::new();
        let mut left = turn.take();
        let failure = loop {
            // What is repeated goes by what Azure tells now, and when that was.
            let repeated = waiting.iter().any(|one| one.increment.repeated);
            let (known, there) = match left.take().filter(|_| !repeated) {
                Some(there) => (true, Ok(Some(there))),
                None => (false, self.stored(key, None).await),
            };
            let there = match there {
                Ok(there) => there,
                Err(error) => break error,
            };
            let group = Group::of(&waiting, there, self.now());
            // What the one before left is as good as read where all of it leads to a write: Azure compares.
            if known && group.told.iter().any(|told| !matches!(told, Ok(Told::Next(_)))) {
                continue;
            }
            match self.write_group(key, &group).await {
                Ok(stamp) => {
                    if let (Some(next), Some(stamp)) = (&group.last, &stamp) {
                        turn.leave(Stored::counted(next.sum, next.row.clone(), stamp.clone(), self.now()));
                    }
                    return group.tell(waiting, stamp);
                }
                // A rival was faster.
                Err(failure) if failure.is_changed() => {}
                Err(failure) => break failure.into(),
            }
            if let Err(contended) = rounds.again().await {
                break contended;
            }
        };
        for one in waiting {
            one.tell(Err(failure.again().with_provider(NAME)));
        }
    }

    /// Writes what a group makes of its counter, where that is anything.
    async fn write_group(&self, key: &Key, group: &Group) -> Result<Option<Stamp>, Failure> {
        let Some(Next { expires, row, .. }) = &group.last else { return Ok(None) };
        let stored = key::partition(&key.partition);
        let verb = match &group.expected {
            Some(etag) => Verb::Replace(row.clone(), Some(etag.clone())),
            None => Verb::Insert(row.clone()),
        };
        let mut operations = vec![Operation { row: key::item(&key.sort), verb }];
        if self.mirrored {
            operations.push(Operation {
                row: key::mirror(&key.sort),
                verb: Verb::Replace(Written::mirror(), None),
            });
        }
        let etags = self.partition(&stored).apply(&operations).await?;
        let etag = etags.into_iter().next().flatten().ok_or_else(unreadable)?;
        Ok(Some(Stamp { etag, expires: *expires }))
    }
}

/// Increments that are written together: each adds to what the one before it made.
#[derive(Debug)]
struct Group {
    told: Vec<Result<Told>>,
    /// What is written.
    last: Option<Next>,
    /// What has to be there still.
    expected: Option<Etag>,
}

impl Group {
    fn of(waiting: &[Waiting], there: Option<Stored<'static>>, now: u64) -> Self {
        let expected = there.as_ref().map(|there| there.etag.clone());
        let ahead = Duration::from_millis(there.as_ref().map_or(0, |there| there.ahead));
        let (mut there, mut last) = (there, None);
        let mut all = Vec::with_capacity(waiting.len());
        for one in waiting {
            let told = told(&by_azures_clock(&one.increment, ahead), there.as_ref(), now);
            if let Ok(Told::Next(next)) = &told {
                let etag = next.expected.clone().unwrap_or_else(Etag::of_nothing);
                let stamp = Stamp { etag, expires: next.expires };
                there = Some(Stored::counted(next.sum, next.row.clone(), stamp, now));
                last = Some(Next::clone(next));
            }
            all.push(told);
        }
        Self { told: all, last, expected }
    }

    fn tell(self, waiting: Vec<Waiting>, stamp: Option<Stamp>) {
        let last = self.last.map(|next| next.attempt);
        for (one, told) in waiting.into_iter().zip(self.told) {
            one.tell(match told {
                Ok(Told::Applied(done)) => Ok(done),
                Ok(Told::Next(next)) => {
                    let Next { sum, attempt, .. } = *next;
                    // What was changed in the same write has a version that no item has any more.
                    let version = match &stamp {
                        Some(stamp) if last.as_ref() == Some(&attempt) => stamp.version(&attempt),
                        _ => RawVersion::new(attempt),
                    };
                    Ok(Incremented::new(sum, version))
                }
                Err(error) => Err(error.with_provider(NAME)),
            });
        }
    }
}

/// The increment as it began by Azure's clock, where the own one is seen to be ahead of that: what rivals left since would else seem to
/// have been there before. Azure tells whole seconds, so that within one the two cannot be told apart.
fn by_azures_clock(increment: &Increment, ahead: Duration) -> Increment {
    let mut increment = increment.clone();
    if increment.repeated && ahead > TOLD_APART {
        increment.started = increment.started.checked_sub(ahead).unwrap_or(UNIX_EPOCH);
    }
    increment
}

/// What follows from what is there.
fn told(increment: &Increment, there: Option<&Stored<'_>>, now: u64) -> Result<Told> {
    let Some(there) = there else {
        let base = Base { expires: increment.expires.map(stored_expiry), ..Base::default() };
        return made(increment, base, now);
    };
    let json = there.row.slots.text()?;
    // A row that only a put has written was put no earlier than Azure says: a clock that is behind is not believed.
    let fresh = json.is_none();
    let put_at =
        there.row.put_at.millis()?.map(|put_at| if fresh { put_at.max(there.written) } else { put_at });
    let slots: Slots = match json {
        Some(json) => serde_json::from_str(json)
            .map_err(|error| foreign("what it remembers of increments is none").with_source(error))?,
        None => Slots::default(),
    };
    if let Some(mut applied) = slots.find(increment)? {
        // The slot was written before Azure gave it an etag: unless somebody wrote since, the item tells.
        if Some(applied.version.as_str()) == there.write() {
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
        let value = read_counter(&there.row.value()?)?;
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
    let mut row = Written::item(Content::Counter(sum), attempt.clone(), expires, put_at);
    row.slots = Some(json);
    Ok(Told::Next(Box::new(Next { sum, attempt, expires, row, expected })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::entity;
    use crate::kv::row::Row;
    use skyport_core::{ErrorKind, Token};

    /// In milliseconds, as below.
    const WRITTEN: u64 = 1_795_720_808_123;
    const TIMESTAMP: &str = "2026-11-26T19:20:08.1234567Z";

    fn increment(bits: u128, started: u64) -> Increment {
        let mut increment = Increment::new(Key::new("p", "n"), 1, from_millis(started));
        increment.token = Token::from_bits(bits);
        increment
    }

    fn there(row: &Written) -> Option<Stored<'static>> {
        let json = entity::tests::there(row, TIMESTAMP);
        let row = Row::read(&json).expect("a row");
        Some(Stored::read(row, None).expect("an item").into_owned())
    }

    fn next(told: Result<Told>) -> Next {
        match told.expect("told") {
            Told::Next(next) => *next,
            Told::Applied(done) => panic!("it was not applied yet: {done:?}"),
        }
    }

    #[test]
    fn a_trace_is_no_older_than_what_was_there_whatever_the_clock_of_who_left_it_says() {
        let row = Written::item(Content::Counter(1), "0".repeat(40), None, None);
        // The clock of the other is an hour behind.
        let behind = WRITTEN - 3_600_000;
        let left = next(told(&increment(3 + 16, behind), there(&row).as_ref(), behind));
        let mut lost = increment(3, WRITTEN - 5_000);
        lost.repeated = true;
        let error = told(&lost, there(&left.row).as_ref(), WRITTEN).expect_err("it may have been after it");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
    }

    #[test]
    fn a_clock_that_is_ahead_makes_no_repetition_count_twice() {
        // A rival took the slot of one whose answer was lost, and who has a clock that is an hour ahead.
        let left = next(told(&increment(3 + 16, WRITTEN), None, WRITTEN));
        let hour = 3_600_000;
        let mut lost = increment(3, WRITTEN - 500 + hour);
        lost.repeated = true;
        let (now, ahead) = (WRITTEN + 900 + hour, Duration::from_millis(hour + 900));
        let error = told(&by_azures_clock(&lost, ahead), there(&left.row).as_ref(), now);
        assert_eq!(error.expect_err("it may have been before it").kind(), ErrorKind::Indeterminate);
        // So it is with a put.
        let row = Written::item(Content::Counter(1), "0".repeat(40), None, Some(WRITTEN));
        assert!(told(&by_azures_clock(&lost, ahead), there(&row).as_ref(), now).is_err());
        // What was there before it began is in nobody's way, and a first attempt goes by its own clock.
        let before = |increment: &Increment, ahead| by_azures_clock(increment, ahead).started;
        assert!(before(&lost, ahead) < from_millis(WRITTEN));
        let right = {
            let mut right = increment(3, WRITTEN);
            right.repeated = true;
            right
        };
        assert_eq!(before(&right, Duration::from_millis(999)), right.started);
        assert_eq!(before(&increment(3, WRITTEN), ahead), from_millis(WRITTEN));
    }

    #[test]
    fn a_put_forgets_increments_and_says_since_when() {
        // The clock of whoever put it is an hour behind.
        let row = Written::item(Content::Counter(100), "0".repeat(40), None, Some(WRITTEN - 3_600_000));
        let mut lost = increment(3, WRITTEN - 5_000);
        assert_eq!(next(told(&lost, there(&row).as_ref(), WRITTEN)).sum, 101, "a first attempt may go on");
        lost.repeated = true;
        let error = told(&lost, there(&row).as_ref(), WRITTEN).expect_err("its trace may be gone");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
        // An increment since then keeps that.
        let left = next(told(&increment(4, WRITTEN), there(&row).as_ref(), WRITTEN));
        assert!(told(&lost, there(&left.row).as_ref(), WRITTEN).is_err());
        lost.started = from_millis(WRITTEN + 1);
        assert_eq!(next(told(&lost, there(&row).as_ref(), WRITTEN)).sum, 101, "the put was before it began");
    }

    #[test]
    fn a_repetition_finds_itself_and_the_version_that_it_gave() {
        let first = increment(7, WRITTEN);
        let left = next(told(&first, None, WRITTEN));
        let version = there(&left.row).expect("a row").live(WRITTEN).expect("alive");
        match told(&first, there(&left.row).as_ref(), WRITTEN).expect("told") {
            Told::Applied(done) => assert_eq!(done, Incremented::new(1, version)),
            Told::Next(_) => panic!("it would count twice"),
        }
    }
}
