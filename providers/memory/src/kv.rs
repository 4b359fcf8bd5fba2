//! Key-value tables: ordered maps behind the port [`KeyValueStore`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::kv::port::{
    Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
    Write,
};

use crate::faults::{Faults, Operation};

mod cell;
mod items;
mod query;

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
        let fate = self.faults.meet(Operation::KvGet, self.cell.name()).await?;
        fate.answer(self.cell.get(key))
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        match self.faults.meet(Operation::KvGetMany, self.cell.name()).await {
            Ok(fate) => fate.answers(keys.iter().map(|key| self.cell.get(key)).collect()),
            Err(error) => error.of_each(keys.len()),
        }
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        let fate = self.faults.meet(Operation::KvWrite, self.cell.name()).await?;
        fate.answer(self.cell.write(write))
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        match self.faults.meet(Operation::KvWriteMany, self.cell.name()).await {
            Ok(fate) => fate.answers(writes.into_iter().map(|write| self.cell.write(write)).collect()),
            Err(error) => error.of_each(writes.len()),
        }
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let fate = self.faults.meet(Operation::KvTransact, self.cell.name()).await?;
        fate.answer(self.cell.transact(writes))
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let fate = self.faults.meet(Operation::KvIncrement, self.cell.name()).await?;
        fate.answer(self.cell.increment(&increment))
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        let fate = self.faults.meet(Operation::KvQuery, self.cell.name()).await?;
        fate.answer(self.cell.query(&options))
    }

    async fn sweep(&self) -> Result<u64> {
        let fate = self.faults.meet(Operation::KvSweep, self.cell.name()).await?;
        fate.answer(self.cell.sweep())
    }
}
