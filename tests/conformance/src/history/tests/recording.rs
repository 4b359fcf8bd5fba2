//! What the recorder notes of a table, from the calls that a client makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skyport_core::kv::Table;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::{Error, Result};
use skyport_memory::Memory;

use super::super::{Answer, Call, Checker, Recorder};
use crate::lossy_kv::LostAnswers;

async fn table() -> Result<Arc<dyn KeyValueStore>> {
    let (memory, url) = (Memory::new(), ResourceUrl::new("memory", "t"));
    memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
    memory.table(&url, &TableSettings::default())
}

#[tokio::test(start_paused = true)]
async fn each_operation_stands_in_the_history_with_its_answer() -> Result<()> {
    let recorder = Recorder::around(table().await?);
    let texts: Table<String> = Table::new(recorder.clone());
    let word = "word".to_owned();
    texts.put(("p", "a"), &word).await?;
    assert!(texts.put(("p", "a"), &word).if_absent().await.is_err());
    texts.transact().put(("p", "b"), &word).delete(("p", "a")).await?;
    assert_eq!(texts.query("p").collect().await?.len(), 1);
    texts.increment(("p", "n"), 2).await?;
    assert!(texts.increment(("p", "b"), 2).await.is_err());
    let history = recorder.history();
    let shown: Vec<String> = history.entries.iter().map(|entry| entry.to_string()[13..].to_owned()).collect();
    let expected = [
        "put p a = \"word\" -> 1",
        "put p a = \"word\" if absent -> already_exists",
        "put p b = \"word\"; delete p a -> 2, -",
        "read p b -> \"word\" at 2",
        // The page has shown that it is gone.
        "read p a -> nothing",
        "increment p n by 2 -> 2 at 3",
        "increment p b by 2 -> invalid_argument",
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        Checker::default().check(&history).map_err(|error| Error::internal(error.to_string()))?.operations,
        7
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_of_unknown_fate_and_a_refusal_before_it_is_nothing() -> Result<()> {
    let line = LostAnswers::new(table().await?);
    let recorder = Recorder::around(line.clone());
    let texts: Table<i64> = Table::new(recorder.clone());
    line.lose(1);
    assert!(texts.put("a", &1).await.is_err());
    assert_eq!(recorder.history().entries[0].answer, Answer::Unknown);
    let memory = Memory::new();
    let missing =
        Recorder::around(memory.table(&ResourceUrl::new("memory", "none"), &TableSettings::default())?);
    assert!(Table::<i64>::new(missing.clone()).put("a", &1).await.is_err());
    assert!(missing.history().entries.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_never_ends() -> Result<()> {
    let slow = Memory::new();
    let url = ResourceUrl::new("memory", "t");
    slow.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
    slow.faults().inject_everywhere(skyport_memory::Fault::slow(Duration::from_secs(5)));
    let recorder = Recorder::around(slow.table(&url, &TableSettings::default())?);
    let counters: Table<i64> = Table::new(recorder.clone());
    let put = counters.put("a", &1);
    assert!(tokio::time::timeout(Duration::from_secs(1), put).await.is_err());
    let entries = recorder.history().entries;
    assert!(entries[0].answered.is_none() && !entries[0].is_certain());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_repeated_may_be_applied_as_often_as_an_answer_was_lost() -> Result<()> {
    let line = LostAnswers::new(table().await?);
    let recorder = Recorder::around_retries(line.clone(), |table| Retry::default().table(table));
    let counters: Table<i64> = Table::new(recorder.clone());
    counters.put("a", &0).await?;
    line.lose(1);
    counters.put("a", &1).await?;
    line.lose(3);
    assert!(counters.put("a", &2).await.is_err());
    // What never arrived was answered by nobody; that cannot be seen from here.
    line.refuse(1);
    let version = counters.put("a", &3).await?;
    line.lose(1);
    counters.put("a", &4).if_version(&version).await?;
    let repeats = recorder.history().entries.iter().map(|entry| entry.repeats).collect::<Vec<_>>();
    assert_eq!(repeats, [0, 1, 2, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_to_expire_is_left_out() -> Result<()> {
    let recorder = Recorder::around(table().await?);
    let counters: Table<i64> = Table::new(recorder.clone());
    counters.put(("p", "a"), &1).await?;
    counters.put(("p", "b"), &1).expires(Duration::from_secs(1)).await?;
    counters.put(("q", "a"), &1).await?;
    let entries = recorder.history().entries;
    assert!(
        matches!(&entries[..], [one] if matches!(&one.call, Call::Write(writes) if &*writes[0].key.partition == "q"))
    );
    Ok(())
}

/// The checker sees what a retry that lies would do: the answer of the second attempt for the first.
#[tokio::test(start_paused = true)]
async fn an_increment_that_a_layer_repeats_under_another_token_is_found() -> Result<()> {
    let line = LostAnswers::new(table().await?);
    let retried = Retry::default().table(line.clone());
    let (honest, naive) = (Recorder::around(retried), Recorder::around(line.clone()));
    line.lose(1);
    Table::<i64>::new(honest.clone()).increment("n", 1).await?;
    Checker::default().check(&honest.history()).map_err(|error| Error::internal(error.to_string()))?;

    // Noted as one call, made as two.
    let count = AtomicU32::new(0);
    let counters = Table::<i64>::new(naive.clone());
    line.lose(1);
    while counters.increment("m", 1).await.is_err() {
        count.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(count.into_inner(), 1);
    let mut history = naive.history();
    history.entries.remove(0);
    assert!(Checker::default().check(&history).is_err(), "one call counted twice:\n{history}");
    Ok(())
}
