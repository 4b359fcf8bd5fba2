//! Much at once: 10,000 messages sent, received and acknowledged, 10,000 items written and read, in batches of the same size.

use std::time::{Duration, Instant};

use bytes::Bytes;
use skyport_core::queue::port::{Settlement, Verdict};
use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Target};

use crate::hand::{Hand, jobs, rows};
use crate::ours;
use crate::queues::BODY;
use crate::stage::Stage;
use crate::tables::VALUE;

/// What one call carries, on both sides.
const BATCH: usize = 100;
const LEASE: Duration = Duration::from_secs(60);

/// Adds the rows.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan();
    if group.wants("batch/queue") {
        queue(group, plan)?;
    }
    if group.wants("batch/kv") {
        table(group, plan)?;
    }
    Ok(())
}

fn queue(group: &mut Group, plan: Plan) -> Outcome {
    let stage = Stage::new()?;
    let count = plan.pick(10_000, 1_000);
    let runtime = &stage.runtime;
    let ours = runtime.block_on(ours::queue(&stage.folder("ours")?))?;
    let skyport =
        Contender::new("skyport", || runtime.block_on(rates(count, async || messages(&ours, count).await)));
    let by_hand = |hand| {
        let jobs = jobs::Jobs(hand);
        move || runtime.block_on(rates(count, async || messages_by_hand(&jobs, count).await))
    };
    let thread = by_hand(Hand::thread(&stage.folder("thread")?, jobs::SCHEMA)?);
    let pool = by_hand(Hand::pool(&stage.folder("pool")?, jobs::SCHEMA)?);
    let rivals = vec![
        Contender::new("SQLite by hand, a thread", thread),
        Contender::new("SQLite by hand, spawn_blocking", pool),
    ];
    let metrics =
        ["send", "receive", "ack"].map(|name| Metric::new(name, "messages/s", Target::AtLeast(1.0)));
    group.contest("batch/queue", metrics, plan, skyport, rivals)
}

/// Of the times for so many of each step, how many a second.
async fn rates<const N: usize>(
    count: usize,
    times: impl AsyncFnOnce() -> Outcome<[Duration; N]>,
) -> Outcome<[f64; N]> {
    Ok(times().await?.map(|time| count as f64 / time.as_secs_f64()))
}

async fn messages(queue: &ours::Messages, count: usize) -> Outcome<[Duration; 3]> {
    let bodies = vec![BODY; BATCH];
    let began = Instant::now();
    for _ in 0..count / BATCH {
        for sent in queue.send_all(&bodies).await {
            sent?;
        }
    }
    let sent = began.elapsed();
    let mut receipts = Vec::with_capacity(count);
    while receipts.len() < count {
        let received = queue.receive(BATCH, Duration::ZERO, LEASE).await?;
        if received.is_empty() || received.iter().any(|delivery| delivery.body().len() != BODY.len()) {
            return Err("other messages came".into());
        }
        receipts.extend(received.iter().map(|delivery| delivery.receipt().clone()));
    }
    let received = began.elapsed();
    // As the worker settles what is ready together.
    for receipts in receipts.chunks(BATCH) {
        let acks = receipts.iter().map(|receipt| Settlement::new(receipt.clone(), Verdict::Ack)).collect();
        for settled in queue.port().settle(acks).await {
            settled?;
        }
    }
    Ok([sent, received - sent, began.elapsed() - received])
}

async fn messages_by_hand(queue: &jobs::Jobs, count: usize) -> Outcome<[Duration; 3]> {
    let began = Instant::now();
    for _ in 0..count / BATCH {
        queue.send(vec![BODY; BATCH]).await?;
    }
    let sent = began.elapsed();
    let mut receipts = Vec::with_capacity(count);
    while receipts.len() < count {
        let received = queue.receive(i64::try_from(BATCH)?, LEASE).await?;
        if received.is_empty() || received.iter().any(|delivery| delivery.body.len() != BODY.len()) {
            return Err("other messages came".into());
        }
        receipts.extend(received.iter().map(|delivery| (delivery.id, delivery.lease)));
    }
    let received = began.elapsed();
    for receipts in receipts.chunks(BATCH) {
        if queue.ack(receipts.to_vec()).await? != receipts.len() {
            return Err("not all were leased".into());
        }
    }
    Ok([sent, received - sent, began.elapsed() - received])
}

fn table(group: &mut Group, plan: Plan) -> Outcome {
    let stage = Stage::new()?;
    let count = plan.pick(10_000, 1_000);
    let runtime = &stage.runtime;
    let ours = runtime.block_on(ours::table(&stage.folder("ours")?))?;
    let skyport =
        Contender::new("skyport", || runtime.block_on(rates(count, async || items(&ours, count).await)));
    let by_hand = |hand| {
        let rows = rows::Rows(hand);
        move || runtime.block_on(rates(count, async || items_by_hand(&rows, count).await))
    };
    let thread = by_hand(Hand::thread(&stage.folder("thread")?, rows::SCHEMA)?);
    let pool = by_hand(Hand::pool(&stage.folder("pool")?, rows::SCHEMA)?);
    let rivals = vec![
        Contender::new("SQLite by hand, a thread", thread),
        Contender::new("SQLite by hand, spawn_blocking", pool),
    ];
    let metrics = ["put", "get"].map(|name| Metric::new(name, "items/s", Target::AtLeast(1.0)));
    group.contest("batch/kv", metrics, plan, skyport, rivals)
}

fn keys(count: usize) -> Vec<(String, String)> {
    (0..count).map(|item| (format!("partition-{:02}", item % 16), format!("item-{item:06}"))).collect()
}

async fn items(table: &ours::Items, count: usize) -> Outcome<[Duration; 2]> {
    let (keys, value) = (keys(count), VALUE);
    let began = Instant::now();
    for keys in keys.chunks(BATCH) {
        for put in table.put_many(keys.iter().map(|key| (key.clone(), &value))).await {
            put?;
        }
    }
    let put = began.elapsed();
    for keys in keys.chunks(BATCH) {
        for got in table.get_many(keys.iter().cloned()).await {
            all_of(got?.as_deref())?;
        }
    }
    Ok([put, began.elapsed() - put])
}

async fn items_by_hand(table: &rows::Rows, count: usize) -> Outcome<[Duration; 2]> {
    let keys = keys(count);
    let began = Instant::now();
    for keys in keys.chunks(BATCH) {
        table.put_many(keys.iter().map(|key| (key.clone(), VALUE)).collect()).await?;
    }
    let put = began.elapsed();
    for keys in keys.chunks(BATCH) {
        for got in table.get_many(keys.to_vec()).await? {
            all_of(got.map(|(value, _)| Bytes::from(value)).as_ref())?;
        }
    }
    Ok([put, began.elapsed() - put])
}

fn all_of(value: Option<&Bytes>) -> Outcome {
    match value {
        Some(value) if value.len() == VALUE.len() => Ok(()),
        _ => Err("another value came".into()),
    }
}
