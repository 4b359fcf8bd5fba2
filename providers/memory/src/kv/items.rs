//! The items of a table, and every change to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use skyport_core::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, RawItem, RawVersion, Write,
};
use skyport_core::kv::slots::{Slots, add, read_counter};
use skyport_core::{Result, Token};

use crate::error::Refusal;

/// The items of a partition, in UTF-8 byte order of their sort keys.
pub(super) type Partition = BTreeMap<Arc<str>, Stored>;

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
        let stored = self.partition(&key.partition)?.get(&key.sort)?;
        stored.is_live(now).then_some(stored)
    }

    pub(super) fn get(&self, key: &Key, now: SystemTime) -> Option<RawItem> {
        self.live(key, now).map(|stored| stored.to_item(key.clone()))
    }

    /// Whether the write's condition holds.
    pub(super) fn check(&self, write: &Write, now: SystemTime) -> Result<()> {
        match (&write.condition, self.live(&write.key, now)) {
            (ItemCondition::None, _) | (ItemCondition::IfAbsent, None) => Ok(()),
            (ItemCondition::IfAbsent, Some(_)) => Err(Refusal::Exists.into()),
            (ItemCondition::IfVersion(version), Some(stored)) if stored.version == *version => Ok(()),
            (ItemCondition::IfVersion(_), _) => Err(Refusal::Changed.into()),
        }
    }

    /// Applies a write whose condition holds.
    pub(super) fn apply(
        &mut self,
        write: Write,
        versions: &mut Versions,
        now: SystemTime,
    ) -> Option<RawVersion> {
        match write.change {
            Change::Check => None,
            Change::Delete => {
                self.delete(&write.key);
                None
            }
            Change::Put { value, expires } => {
                let version = versions.next();
                let slots = self.live_slots(&write.key, now);
                let stored = Stored { value, version: version.clone(), expires, token: write.token, slots };
                self.insert(write.key, stored);
                Some(version)
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
        match partition.and_then(|partition| partition.get_mut(&key.sort)) {
            Some(stored) if stored.is_live(now) => std::mem::take(&mut stored.slots),
            _ => Slots::default(),
        }
    }

    fn insert(&mut self, key: Key, stored: Stored) {
        self.partitions.entry(key.partition).or_default().insert(key.sort, stored);
    }

    fn delete(&mut self, key: &Key) {
        if let Some(partition) = self.partitions.get_mut(&key.partition) {
            partition.remove(&key.sort);
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
