//! What concurrent clients see is what one after the other could have seen, whatever they do to the same few keys.

use std::sync::Arc;

use fastrand::Rng;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use skyport_core::kv::{Table, Update, Version};
use skyport_core::layers::{Layer, Retry};
use skyport_core::{BoxError, Error, ErrorKind, Result};

use crate::case::{CaseResult, Context, Outcome, cases};
use crate::history::{Checked, Checker, Recorder};
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

/// All in one partition, so that queries and transactions reach them.
const KEYS: [&str; 3] = ["a", "b", "c"];
const COUNTER: &str = "n";

type Values = Table<Value>;

/// What has been refused, or is not known, and what is only to be tried again: all that a client has to expect.
fn expected(error: &Error) -> bool {
    let kinds = [ErrorKind::AlreadyExists, ErrorKind::PreconditionFailed, ErrorKind::Conflict];
    let unknown = [ErrorKind::Indeterminate, ErrorKind::Unavailable, ErrorKind::Throttled];
    kinds.contains(&error.kind()) || unknown.contains(&error.kind())
}

fn tolerate<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if expected(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One client: what it writes nobody else does, and it remembers what it saw.
struct Client {
    table: Values,
    name: usize,
    written: u32,
    random: Rng,
    seen: Vec<(usize, Version)>,
}

impl Client {
    fn new(table: &Values, name: usize) -> Self {
        let random = Rng::with_seed(name as u64);
        Self { table: table.clone(), name, written: 0, random, seen: Vec::new() }
    }

    fn value(&mut self) -> Value {
        self.written += 1;
        json!(format!("{}-{}", self.name, self.written))
    }

    /// A key, and a version of it that was seen lately, where there is one.
    fn key(&mut self) -> (usize, Option<Version>) {
        let at = self.random.usize(0..KEYS.len());
        let version = self.seen.iter().rev().find(|(key, _)| *key == at).map(|(_, version)| version.clone());
        (at, version)
    }

    fn saw(&mut self, at: usize, version: Option<Version>) {
        self.seen.extend(version.map(|version| (at, version)));
    }

    async fn read(&mut self, at: usize) -> Result<()> {
        let found = tolerate(self.table.get(("p", KEYS[at])).await)?.flatten();
        self.saw(at, found.map(|entry| entry.version().clone()));
        Ok(())
    }

    async fn write(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let (key, value) = (("p", KEYS[at]), self.value());
        let put = self.table.put(key, &value);
        let put = match (self.random.u8(0..3), version) {
            (0, _) => put.if_absent(),
            (1, Some(version)) => put.if_version(&version),
            _ => put,
        };
        let written = tolerate(put.await)?;
        self.saw(at, written);
        Ok(())
    }

    async fn remove(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let delete = self.table.delete(("p", KEYS[at]));
        let delete = match version {
            Some(version) if self.random.bool() => delete.if_version(&version),
            _ => delete,
        };
        tolerate(delete.await).map(drop)
    }

    async fn update(&mut self, at: usize) -> Result<()> {
        let value = self.value();
        let updated = self.table.update(("p", KEYS[at]), |_| Ok(Update::Put(value.clone()))).await;
        let written = tolerate(updated)?.flatten();
        self.saw(at, written);
        Ok(())
    }

    async fn transact(&mut self, at: usize, version: Option<Version>) -> Result<()> {
        let (one, other) = (KEYS[at], KEYS[(at + 1) % KEYS.len()]);
        let value = self.value();
        let transaction = self.table.transact().put(("p", one), &value);
        let transaction = match version {
            Some(version) if self.random.bool() => transaction.if_version(&version),
            _ => transaction,
        };
        let transaction = if self.random.bool() {
            transaction.put(("p", other), &value)
        } else {
            transaction.delete(("p", other))
        };
        let versions = tolerate(transaction.await)?.unwrap_or_default();
        self.saw(at, versions.into_iter().next().flatten());
        Ok(())
    }

    /// Any of all that a table can do.
    async fn step(&mut self) -> Result<()> {
        let (at, version) = self.key();
        match self.random.u8(0..16) {
            0..=2 => self.read(at).await,
            3..=6 => self.write(at, version).await,
            7 => self.remove(at, version).await,
            8 | 9 => self.update(at).await,
            10 | 11 => tolerate(self.table.increment(("p", COUNTER), 1).await).map(drop),
            12 | 13 => self.transact(at, version).await,
            14 => tolerate(self.table.query("p").page_size(2).collect().await).map(drop),
            _ => {
                let (one, other) = (self.value(), self.value());
                let batch = [(("p", KEYS[at]), &one), (("p", KEYS[(at + 1) % KEYS.len()]), &other)];
                for written in self.table.put_many(batch).await {
                    tolerate(written)?;
                }
                for found in self.table.get_many(KEYS.map(|key| ("p", key))).await {
                    tolerate(found)?;
                }
                Ok(())
            }
        }
    }
}

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

/// What stands there in the end tells of writes that were lost.
async fn read_all(table: &Values) -> Result<()> {
    for key in KEYS.iter().chain([&COUNTER]) {
        table.get(("p", *key)).await?;
    }
    Ok(())
}

async fn operations_of_concurrent_clients_have_an_order(cx: Context) -> CaseResult {
    let recorder = Recorder::around(cx.table().await?);
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let mut client = Client::new(&table, name);
        async move {
            for _ in 0..OPERATIONS {
                client.step().await?;
            }
            Ok::<_, Error>(())
        }
    });
    try_join_all(clients).await?;
    read_all(&table).await?;
    judge(&cx, "plain", &recorder, CLIENTS * OPERATIONS / 2)?;
    Ok(Outcome::Passed)
}

async fn operations_have_an_order_where_answers_get_lost_and_calls_are_repeated(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let retry = Retry::default();
    let recorder = Recorder::around_retries(retry.table(line.clone()), 3);
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let mut client = Client::new(&table, name + CLIENTS);
        let line = Arc::clone(&line);
        async move {
            for _ in 0..OPERATIONS {
                match client.random.u8(0..10) {
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
    read_all(&table).await?;
    judge(&cx, "lost answers", &recorder, CLIENTS * OPERATIONS / 2)?;
    Ok(Outcome::Passed)
}

async fn every_increment_of_concurrent_clients_has_its_place_in_the_order(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let retry = Retry::default();
    let recorder = Recorder::around_retries(retry.table(line.clone()), 3);
    let table: Values = Table::new(recorder.clone());
    let clients = (0..CLIENTS).map(|name| {
        let (table, line, mut random) = (table.clone(), Arc::clone(&line), Rng::with_seed(name as u64));
        async move {
            for _ in 0..OPERATIONS {
                if random.u8(0..4) == 0 {
                    line.lose(random.u32(1..=2));
                }
                tolerate(table.increment(("p", COUNTER), random.i64(-3..=5)).await)?;
                if random.u8(0..4) == 0 {
                    table.get(("p", COUNTER)).await?;
                }
            }
            Ok::<_, Error>(())
        }
    });
    try_join_all(clients).await?;
    line.lose(0);
    read_all(&table).await?;
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
