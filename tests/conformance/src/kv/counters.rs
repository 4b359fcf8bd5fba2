//! Increments: atomic, never applied twice.

use futures_util::future::join_all;
use skyport_core::kv::Table;
use skyport_core::kv::port::{Increment, Key};
use skyport_core::{ErrorKind, Json};

use super::{refused, text, texts};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_missing_counter_counts_as_nothing,
    increments_by_fifty_tasks_sum_up,
    a_counter_is_an_integer_in_json,
    what_is_no_integer_is_left_alone,
    an_overflow_changes_nothing,
    the_same_token_counts_once,
    the_same_token_counts_once_where_the_clock_was_set_back,
    a_counter_that_was_deleted_begins_anew,
    a_plain_write_keeps_what_a_counter_remembers,
    a_batch_and_a_transaction_keep_what_a_counter_remembers,
];

async fn a_missing_counter_counts_as_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert_eq!(table.increment("n", 5).await?, 5);
    assert_eq!(table.increment("n", -7).await?, -2);
    table.delete("n").await?;
    assert_eq!(table.increment("n", 1).await?, 1);
    Ok(Outcome::Passed)
}

async fn increments_by_fifty_tasks_sum_up(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let one = |_| {
        let table = table.clone();
        tokio::spawn(async move { table.increment(("p", "n"), 1).await })
    };
    let mut seen = Vec::new();
    for result in join_all((0..50).map(one)).await {
        seen.push(result??);
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=50).collect::<Vec<i64>>());
    assert_eq!(table.increment(("p", "n"), 0).await?, 50);
    Ok(Outcome::Passed)
}

async fn a_counter_is_an_integer_in_json(cx: Context) -> CaseResult {
    let table: Table<i64> = texts(&cx).await?.with_type::<i64, Json>();
    table.put(("p", "n"), &41).await?;
    assert_eq!(table.increment(("p", "n"), 1).await?, 42);
    assert_eq!(table.get(("p", "n")).await?.ok_or("no counter")?.value, 42);
    assert_eq!(table.query("p").collect().await?[0].value, 42);
    table.update(("p", "n"), |n| Ok(skyport_core::kv::Update::Put(n.unwrap_or(0) * 2))).await?;
    assert_eq!(table.increment(("p", "n"), 1).await?, 85);
    Ok(Outcome::Passed)
}

async fn what_is_no_integer_is_left_alone(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("a", &text("words")).await?;
    refused(table.increment("a", 1).await, ErrorKind::InvalidArgument);
    assert_eq!(table.get("a").await?.ok_or("no item")?.version(), &version);
    Ok(Outcome::Passed)
}

async fn an_overflow_changes_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert_eq!(table.increment("n", i64::MAX).await?, i64::MAX);
    refused(table.increment("n", 1).await, ErrorKind::InvalidArgument);
    assert_eq!(table.increment("n", -1).await?, i64::MAX - 1);
    table.increment("m", i64::MIN).await?;
    refused(table.increment("m", -1).await, ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn the_same_token_counts_once(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let key = Key::new("p", "n");
    let mut increment = Increment::new(key.clone(), 3, store.info().clock.now());
    let first = store.increment(increment.clone()).await?;
    store.increment(Increment::new(key, 10, store.info().clock.now())).await?;
    increment.repeated = true;
    // A foreign increment may have taken the slot: then the answer is that nobody knows, and never a second count.
    match store.increment(increment).await {
        Ok(again) => assert_eq!(again.value, first.value),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}"),
    }
    let table = Table::<i64>::new(store);
    assert_eq!(table.get(("p", "n")).await?.ok_or("no counter")?.value, 13);
    Ok(Outcome::Passed)
}

/// Its trace is then older than the call seems to be.
async fn the_same_token_counts_once_where_the_clock_was_set_back(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let mut increment =
        Increment::new(Key::new("n", ""), 3, store.info().clock.now() + super::SECOND * 3_600);
    let first = store.increment(increment.clone()).await?;
    for repeated in [false, true] {
        increment.repeated = repeated;
        assert_eq!(store.increment(increment.clone()).await?, first);
    }
    Ok(Outcome::Passed)
}

async fn a_counter_that_was_deleted_begins_anew(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let table = Table::<i64>::new(store.clone());
    let started = store.info().clock.now();
    let mut old = Increment::new(Key::new("n", ""), 5, started);
    let first = store.increment(old.clone()).await?;
    table.delete("n").await?;
    let second = store.increment(Increment::new(Key::new("n", ""), 2, started)).await?;
    assert_eq!((first.value, second.value), (5, 2));
    assert_ne!(first.version, second.version, "a version is never reused");
    // What the deleted counter was told is not part of this one: a repetition counts here, or says that nobody knows.
    old.repeated = true;
    let expected = match store.increment(old).await {
        Ok(again) => {
            assert_ne!(again.version, first.version, "a version is never reused, not by a repetition either");
            again.value
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}");
            2
        }
    };
    assert!([2, 7].contains(&expected), "{expected}");
    assert_eq!(table.get("n").await?.ok_or("no counter")?.value, expected);
    for _ in 0..20 {
        table.delete("n").await?;
        assert_eq!(table.increment("n", 3).await?, 3);
    }
    Ok(Outcome::Passed)
}

async fn a_plain_write_keeps_what_a_counter_remembers(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let table = Table::<i64>::new(store.clone());
    let mut increment = Increment::new(Key::new("n", ""), 5, store.info().clock.now());
    store.increment(increment.clone()).await?;
    table.put("n", &100).await?;
    increment.repeated = true;
    match store.increment(increment).await {
        Ok(again) => assert_eq!(again.value, 5),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}"),
    }
    assert_eq!(table.get("n").await?.ok_or("no counter")?.value, 100, "it was not applied twice");
    Ok(Outcome::Passed)
}

async fn a_batch_and_a_transaction_keep_what_a_counter_remembers(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let table = Table::<i64>::new(store.clone());
    for sort in ["by a batch", "by a transaction"] {
        let mut increment = Increment::new(Key::new("p", sort), 5, store.info().clock.now());
        store.increment(increment.clone()).await?;
        if sort == "by a batch" {
            for result in table.put_many([(("p", sort), &100)]).await {
                result?;
            }
        } else {
            table.transact().put(("p", sort), &100).await?;
        }
        increment.repeated = true;
        match store.increment(increment).await {
            Ok(again) => assert_eq!(again.value, 5),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}"),
        }
        let there = table.get(("p", sort)).await?.ok_or("no counter")?.value;
        assert_eq!(there, 100, "it was applied twice, {sort}");
    }
    Ok(Outcome::Passed)
}
