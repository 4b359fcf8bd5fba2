//! A table, whether it exists or not: takes the lock, and looks at the clock.

use std::fmt;
use std::sync::RwLock;

use skyport_core::kv::port::{
    Increment, Incremented, ItemCondition, Key, QueryOptions, QueryPage, RawItem, RawVersion, Write,
};
use skyport_core::{Clock, Result};

use super::items::{Items, Versions};
use super::query;
use crate::error::Refusal;
use crate::sync::{read, write};

pub(crate) struct TableCell {
    name: String,
    clock: Clock,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// Outlives the items: a version is never given twice, not after the table is removed and made again either.
    versions: Versions,
    items: Option<Items>,
}

impl State {
    fn items(&self) -> Result<&Items> {
        self.items.as_ref().ok_or_else(|| Refusal::NoTable.into())
    }

    fn parts(&mut self) -> Result<(&mut Items, &mut Versions)> {
        let items = self.items.as_mut().ok_or(Refusal::NoTable)?;
        Ok((items, &mut self.versions))
    }
}

impl TableCell {
    pub(crate) fn new(name: &str, clock: Clock) -> Self {
        Self { name: name.to_owned(), clock, state: RwLock::default() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn create(&self) {
        write(&self.state).items.get_or_insert_default();
    }

    pub(crate) fn remove(&self) {
        let removed = write(&self.state).items.take();
        drop(removed);
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        let now = self.clock.now();
        let state = read(&self.state);
        Ok(state.items()?.get(key, now))
    }

    pub(super) fn write(&self, change: Write) -> Result<Option<RawVersion>> {
        let now = self.clock.now();
        let mut state = write(&self.state);
        let (items, versions) = state.parts()?;
        items.write(change, versions, now)
    }

    pub(super) fn transact(&self, changes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let now = self.clock.now();
        let mut state = write(&self.state);
        let (items, versions) = state.parts()?;
        for (index, change) in changes.iter().enumerate() {
            items.check(change, now).map_err(|error| error.with_item(index))?;
        }
        let apply = |mut change: Write| {
            // It holds: all are on other items.
            change.condition = ItemCondition::None;
            items.write(change, versions, now)
        };
        changes.into_iter().map(apply).collect()
    }

    pub(super) fn increment(&self, increment: &Increment) -> Result<Incremented> {
        let now = self.clock.now();
        let mut state = write(&self.state);
        let (items, versions) = state.parts()?;
        items.increment(increment, versions, now)
    }

    pub(super) fn query(&self, options: &QueryOptions) -> Result<QueryPage> {
        let now = self.clock.now();
        let state = read(&self.state);
        query::query(state.items()?, &self.name, options, now)
    }

    pub(super) fn sweep(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut state = write(&self.state);
        let (items, _) = state.parts()?;
        Ok(items.sweep(now))
    }
}

impl fmt::Debug for TableCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableCell").field(&self.name).finish()
    }
}
