//! What a table would do that served one client after the other: the state of some of its keys, and what each operation makes of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, ItemCondition, Key, RawVersion, Write};
use skyport_core::kv::slots::{add, read_counter};

use super::operation::{Answer, Call};

/// Some keys of a table, with what stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    items: BTreeMap<Key, Item>,
    /// Versions that writes of unknown fate turned out to have made: no other write has made them, too.
    claimed: Vec<(Key, RawVersion)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Item {
    value: Bytes,
    /// `None` for that of a write whose answer nobody saw, until somebody reads it.
    version: Option<RawVersion>,
}

/// What the model must know of the whole history.
pub(super) trait Versions {
    /// Whether a write that was answered has made this version of this key.
    fn is_answered(&self, key: &Key, version: &RawVersion) -> bool;
}

impl State {
    /// The state after `call`, where it can have been answered so; `None` where it cannot. With [`Answer::Unknown`]: where it has an effect.
    pub(super) fn after(&self, call: &Call, answer: &Answer, versions: &impl Versions) -> Option<Self> {
        match (call, answer) {
            (Call::Read(key), Answer::Found(found)) => self.read(key, found.as_ref(), versions),
            (Call::Write(writes), Answer::Written(made)) => {
                let holds = writes.iter().all(|write| self.holds(write));
                (holds && writes.len() == made.len()).then(|| self.written(writes, Some(made)))
            }
            (Call::Write(writes), Answer::Refused(kind, item)) => {
                let at_fault = |write: &Write| !self.holds(write) && refusal(&write.condition) == Some(*kind);
                let refused = match item {
                    Some(item) => writes.get(*item).is_some_and(at_fault),
                    None => writes.iter().any(at_fault),
                };
                refused.then(|| self.clone())
            }
            (Call::Write(writes), Answer::Unknown) => {
                writes.iter().all(|write| self.holds(write)).then(|| self.written(writes, None))
            }
            // One that was recognised by its trace may be told a version that no read gives, and no user is told one.
            (Call::Increment(key, by), Answer::Counted(value, _)) => (self.counted(key, *by) == Some(*value))
                .then(|| self.with(key, value.to_string().into(), None)),
            (Call::Increment(key, by), Answer::Refused(ErrorKind::InvalidArgument, _)) => {
                self.counted(key, *by).is_none().then(|| self.clone())
            }
            (Call::Increment(key, by), Answer::Unknown) => {
                self.counted(key, *by).map(|value| self.with(key, value.to_string().into(), None))
            }
            _ => None,
        }
    }

    /// The version that stands there, where it is known.
    pub(super) fn version(&self, key: &Key) -> Option<&RawVersion> {
        self.items.get(key)?.version.as_ref()
    }

    fn read(&self, key: &Key, found: Option<&(Bytes, RawVersion)>, versions: &impl Versions) -> Option<Self> {
        match (self.items.get(key), found) {
            (None, None) => Some(self.clone()),
            (Some(item), Some((value, version))) if item.value == *value => match &item.version {
                Some(known) => (known == version).then(|| self.clone()),
                None => {
                    let claim = (key.clone(), version.clone());
                    if versions.is_answered(key, version) || self.claimed.contains(&claim) {
                        return None;
                    }
                    let mut after = self.with(key, value.clone(), Some(version.clone()));
                    after.claimed.push(claim);
                    after.claimed.sort_by(|a, b| (&a.0, a.1.as_str()).cmp(&(&b.0, b.1.as_str())));
                    Some(after)
                }
            },
            _ => None,
        }
    }

    fn holds(&self, write: &Write) -> bool {
        let there = self.items.get(&write.key);
        match &write.condition {
            ItemCondition::None => true,
            ItemCondition::IfAbsent => there.is_none(),
            // A version that nobody has seen yet is none that a client can name.
            ItemCondition::IfVersion(version) => {
                there.is_some_and(|item| item.version.as_ref() == Some(version))
            }
        }
    }

    fn written(&self, writes: &[Write], made: Option<&Vec<Option<RawVersion>>>) -> Self {
        let mut after = self.clone();
        for (place, write) in writes.iter().enumerate() {
            match &write.change {
                Change::Put { value, .. } => {
                    let version = made.and_then(|made| made[place].clone());
                    after.items.insert(write.key.clone(), Item { value: value.clone(), version });
                }
                Change::Delete => {
                    after.items.remove(&write.key);
                }
                Change::Check => {}
            }
        }
        after
    }

    /// What a counter would be after adding; `None` where that is refused.
    fn counted(&self, key: &Key, by: i64) -> Option<i64> {
        let before = self.items.get(key).map_or(Ok(0), |item| read_counter(&item.value));
        before.and_then(|before| add(before, by)).ok()
    }

    fn with(&self, key: &Key, value: Bytes, version: Option<RawVersion>) -> Self {
        let mut after = self.clone();
        after.items.insert(key.clone(), Item { value, version });
        after
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.items.is_empty() {
            return f.write_str("nothing");
        }
        for (place, (key, item)) in self.items.iter().enumerate() {
            let version = item.version.as_ref().map_or("a version nobody saw", RawVersion::as_str);
            let comma = if place > 0 { "; " } else { "" };
            write!(f, "{comma}{key} = {} at {version}", String::from_utf8_lossy(&item.value))?;
        }
        Ok(())
    }
}

/// What a condition that does not hold is answered with.
fn refusal(condition: &ItemCondition) -> Option<ErrorKind> {
    match condition {
        ItemCondition::None => None,
        ItemCondition::IfAbsent => Some(ErrorKind::AlreadyExists),
        ItemCondition::IfVersion(_) => Some(ErrorKind::PreconditionFailed),
    }
}
