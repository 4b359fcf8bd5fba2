//! Items: get, put, compare and swap, query and transact, beside a plain map behind a lock.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Target};
use tokio::runtime::Runtime;

use crate::timing::{Watch, expect, names, per_operation, runtime, scattered};

mod floor;
mod skyport;

use floor::Floor;
pub use skyport::Handle;

const PARTITIONS: usize = 128;
const IN_PARTITION: usize = 128;
const ITEMS: usize = PARTITIONS * IN_PARTITION;
/// How many items a page of a query has, and how many a transaction writes.
const PAGE: usize = 100;
const TOGETHER: usize = 10;
static VALUE: [u8; 1_024] = [7; 1_024];

/// A table that is measured.
pub trait Tables: Send + Sync {
    /// Names a state of an item.
    type Version: Send + Sync;

    /// Reads an item that is there.
    fn get(
        &self,
        partition: &str,
        sort: &str,
    ) -> impl Future<Output = Outcome<(Bytes, Self::Version)>> + Send;
    /// Writes an item, whatever was there.
    fn put(
        &self,
        partition: &str,
        sort: &str,
        value: Bytes,
    ) -> impl Future<Output = Outcome<Self::Version>> + Send;
    /// Writes an item while it is still in this state.
    fn swap(
        &self,
        partition: &str,
        sort: &str,
        value: Bytes,
        version: &Self::Version,
    ) -> impl Future<Output = Outcome<Self::Version>> + Send;
    /// Reads the first items of a partition: how many bytes their values have.
    fn query(&self, partition: &str, items: usize) -> impl Future<Output = Outcome<(usize, usize)>> + Send;
    /// Writes several items of a partition, each while it is still in this state, all or nothing: their new states.
    fn transact(
        &self,
        partition: &str,
        items: &[(String, Self::Version)],
        value: Bytes,
    ) -> impl Future<Output = Outcome<Vec<Self::Version>>> + Send;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Get,
    Put,
    Swap,
    Query,
    Transact,
}

const STEPS: [(Step, &str, &str); 5] = [
    (Step::Get, "get", "ns"),
    (Step::Put, "put", "ns"),
    (Step::Swap, "compare-and-swap", "ns"),
    (Step::Query, "query", "ns an item"),
    (Step::Transact, "transact", "ns an item"),
];

/// Measures every operation.
///
/// # Errors
/// What a table fails with, or that it gave a wrong answer.
pub fn measure(group: &mut Group) -> Outcome {
    let runtime = runtime(1)?;
    let mut ours = Subject::new(&runtime, runtime.block_on(Handle::new())?)?;
    let mut floor = Subject::new(&runtime, Floor::default())?;
    for (step, name, unit) in STEPS {
        let metric = [Metric::new("", unit, Target::AtMost(2.0))];
        let rivals = vec![floor.contender("RwLock<BTreeMap>", step)];
        let ours = ours.contender("Skyport", step);
        group.contest(&format!("kv/{name}"), metric, group.plan(), ours, rivals)?;
    }
    Ok(())
}

/// A partition: its name, and each item's sort key with the state that it is in.
type Partition<V> = (String, Vec<(String, V)>);

/// A table that holds every item, and the state of each.
struct Subject<'r, T: Tables> {
    runtime: &'r Runtime,
    table: T,
    /// Where an item lies in `partitions`, in an order that is not theirs.
    order: Vec<(usize, usize)>,
    partitions: Vec<Partition<T::Version>>,
}

impl<'r, T: Tables> Subject<'r, T> {
    fn new(runtime: &'r Runtime, table: T) -> Outcome<Self> {
        let mut partitions = Vec::with_capacity(PARTITIONS);
        for partition in 0..PARTITIONS {
            let mut items = Vec::with_capacity(IN_PARTITION);
            for item in 0..IN_PARTITION {
                let (partition, sort) = names(partition * IN_PARTITION + item, IN_PARTITION);
                let version = runtime.block_on(table.put(&partition, &sort, Bytes::from_static(&VALUE)))?;
                items.push((sort, version));
            }
            partitions.push((names(partition * IN_PARTITION, IN_PARTITION).0, items));
        }
        let order = scattered(ITEMS).map(|index| (index / IN_PARTITION, index % IN_PARTITION)).collect();
        Ok(Self { runtime, table, order, partitions })
    }

    fn contender<'c>(&'c mut self, name: &'static str, step: Step) -> Contender<'c, 1> {
        Contender::new(name, move || {
            let (runtime, count) = (self.runtime, step.count());
            Ok([per_operation(runtime.block_on(self.round(step))?, count)])
        })
    }

    async fn round(&mut self, step: Step) -> Outcome<Duration> {
        let began = Watch::start(1);
        match step {
            Step::Get => {
                for (partition, sort, _) in places(&self.order, &self.partitions) {
                    expect(self.table.get(partition, sort).await?.0.len(), VALUE.len())?;
                }
            }
            Step::Put | Step::Swap => self.write(step).await?,
            Step::Query => {
                for (partition, _) in &self.partitions {
                    expect(self.table.query(partition, PAGE).await?, (PAGE, PAGE * VALUE.len()))?;
                }
            }
            Step::Transact => {
                for (partition, items) in &mut self.partitions {
                    for items in items.chunks_exact_mut(TOGETHER) {
                        let value = Bytes::from_static(&VALUE);
                        let versions = self.table.transact(partition, items, value).await?;
                        expect(versions.len(), TOGETHER)?;
                        items.iter_mut().zip(versions).for_each(|(item, version)| item.1 = version);
                    }
                }
            }
        }
        Ok(began.elapsed())
    }

    async fn write(&mut self, step: Step) -> Outcome {
        for &(partition, item) in &self.order {
            let (partition, items) = self.partitions.get_mut(partition).ok_or("no such partition")?;
            let (sort, version) = items.get_mut(item).ok_or("no such item")?;
            let value = Bytes::from_static(&VALUE);
            *version = match step {
                Step::Swap => self.table.swap(partition, sort, value, version).await?,
                _ => self.table.put(partition, sort, value).await?,
            };
        }
        Ok(())
    }
}

impl Step {
    /// How many items a round reads or writes.
    fn count(self) -> usize {
        match self {
            Self::Get | Self::Put | Self::Swap => ITEMS,
            Self::Query => PARTITIONS * PAGE,
            Self::Transact => PARTITIONS * (IN_PARTITION / TOGETHER) * TOGETHER,
        }
    }
}

fn places<'p, V>(
    order: &'p [(usize, usize)],
    partitions: &'p [Partition<V>],
) -> impl Iterator<Item = (&'p str, &'p str, &'p V)> {
    order.iter().filter_map(|&(partition, item)| {
        let (partition, items) = partitions.get(partition)?;
        let (sort, version) = items.get(item)?;
        Some((partition.as_str(), sort.as_str(), version))
    })
}
