//! A write whose future is dropped on its way: applied as a whole, or not at all.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use skyport_core::BoxError;
use skyport_core::kv::port::{Increment, Key, Write};
use skyport_core::kv::{Table, Update};

use super::{SECOND, Texts, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_transaction_that_is_dropped_is_applied_whole_or_not_at_all,
    a_write_that_is_dropped_leaves_the_old_value_or_the_new,
    an_increment_that_is_dropped_counts_once_or_not_at_all,
    an_update_that_is_dropped_leaves_one_of_its_values,
];

const ROUNDS: u32 = 24;

/// Polls a future so many times at most, and drops it wherever it is; whether it was done.
async fn poll_some<F: Future>(times: u32, future: F) -> bool {
    let mut future = pin!(future);
    for _ in 0..times {
        let done = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if done {
            return true;
        }
        // What it waits for goes on meanwhile: a moment of it, more with each round.
        tokio::time::sleep(std::time::Duration::from_micros(100 * u64::from(times))).await;
    }
    false
}

/// Gives what was under way when a future was dropped the time of a write to arrive. No cloud promises that it then has: a request that was
/// sent may be carried out after later ones, so what each dropped one would have left is counted with from there on.
async fn settled(table: &Texts) -> skyport_core::Result<()> {
    table.put(("p", "after"), &text("x")).await.map(drop)
}

/// What can be found where writes are dropped.
struct Left {
    last: String,
    dropped: BTreeSet<String>,
}

impl Left {
    fn new(last: &str) -> Self {
        Self { last: text(last), dropped: BTreeSet::new() }
    }

    /// After `next` was written, or dropped where it was not `done`, this was found.
    fn found(&mut self, found: String, next: String, done: bool) -> Result<(), BoxError> {
        let fits = found == next || (!done && found == self.last) || self.dropped.contains(&found);
        if !fits {
            return Err(
                format!("{found} after {next}, of {} before and {:?}", self.last, self.dropped).into()
            );
        }
        if !done {
            self.dropped.insert(next);
        }
        self.last = found;
        Ok(())
    }
}

async fn a_transaction_that_is_dropped_is_applied_whole_or_not_at_all(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let sorts: Vec<String> = (0..20).map(|number| format!("item {number}")).collect();
    let fill = |value: &str| {
        let value = text(value);
        sorts.iter().fold(table.transact(), |transaction, sort| transaction.put(("p", sort), &value))
    };
    fill("start").await?;
    let mut left = Left::new("start");
    for round in 0..ROUNDS {
        let next = round.to_string();
        let done = poll_some(round % 6, std::future::IntoFuture::into_future(fill(&next))).await;
        settled(&table).await?;
        let found = table.query("p").prefix("item ").collect().await?;
        assert_eq!(found.len(), sorts.len());
        let first = found[0].value.clone();
        assert!(found.iter().all(|entry| entry.value == first), "half of round {round} was applied");
        left.found(first, next, done)?;
    }
    Ok(Outcome::Passed)
}

async fn a_write_that_is_dropped_leaves_the_old_value_or_the_new(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let table: Texts = Table::new(store.clone());
    let mut left = Left::new("start");
    table.put("a", &left.last).await?;
    for round in 0..ROUNDS {
        let next = round.to_string();
        let write = Write::put(Key::new("a", ""), format!("\"{next}\"").into());
        let done = poll_some(round % 6, store.write(write)).await;
        settled(&table).await?;
        let found = value(&table, "a").await?.ok_or("the item is gone")?;
        left.found(found, next, done)?;
    }
    Ok(Outcome::Passed)
}

async fn an_increment_that_is_dropped_counts_once_or_not_at_all(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let (table, counters) = (Texts::new(store.clone()), Table::<i64>::new(store.clone()));
    for (last, round) in (0..).zip(0..ROUNDS) {
        // A later millisecond: an increment of the same one could have taken the slot, and then nobody knows.
        cx.pass(SECOND / 500).await;
        let mut increment = Increment::new(Key::new("n", ""), 1, store.info().clock.now());
        let done = poll_some(round % 6, store.increment(increment.clone())).await;
        settled(&table).await?;
        let found = counters.get("n").await?.map_or(0, |entry| entry.value);
        assert!(found == last + 1 || (!done && found == last), "{last}, then {found}");
        // Who repeats it after that, as one attempt of the same call, does not count it twice.
        increment.repeated = true;
        assert_eq!(store.increment(increment).await?.value, last + 1);
        assert_eq!(counters.get("n").await?.ok_or("no counter")?.value, last + 1);
    }
    Ok(Outcome::Passed)
}

async fn an_update_that_is_dropped_leaves_one_of_its_values(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    for round in 0..ROUNDS {
        let before = value(&table, "a").await?.unwrap_or_default();
        let longer = |old: Option<String>| Ok(Update::Put(old.unwrap_or_default() + "x"));
        poll_some(round % 8, table.update("a", longer)).await;
        settled(&table).await?;
        let after = value(&table, "a").await?.unwrap_or_default();
        let most = usize::try_from(round)? + 1;
        assert!(
            after.starts_with(&before) && after.len() <= most,
            "{before}, then {after}, of {most} updates"
        );
    }
    // And nothing that was dropped goes on by itself.
    cx.pass(SECOND / 5).await;
    let found = value(&table, "a").await?;
    cx.pass(SECOND / 5).await;
    assert_eq!(value(&table, "a").await?, found);
    Ok(Outcome::Passed)
}
