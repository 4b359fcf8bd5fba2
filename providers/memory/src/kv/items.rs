//! The items of a table, and every change to them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, RawItem, RawVersion, Write,
};
use skyport_core::kv::slots::{Slots, add, read_counter};
use skyport_core::{Result, Token};

use super::sort_key::SortKey;
use crate::error::Refusal;

/// The items of a partition, in UTF-8 byte order of their sort keys.
pub(super) type Partition = BTreeMap<SortKey, Stored>;

#[derive(Default)]
pub(super) struct Items {
    partitions: HashMap<Arc<str>, Partition>,
}

/// The one counter of versions of a table.
#[derive(Default)]
pub(super) struct Versions(u64);

impl Versions {
    fn next(&mut self) -> RawVersion {
        self.0 += 1;
        RawVersion::of_number(self.0)
    }
}

pub(super) struct Stored {
    value: Bytes,
    version: RawVersion,
    expires: Option<SystemTime>,
    token: Token,
    /// Kept by later writes, so that a repeated increment is recognised behind them too.
    slots: Slots,
}

impl Stored {
    pub(super) fn is_live(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    pub(super) fn to_item(&self, key: Key) -> RawItem {
        let mut item = RawItem::new(key, self.value.clone(), self.version.clone());
        item.expires = self.expires;
        item.token = Some(self.token);
        item
    }
}

impl Items {
    pub(super) fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.get(name)
    }

    fn live(&self, key: &Key, now: SystemTime) -> Option<&Stored> {
        let stored = self.partition(&key.partition)?.get(&sort_key(key))?;
        stored.is_live(now).then_some(stored)
    }

    pub(super) fn get(&self, key: &Key, now: SystemTime) -> Option<RawItem> {
        self.live(key, now).map(|stored| stored.to_item(key.clone()))
    }

    /// Whether the write's condition holds.
    pub(super) fn check(&self, write: &Write, now: SystemTime) -> Result<()> {
        holds(&write.condition, self.live(&write.key, now))
    }

    /// Applies a write if its condition holds. A put looks for its item once.
    pub(super) fn write(
        &mut self,
        write: Write,
        versions: &mut Versions,
        now: SystemTime,
    ) -> Result<Option<RawVersion>> {
        let Write { key, change, condition, token, .. } = write;
        let Change::Put { value, expires } = change else {
            holds(&condition, self.live(&key, now))?;
            if change == Change::Delete {
                self.delete(&key);
            }
            return Ok(None);
        };
        let stored = |version, slots| Stored { value, version, expires, token, slots };
        let Some(partition) = self.partitions.get_mut(&key.partition) else {
            holds(&condition, None)?;
            let version = versions.next();
            self.insert(key, stored(version.clone(), Slots::default()));
            return Ok(Some(version));
        };
        match partition.entry(SortKey::new(key.sort)) {
            Entry::Vacant(place) => {
                holds(&condition, None)?;
                let version = versions.next();
                place.insert(stored(version.clone(), Slots::default()));
                Ok(Some(version))
            }
            Entry::Occupied(mut place) => {
                let before = place.get_mut();
                let is_live = before.is_live(now);
                holds(&condition, is_live.then_some(&*before))?;
                let version = versions.next();
                // The increments that it remembers are those of the item that replaces it.
                let slots = if is_live { mem::take(&mut before.slots) } else { Slots::default() };
                *before = stored(version.clone(), slots);
                Ok(Some(version))
            }
        }
    }

    pub(super) fn increment(
        &mut self,
        increment: &Increment,
        versions: &mut Versions,
        now: SystemTime,
    ) -> Result<Incremented> {
        let before = self.live(&increment.key, now);
        let (value, expires) = match before {
            Some(stored) => {
                if let Some(applied) = stored.slots.find(increment)? {
                    return Ok(applied);
                }
                (read_counter(&stored.value)?, stored.expires)
            }
            None => (0, increment.expires),
        };
        let value = add(value, increment.by)?;
        let result = Incremented::new(value, versions.next());
        let mut slots = self.live_slots(&increment.key, now);
        slots.record(increment, now, &result);
        let stored = Stored {
            value: value.to_string().into(),
            version: result.version.clone(),
            expires,
            token: increment.token,
            slots,
        };
        self.insert(increment.key.clone(), stored);
        Ok(result)
    }

    /// Takes the increments that the item remembers, for the item that replaces it.
    fn live_slots(&mut self, key: &Key, now: SystemTime) -> Slots {
        let partition = self.partitions.get_mut(&key.partition);
        match partition.and_then(|partition| partition.get_mut(&sort_key(key))) {
            Some(stored) if stored.is_live(now) => mem::take(&mut stored.slots),
            _ => Slots::default(),
        }
    }

    fn insert(&mut self, key: Key, stored: Stored) {
        self.partitions.entry(key.partition).or_default().insert(SortKey::new(key.sort), stored);
    }

    fn delete(&mut self, key: &Key) {
        if let Some(partition) = self.partitions.get_mut(&key.partition) {
            partition.remove(&sort_key(key));
            if partition.is_empty() {
                self.partitions.remove(&key.partition);
            }
        }
    }

    /// Removes what has expired; how many items that were.
    pub(super) fn sweep(&mut self, now: SystemTime) -> u64 {
        let mut swept = 0;
        self.partitions.retain(|_, partition| {
            let before = partition.len();
            partition.retain(|_, stored| stored.is_live(now));
            swept += (before - partition.len()) as u64;
            !partition.is_empty()
        });
        swept
    }
}

/// The sort key of an item that is looked for; its text is shared.
fn sort_key(key: &Key) -> SortKey {
    SortKey::new(Arc::clone(&key.sort))
}

/// Whether a write with this condition may be applied to what is there.
fn holds(condition: &ItemCondition, live: Option<&Stored>) -> Result<()> {
    match (condition, live) {
        (ItemCondition::None, _) | (ItemCondition::IfAbsent, None) => Ok(()),
        (ItemCondition::IfAbsent, Some(_)) => Err(Refusal::Exists.into()),
        (ItemCondition::IfVersion(version), Some(stored)) if stored.version == *version => Ok(()),
        (ItemCondition::IfVersion(_), _) => Err(Refusal::Changed.into()),
    }
}
