//! Key-value tables: ordered maps behind the port [`KeyValueStore`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};

use crate::faults::{Faults, call, call_each};

mod cell;
mod items;
mod query;
mod sort_key;

pub(crate) use cell::TableCell;

/// A handle to a table; handles of one name share the table.
pub(crate) struct MemoryTable {
    cell: Arc<TableCell>,
    info: TableInfo,
    faults: Faults,
}

impl MemoryTable {
    pub(crate) fn new(cell: Arc<TableCell>, faults: Faults) -> Self {
        let mut info = TableInfo::new(crate::provision::NAME, cell.name());
        info.clock = cell.clock();
        info.capabilities = crate::support::kv();
        Self { cell, info, faults }
    }
}

impl fmt::Debug for MemoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryTable").field(&self.cell.name()).finish()
    }
}

#[async_trait]
impl KeyValueStore for MemoryTable {
    fn info(&self) -> &TableInfo {
        &self.info
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        call!(self.faults, KvGet, self.cell.name(), || self.cell.get(key))
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        call_each!(self.faults, KvGetMany, self.cell.name(), keys, |keys: Vec<Key>| {
            keys.iter().map(|key| self.cell.get(key)).collect()
        })
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        call!(self.faults, KvWrite, self.cell.name(), || self.cell.write(write))
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        call_each!(self.faults, KvWriteMany, self.cell.name(), writes, |writes: Vec<Write>| {
            writes.into_iter().map(|write| self.cell.write(write)).collect()
        })
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        call!(self.faults, KvTransact, self.cell.name(), || self.cell.transact(writes))
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        call!(self.faults, KvIncrement, self.cell.name(), || self.cell.increment(&increment))
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        call!(self.faults, KvQuery, self.cell.name(), || self.cell.query(&options))
    }

    async fn sweep(&self) -> Result<u64> {
        call!(self.faults, KvSweep, self.cell.name(), || self.cell.sweep())
    }
}
