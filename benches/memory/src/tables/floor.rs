//! The floor: a plain map behind a lock and a boxed dyn call. It answers the same, and has none of a table's duties.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_measure::Outcome;

use super::Tables;

/// A plain `RwLock<BTreeMap>`.
#[derive(Clone, Debug)]
pub struct Floor(Arc<dyn Plain>);

impl Default for Floor {
    fn default() -> Self {
        Self(Arc::new(Map::default()))
    }
}

/// What an item is told as: its sort key, its value, its version.
type Told = (String, Bytes, u64);

#[async_trait]
trait Plain: Debug + Send + Sync {
    async fn get(&self, partition: &str, sort: &str) -> Option<(Bytes, u64)>;
    async fn put(&self, partition: &str, sort: &str, value: Bytes, version: Option<u64>) -> Option<u64>;
    async fn query(&self, partition: &str, items: usize) -> Vec<Told>;
    async fn transact(&self, partition: &str, items: &[(String, u64)], value: Bytes) -> Option<Vec<u64>>;
}

#[derive(Debug, Default)]
struct Map(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<String, BTreeMap<String, (Bytes, u64)>>,
    last: u64,
}

impl State {
    fn is_in(&self, partition: &str, sort: &str, version: u64) -> bool {
        let item = self.partitions.get(partition).and_then(|partition| partition.get(sort));
        item.is_some_and(|(_, theirs)| *theirs == version)
    }

    fn put(&mut self, partition: &str, sort: &str, value: Bytes) -> u64 {
        self.last += 1;
        let item = (value, self.last);
        match self.partitions.get_mut(partition) {
            Some(items) => drop(items.insert(sort.to_owned(), item)),
            None => drop(self.partitions.insert(partition.to_owned(), [(sort.to_owned(), item)].into())),
        }
        self.last
    }
}

impl Map {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Plain for Map {
    async fn get(&self, partition: &str, sort: &str) -> Option<(Bytes, u64)> {
        self.read().partitions.get(partition)?.get(sort).cloned()
    }

    async fn put(&self, partition: &str, sort: &str, value: Bytes, version: Option<u64>) -> Option<u64> {
        let mut state = self.write();
        let holds = version.is_none_or(|version| state.is_in(partition, sort, version));
        holds.then(|| state.put(partition, sort, value))
    }

    async fn query(&self, partition: &str, items: usize) -> Vec<Told> {
        let state = self.read();
        let found = state.partitions.get(partition).into_iter().flatten().take(items);
        found.map(|(sort, (value, version))| (sort.clone(), value.clone(), *version)).collect()
    }

    async fn transact(&self, partition: &str, items: &[(String, u64)], value: Bytes) -> Option<Vec<u64>> {
        let mut state = self.write();
        let hold = items.iter().all(|(sort, version)| state.is_in(partition, sort, *version));
        hold.then(|| items.iter().map(|(sort, _)| state.put(partition, sort, value.clone())).collect())
    }
}

impl Tables for Floor {
    type Version = u64;

    async fn get(&self, partition: &str, sort: &str) -> Outcome<(Bytes, u64)> {
        Ok(self.0.get(partition, sort).await.ok_or("no such item")?)
    }

    async fn put(&self, partition: &str, sort: &str, value: Bytes) -> Outcome<u64> {
        Ok(self.0.put(partition, sort, value, None).await.ok_or("not written")?)
    }

    async fn swap(&self, partition: &str, sort: &str, value: Bytes, version: &u64) -> Outcome<u64> {
        Ok(self.0.put(partition, sort, value, Some(*version)).await.ok_or("it has changed")?)
    }

    async fn query(&self, partition: &str, items: usize) -> Outcome<(usize, usize)> {
        let found = self.0.query(partition, items).await;
        Ok((found.len(), found.iter().map(|(_, value, _)| value.len()).sum()))
    }

    async fn transact(&self, partition: &str, items: &[(String, u64)], value: Bytes) -> Outcome<Vec<u64>> {
        Ok(self.0.transact(partition, items, value).await.ok_or("one has changed")?)
    }
}
