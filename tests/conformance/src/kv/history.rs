//! What concurrent clients see is what one after the other could have seen, whatever they do to the same few keys.

use std::sync::Arc;

use fastrand::Rng;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::{BoxError, Error};

use crate::case::{CaseResult, Context, Outcome, cases};
use crate::history::{COUNTER, Checked, Checker, Client, PARTITION, Recorder, tolerate};
use crate::lossy_kv::LostAnswers;

cases![
    operations_of_concurrent_clients_have_an_order,
    operations_have_an_order_where_answers_get_lost_and_calls_are_repeated,
    every_increment_of_concurrent_clients_has_its_place_in_the_order,
    transactions_of_concurrent_clients_are_never_seen_in_half,
];

/// So many clients at once, each with so many operations.
const CLIENTS: usize = 4;
const OPERATIONS: usize = 15;

type Values = Table<Value>;

/// Checks what was recorded, and that it was not nothing; the figures stand under the row's name.
fn judge(cx: &Context, what: &str, recorder: &Recorder, least: usize) -> Result<Checked, BoxError> {
    let checked = Checker::default().check(&recorder.history())?;
    assert!(checked.operations >= least, "this is too little to tell: {checked:?}");
    let Checked { operations, unknown, keys, steps } = checked;
    skyport_figures::record(
        &format!("history::{}::{what}", cx.row()),
        &format!(
            "{operations} operations checked on {keys} keys, {unknown} more of unknown fate, {steps} steps, 0 violations"
        ),
    );
    Ok(checked)
}

async fn operations_of_concurrent_clients_have_an_order(cx: Context) -> CaseResult {
    let recorder = Recorder::around(cx.table().await?);
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let mut client = Client::new(&table, name, name as u64);
        async move {
            for _ in 0..OPERATIONS {
                client.step().await?;
            }
            Ok::<_, Error>(())
        }
    });
    try_join_all(clients).await?;
    Client::new(&table, CLIENTS, 0).read_all().await?;
    judge(&cx, "plain", &recorder, CLIENTS * OPERATIONS / 2)?;
    Ok(Outcome::Passed)
}

async fn operations_have_an_order_where_answers_get_lost_and_calls_are_repeated(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let recorder = Recorder::around_retries(line.clone(), |table| Retry::default().table(table));
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let mut client = Client::new(&table, name, (name + CLIENTS) as u64);
        let line = Arc::clone(&line);
        async move {
            for _ in 0..OPERATIONS {
                match client.draw(10) {
                    0 | 1 => line.lose(1),
                    2 => line.refuse(1),
                    // More than are tried again.
                    3 => line.lose(3),
                    _ => {}
                }
                client.step().await?;
            }
            Ok::<_, Error>(())
        }
    });
    try_join_all(clients).await?;
    line.lose(0);
    line.refuse(0);
    Client::new(&table, CLIENTS, 0).read_all().await?;
    judge(&cx, "lost answers", &recorder, CLIENTS * OPERATIONS / 2)?;
    Ok(Outcome::Passed)
}

async fn every_increment_of_concurrent_clients_has_its_place_in_the_order(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let recorder = Recorder::around_retries(line.clone(), |table| Retry::default().table(table));
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let (table, line, mut random) = (table.clone(), Arc::clone(&line), Rng::with_seed(name as u64));
        async move {
            for _ in 0..OPERATIONS {
                if random.u8(0..4) == 0 {
                    line.lose(random.u32(1..=2));
                }
                tolerate(table.increment((PARTITION, COUNTER), random.i64(-3..=5)).await)?;
                if random.u8(0..4) == 0 {
                    table.get((PARTITION, COUNTER)).await?;
                }
            }
            Ok::<_, Error>(())
        }
    });
    try_join_all(clients).await?;
    line.lose(0);
    Client::new(&table, CLIENTS, 0).read_all().await?;
    judge(&cx, "increments", &recorder, CLIENTS * OPERATIONS / 2)?;
    Ok(Outcome::Passed)
}

/// One moves an amount between two accounts, others look at both: none is ever created or lost.
async fn transactions_of_concurrent_clients_are_never_seen_in_half(cx: Context) -> CaseResult {
    let recorder = Recorder::around(cx.table().await?);
    let table: Values = Table::new(recorder.clone());
    let started = table.transact().put(("p", "a"), &json!(100)).put(("p", "b"), &json!(100)).await?;
    assert_eq!(started.len(), 2);
    let movers = (0..3).map(|name| {
        let (table, mut random) = (table.clone(), Rng::with_seed(name));
        async move {
            for _ in 0..8 {
                let (Some(a), Some(b)) = (table.get(("p", "a")).await?, table.get(("p", "b")).await?) else {
                    return Err(Error::internal("an account is gone"));
                };
                let amount = random.i64(1..50);
                let (less, more) = (a.as_i64().unwrap_or(0) - amount, b.as_i64().unwrap_or(0) + amount);
                let moved = table
                    .transact()
                    .put(("p", "a"), &json!(less))
                    .if_version(a.version())
                    .put(("p", "b"), &json!(more))
                    .if_version(b.version());
                tolerate(moved.await)?;
                tolerate(table.query("p").collect().await)?;
            }
            Ok(())
        }
    });
    try_join_all(movers).await?;
    let all = table.query("p").collect().await?;
    let sum: i64 = all.iter().filter_map(|entry| entry.as_i64()).sum();
    assert_eq!((all.len(), sum), (2, 200), "{all:?}");
    judge(&cx, "transactions", &recorder, 40)?;
    Ok(Outcome::Passed)
}
