//! Groups of an ordered queue stay in order under chaos: with producers that repeat, and a worker whose invocations crash.
#![allow(clippy::expect_used)] // All of this is a test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Outcome, Result, Shutdown, Worker, WorkerConfig};
use skyport_memory::{Chaos, Determined, Held, Memory};

const GROUPS: u64 = 3;
const EACH: u64 = 10;

/// The messages of each group in the order in which their handling began, and what was injected.
type Seen = (BTreeMap<u64, Vec<u64>>, Vec<String>);

async fn drive(seed: u64) -> Result<Seen> {
    let memory = Memory::builder().seed(seed).build();
    let (jobs_url, table_url) = (ResourceUrl::new("memory", "jobs"), ResourceUrl::new("memory", "done"));
    let mut settings = QueueSettings::default();
    settings.ordered = true;
    settings.max_attempts = 50;
    memory.create(&jobs_url, &ResourceKind::Queue(settings.clone())).await?;
    memory.create(&table_url, &ResourceKind::Table(TableSettings::default())).await?;
    let retry = Retry::default();
    let jobs: Queue<(u64, u64)> = Queue::new(retry.queue(memory.queue(&jobs_url, &settings)?));
    let done: Table<i64> = Table::new(retry.table(memory.table(&table_url, &TableSettings::default())?));
    memory.faults().unleash(Chaos::seeded(seed));

    let seen: Arc<Mutex<BTreeMap<u64, Vec<u64>>>> = Arc::default();
    let (stop, noted, invoking) = (Shutdown::new(), Arc::clone(&seen), memory.clone());
    let mut config = WorkerConfig::default();
    config.concurrency = 3;
    let worker = Worker::new(Arc::clone(jobs.port()), config, move |messages, _| {
        let (memory, done, seen) = (invoking.clone(), done.clone(), Arc::clone(&noted));
        async move {
            let mut outcomes = Vec::new();
            for message in messages {
                let (group, number): (u64, u64) = serde_json::from_slice(&message.body).expect("a job");
                seen.lock().expect("whole").entry(group).or_default().push(number);
                let work = async { done.increment((group.to_string(), number.to_string()), 1).await };
                outcomes.push(match memory.invocation(&[Held::from(&message)], work).await {
                    Ok(Ok(_)) => Outcome::Done,
                    _ => Outcome::retry("not now"),
                });
            }
            outcomes
        }
    });
    let working = tokio::spawn(worker.run(stop.clone()));
    let producers = (0..GROUPS).map(|group| {
        let jobs = &jobs;
        async move {
            for number in 0..EACH {
                // The next only after this one was accepted.
                while jobs.send(&(group, number)).group(group.to_string()).await.is_err() {}
            }
        }
    });
    join_all(producers).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let trace = memory.faults().trace().iter().map(ToString::to_string).collect();
    memory.faults().clear();
    while jobs.depth().await?.total() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stop.trigger();
    working.await.expect("stops");
    let seen = seen.lock().expect("whole").clone();
    Ok((seen, trace))
}

#[test]
fn no_message_is_begun_before_one_that_was_sent_before_it() {
    const SEEDS: u64 = 200;
    let mut faults = 0;
    for seed in 0..SEEDS {
        let _determined = Determined::by(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (seen, trace) = runtime.expect("a runtime").block_on(drive(seed)).expect("the faults end");
        faults += trace.len();
        for (group, numbers) in seen {
            let mut next = 0;
            for &number in &numbers {
                assert!(number <= next, "seed {seed}, group {group}: {numbers:?}\n{}", trace.join("\n"));
                next = next.max(number + 1);
            }
            assert_eq!(next, EACH, "seed {seed}, group {group}: {numbers:?}\n{}", trace.join("\n"));
        }
    }
    skyport_figures::record("chaos::order", &format!("{SEEDS} seeds, {faults} faults"));
    assert!(faults > SEEDS as usize);
}
