//! Tables: items of 256 bytes, eight partitions of 96.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Target};

use crate::hand::{Hand, rows};
use crate::load::rate;
use crate::ours;
use crate::stage::Stage;

mod by_hand;
mod skyport;

use by_hand::ByHand;
use skyport::Skyport;

/// The value of each item.
pub const VALUE: Bytes = Bytes::from_static(&[7; 256]);
/// As many as there are writers at most, so that no two are ever at the same item.
const PARTITIONS: usize = 8;
/// The items of a partition, and of a page.
pub const ITEMS: usize = 96;
const KEYS: usize = PARTITIONS * ITEMS;
/// The items of one transaction.
pub const TOGETHER: usize = 3;

/// A table that is measured. Items are named by their number.
pub trait Items: Send + Sync + 'static {
    /// Writes an item.
    fn put(&self, item: usize) -> impl Future<Output = Outcome> + Send;
    /// Reads an item; how many bytes it has.
    fn get(&self, item: usize) -> impl Future<Output = Outcome<usize>> + Send;
    /// Reads an item, and writes it if nobody else has since then.
    fn swap(&self, item: usize) -> impl Future<Output = Outcome> + Send;
    /// Reads this item and the next ones, and writes them all if nobody else wrote one since then.
    fn transact(&self, item: usize) -> impl Future<Output = Outcome> + Send;
    /// Reads the first page of a partition; how many items it has.
    fn page(&self, partition: usize) -> impl Future<Output = Outcome<usize>> + Send;
}

/// The partition and the sort key of an item.
#[must_use]
pub fn key(item: usize) -> (String, String) {
    let item = item % KEYS;
    (partition(item / ITEMS), format!("item-{:04}", item % ITEMS))
}

/// The name of a partition.
#[must_use]
pub fn partition(number: usize) -> String {
    format!("partition-{:02}", number % PARTITIONS)
}

const NAMES: [&str; 5] = ["put", "get", "cas", "transact", "query"];

/// Adds the rows of one writer and of eight.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan();
    for writers in [1, 8] {
        let name = format!("kv/{writers}w");
        if group.wants(&name) {
            contest(group, &name, plan, writers)?;
        }
    }
    Ok(())
}

fn contest(group: &mut Group, name: &str, plan: Plan, writers: usize) -> Outcome {
    let stage = Stage::new()?;
    let ours = Skyport(stage.runtime.block_on(ours::table(&stage.folder("ours")?))?);
    let thread = ByHand(rows::Rows(Hand::thread(&stage.folder("thread")?, rows::SCHEMA)?));
    let pool = ByHand(rows::Rows(Hand::pool(&stage.folder("pool")?, rows::SCHEMA)?));
    let metrics = NAMES.map(|name| Metric::new(name, "op/s", Target::AtLeast(0.9)));
    let count = plan.pick(2_000, 400);
    let rivals = vec![
        contender("SQLite by hand, a thread", &stage, thread, writers, count)?,
        contender("SQLite by hand, spawn_blocking", &stage, pool, writers, count)?,
    ];
    let ours = contender("skyport", &stage, ours, writers, count)?;
    group.contest(name, metrics, plan, ours, rivals)
}

fn contender<'a, I: Items>(
    name: &'static str,
    stage: &'a Stage,
    table: I,
    writers: usize,
    count: usize,
) -> Outcome<Contender<'a, 5>> {
    let runtime = &stage.runtime;
    let table = Arc::new(table);
    let filled = Arc::clone(&table);
    rate(runtime, writers, KEYS, move |item| put(Arc::clone(&filled), item))?;
    Ok(Contender::new(name, move || {
        let shared = || Arc::clone(&table);
        let (put_to, get_from, swap_in, transact_in, page_of) =
            (shared(), shared(), shared(), shared(), shared());
        Ok([
            // An odd factor that is no divisor: the items are visited in no order of theirs.
            rate(runtime, writers, count, move |step| put(Arc::clone(&put_to), step * 389))?,
            rate(runtime, writers, count, move |step| get(Arc::clone(&get_from), step * 389))?,
            rate(runtime, writers, count, move |step| swap(Arc::clone(&swap_in), step))?,
            rate(runtime, writers, count, move |step| transact(Arc::clone(&transact_in), step * 4))?,
            rate(runtime, writers, count, move |step| page(Arc::clone(&page_of), step))?,
        ])
    }))
}

async fn put<I: Items>(table: Arc<I>, item: usize) -> Outcome {
    table.put(item).await
}

async fn get<I: Items>(table: Arc<I>, item: usize) -> Outcome {
    if table.get(item).await? == VALUE.len() { Ok(()) } else { Err("another value came".into()) }
}

async fn swap<I: Items>(table: Arc<I>, item: usize) -> Outcome {
    table.swap(item).await
}

async fn transact<I: Items>(table: Arc<I>, item: usize) -> Outcome {
    table.transact(item).await
}

async fn page<I: Items>(table: Arc<I>, partition: usize) -> Outcome {
    if table.page(partition).await? == ITEMS { Ok(()) } else { Err("not the whole page came".into()) }
}
