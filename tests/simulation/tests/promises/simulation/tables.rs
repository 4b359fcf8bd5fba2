//! Tables: what concurrent clients see through retries has an order, and nothing is counted twice or lost.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::Value;
use skyport::prelude::*;
use skyport::testing::{Driven, Simulation, Test};
use skyport_conformance::history::{COUNTER, Checked, Checker, Client, PARTITION, Recorder, tolerate};
use skyport_core::layers::{Layer, Retry};

use super::of_client;

#[derive(Resources)]
struct Desk {
    table: Table<Value>,
}

fn app() -> App<Desk> {
    App::new("desk")
}

/// The table as an application has it, and the notes of what is done with it.
fn recorded(test: &Test<Desk>) -> (Table<Value>, Arc<Recorder>) {
    let port = Arc::clone(test.resources().table.port());
    let recorder = Recorder::around_retries(port, |table| Retry::default().table(table));
    (Table::new(recorder.clone()), recorder)
}

/// Five at once, each some dozens of operations; any may crash in the middle of one, and goes on with the next.
async fn clients(test: &Test<Desk>, seed: u64) -> Arc<Recorder> {
    const CLIENTS: usize = 5;
    let (table, recorder) = recorded(test);
    let clients = (0..CLIENTS).map(async |name| {
        let mut client = Client::new(&table, name, of_client(seed, name));
        for _ in 0..20 {
            if let Ok(done) = test.memory().invocation(&[], client.step()).await {
                done.expect("nothing but what a client has to expect");
            }
        }
    });
    join_all(clients).await;
    test.calm();
    Client::new(&table, CLIENTS, 0).read_all().await.expect("the faults have ended");
    recorder
}

/// Many at once on one counter: more than an item remembers. What they add makes sums that are mistaken for no others.
async fn counters(test: &Test<Desk>, seed: u64) -> Arc<Recorder> {
    let (table, recorder) = recorded(test);
    let clients = (0..24).map(async |name| {
        let mut random = fastrand::Rng::with_seed(of_client(seed, name));
        for _ in 0..6 {
            let counting = async { table.increment((PARTITION, COUNTER), random.i64(1..1 << 40)).await };
            if let Ok(counted) = test.memory().invocation(&[], counting).await {
                tolerate(counted).expect("nothing but what a client has to expect");
            }
        }
    });
    join_all(clients).await;
    test.calm();
    table.get((PARTITION, COUNTER)).await.expect("the faults have ended");
    recorder
}

/// Three move amounts between two accounts.
async fn transfers(test: &Test<Desk>, seed: u64) -> Arc<Recorder> {
    let (table, recorder) = recorded(test);
    let (a, b) = ((PARTITION, "a"), (PARTITION, "b"));
    for account in [a, b] {
        // Until it is seen: neither a put nor a read that fails tells whether it is there, and only the first put creates.
        while !matches!(table.get(account).await, Ok(Some(_))) {
            tolerate(table.put(account, &Value::from(100)).if_absent().await).expect("a put");
        }
    }
    let movers = (0..3).map(async |name| {
        let mut random = fastrand::Rng::with_seed(of_client(seed, name));
        for _ in 0..12 {
            let moving = transfer(&table, random.i64(-50..50));
            if let Ok(moved) = test.memory().invocation(&[], moving).await {
                tolerate(moved).expect("nothing but what a client has to expect");
            }
        }
    });
    join_all(movers).await;
    test.calm();
    for account in [a, b] {
        table.get(account).await.expect("the faults have ended");
    }
    recorder
}

async fn transfer(table: &Table<Value>, amount: i64) -> skyport::Result<()> {
    let (a, b) = ((PARTITION, "a"), (PARTITION, "b"));
    let (Some(one), Some(other)) = (table.get(a).await?, table.get(b).await?) else { return Ok(()) };
    let (less, more) = (one.as_i64().unwrap_or(0) - amount, other.as_i64().unwrap_or(0) + amount);
    let transaction = table
        .transact()
        .put(a, &Value::from(less))
        .if_version(one.version())
        .put(b, &Value::from(more))
        .if_version(other.version());
    transaction.await.map(drop)
}

async fn nothing_was_made_or_lost(desk: &Desk, _: &Arc<Recorder>) -> Result<(), skyport::BoxError> {
    let mut sum = 0;
    for account in ["a", "b"] {
        sum += desk.table.get((PARTITION, account)).await?.and_then(|amount| amount.as_i64()).unwrap_or(0);
    }
    if sum == 200 { Ok(()) } else { Err(format!("200 became {sum}").into()) }
}

type Histories = Simulation<Desk, Driven<Desk, Arc<Recorder>>>;

/// With the check that every history has an order; what was checked is recorded with the figures.
fn linearizable(name: &'static str, driven: Histories, more: impl FnOnce(Histories) -> Histories) {
    let all = Arc::new(Mutex::new(Checked::default()));
    let sum = Arc::clone(&all);
    let driven = driven.check(async move |_: &Desk, recorder: &Arc<Recorder>| {
        let checked = Checker::default().check(&recorder.history())?;
        *sum.lock().unwrap() += checked;
        Ok(())
    });
    let report = more(driven).run();
    let Checked { operations, unknown, steps, .. } = *all.lock().unwrap();
    assert!(operations > 0);
    let figures =
        format!("{report}; {operations} operations checked, {unknown} of unknown fate, {steps} steps");
    skyport_figures::record(&format!("simulation::{name}"), &figures);
}

#[test]
fn operations_of_clients_that_retry_and_crash_have_an_order() {
    linearizable("tables", Simulation::new("tables", app).seeds(30).drive(clients), |all| all);
}

#[test]
fn increments_are_never_counted_twice_and_have_an_order() {
    linearizable("counters", Simulation::new("counters", app).seeds(30).drive(counters), |all| all);
}

#[test]
fn transfers_between_two_accounts_keep_their_sum() {
    linearizable("transfers", Simulation::new("transfers", app).seeds(30).drive(transfers), |all| {
        all.check(nothing_was_made_or_lost)
    });
}
