//! Queues: what was accepted is acknowledged or a dead letter, nothing else comes, and groups stay in order, whatever becomes of handlers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use skyport::memory::{Held, Memory};
use skyport::prelude::*;
use skyport::testing::{Simulation, Test};
use skyport_conformance::history::{Account, Ledger, Promises, tolerate};
use skyport_core::layers::{Layer, Retry};
use skyport_core::queue::Outgoing;
use skyport_core::queue::port::RawDelivery;
use skyport_core::worker::{Worker, WorkerConfig};
use skyport_core::{Outcome, Shutdown};
use tokio::time::Instant;

use super::of_client;

#[derive(Resources)]
struct Post {
    #[resource(max_attempts = 5)]
    letters: Queue<String>,
    #[resource(max_attempts = 5, ordered)]
    lines: Queue<String>,
    /// What handlers have done.
    done: Table<String>,
}

fn app() -> App<Post> {
    App::new("post")
}

const SECOND: Duration = Duration::from_secs(1);

/// Three senders and a worker whose handlers take their time, fail and crash; then the faults end, and the queue is received empty.
async fn run(test: &Test<Post>, queue: &Queue<String>, batch: usize, seed: u64) -> Arc<Ledger> {
    let ledger = Ledger::around(Retry::default().queue(Arc::clone(queue.port())));
    let queue: Queue<String> = Queue::new(ledger.clone());
    let stop = Shutdown::new();
    let working = tokio::spawn(worker(test, &ledger, batch, seed).run(stop.clone()));
    join_all((0..3).map(|name| send(&queue, name, of_client(seed, name)))).await;
    // Some more of the bad times, and then as long as it takes.
    let began = Instant::now();
    while ledger.open() > 0 && began.elapsed() < SECOND * 600 {
        collect(&queue, SECOND).await;
    }
    test.calm();
    let began = Instant::now();
    while ledger.open() > 0 && began.elapsed() < SECOND * 7_200 {
        collect(&queue, SECOND).await;
    }
    stop.trigger();
    working.await.expect("the worker ends by itself");
    drain(&queue).await;
    ledger
}

async fn send(queue: &Queue<String>, name: usize, seed: u64) {
    let (mut random, mut number) = (Rng::with_seed(seed), 0);
    let ordered = queue.info().settings.ordered;
    while number < 10 {
        let count = random.usize(1..=3);
        let texts: Vec<String> = (number..number + count).map(|number| format!("{name}-{number}")).collect();
        let outgoing = texts.iter().map(|text| {
            let outgoing = Outgoing::new(text).attribute("name", format!("{text} \u{e9}"));
            if ordered { outgoing.group(format!("group{name}")) } else { outgoing }
        });
        for sent in queue.send_all(outgoing).await {
            tolerate(sent).expect("nothing but what a sender has to expect");
        }
        number += count;
        tokio::time::sleep(Duration::from_millis(random.u64(0..3_000))).await;
    }
}

fn worker(test: &Test<Post>, ledger: &Arc<Ledger>, batch: usize, seed: u64) -> Worker {
    let mut config = WorkerConfig::default();
    (config.concurrency, config.batch, config.lease) = (4, batch, SECOND * 10);
    let (memory, done) = (test.memory().clone(), test.resources().done.clone());
    let random = Arc::new(Mutex::new(Rng::with_seed(of_client(seed, 99))));
    Worker::new(ledger.clone(), config, move |messages, _| {
        handle(memory.clone(), done.clone(), Arc::clone(&random), messages)
    })
}

/// One that crashes says nothing of its messages.
async fn handle(
    memory: Memory,
    done: Table<String>,
    random: Arc<Mutex<Rng>>,
    messages: Vec<RawDelivery>,
) -> Vec<Outcome> {
    let held: Vec<_> = messages.iter().map(Held::from).collect();
    let work = async {
        let mut outcomes = Vec::new();
        for message in &messages {
            let (takes, fate) = {
                let mut random = random.lock().unwrap();
                // At times longer than the lease.
                (Duration::from_millis(random.u64(0..15_000)), random.u8(0..20))
            };
            tokio::time::sleep(takes).await;
            let text = String::from_utf8_lossy(&message.body).into_owned();
            let effect = done.put(text.trim_matches('"'), &text).await;
            outcomes.push(match (effect, fate) {
                (Err(error), _) => Outcome::retry(error.to_string()),
                (Ok(_), 0..=3) => Outcome::retry("not today"),
                (Ok(_), 4) => Outcome::dead("never"),
                (Ok(_), _) => Outcome::Done,
            });
        }
        outcomes
    };
    memory.invocation(&held, work).await.unwrap_or_default()
}

/// Takes what came to the dead letters.
async fn collect(queue: &Queue<String>, wait: Duration) -> usize {
    let letters = queue.dead_letters().expect("it has dead letters");
    let received = letters.receive(10, wait, SECOND * 60).await;
    let received = tolerate(received).expect("a receive").unwrap_or_default();
    let count = received.len();
    for letter in received {
        tolerate(letter.ack().await.map_err(skyport::Error::from)).expect("an acknowledgement");
    }
    count
}

/// What is left is a duplicate, or was sent by one who does not know it.
async fn drain(queue: &Queue<String>) {
    // Longer than any lease or pause that is left.
    let wait = SECOND * 600;
    loop {
        let received = queue.receive(10, wait, SECOND * 60).await.expect("the faults have ended");
        if received.is_empty() {
            break;
        }
        for delivery in received {
            tolerate(delivery.ack().await.map_err(skyport::Error::from)).expect("an acknowledgement");
        }
    }
    while collect(queue, wait).await > 0 {}
}

/// Runs it over the seeds, and adds up the accounts.
fn balanced(
    name: &'static str,
    drive: impl AsyncFn(&Test<Post>, u64) -> Arc<Ledger> + Send + Sync + 'static,
) {
    let all = Arc::new(Mutex::new(Account::default()));
    let sum = Arc::clone(&all);
    let simulation = Simulation::new(name, app).seeds(30).drive(drive);
    let simulation = simulation.check(async move |_: &Post, ledger: &Arc<Ledger>| {
        let account = ledger.balance(Promises::default().in_order())?;
        *sum.lock().unwrap() += account;
        Ok(())
    });
    let report = simulation.run();
    let Account { accepted, unknown, deliveries, dead, again, .. } = *all.lock().unwrap();
    assert!(accepted > 0);
    let figures = format!(
        "{report}; {accepted} messages accepted, {unknown} of unknown fate, {deliveries} deliveries, {dead} dead letters, {again} duplicates after \
         an acknowledgement"
    );
    skyport_figures::record(&format!("simulation::{name}"), &figures);
}

#[test]
fn what_was_accepted_is_acknowledged_or_a_dead_letter() {
    balanced("queues", async |test: &Test<Post>, seed| run(test, &test.resources().letters, 1, seed).await);
}

#[test]
fn groups_stay_in_order_and_lose_nothing() {
    balanced("groups", async |test: &Test<Post>, seed| {
        // Half of the runs with batches.
        run(test, &test.resources().lines, 1 + 2 * (seed as usize % 2), seed).await
    });
}
