//! What writes become on their way to Azure: operations on rows, by what each is to find there.

use skyport_core::kv::port::{Change, ItemCondition, RawVersion, Write};
use skyport_core::kv::stored::name_attempt;

use super::entity::{Content, Stored, Written, stored_expiry};
use super::key;
use super::operation::{Operation, Verb};
use super::stamp::{Etag, Stamp};

/// What Azure is to find for a write to be applied.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Whatever is there.
    Any,
    /// No row.
    Nothing,
    /// A row of this etag, the etag that the version of its item names, and whether it is that of an item at all.
    Row { etag: Etag, named: Etag, is_item: bool },
}

impl Expected {
    /// What has to be there still, once it was looked at.
    pub(super) fn of(write: &Write, there: Option<&Stored<'_>>) -> Self {
        let replaces = write.condition == ItemCondition::None && matches!(write.change, Change::Put { .. });
        match there {
            _ if replaces => Self::Any,
            Some(stored) => Self::Row {
                etag: stored.etag.clone(),
                named: stored.stamp.etag.clone(),
                is_item: stored.write().is_some(),
            },
            None => Self::Nothing,
        }
    }
}

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The row of the item.
    Item,
    /// Holds the place of an item that must not come, until all is done.
    Placeholder,
    /// The row by which the item is found backwards.
    Mirror,
}

/// The operations of some writes, and how to tell what they made.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) operations: Vec<Operation>,
    /// For each operation, which write it is of.
    pub(super) roles: Vec<(usize, Role)>,
    /// How many writes there are.
    writes: usize,
}

/// How mirrors go with their items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mirrors {
    /// There are none.
    None,
    /// Made and deleted together with the items.
    Together,
    /// Made together with the items; those of what is deleted are left to whoever reads backwards.
    Made,
    /// Another row tells of the items until theirs are made.
    Noted,
}

impl Plan {
    pub(super) fn of(writes: &[Write], expected: &[Expected], mirrors: Mirrors, now: u64) -> Self {
        let rows = if mirrors == Mirrors::None { writes.len() } else { 2 * writes.len() };
        let mut plan = Self {
            operations: Vec::with_capacity(rows),
            roles: Vec::with_capacity(rows),
            writes: writes.len(),
        };
        for (place, (write, expected)) in writes.iter().zip(expected).enumerate() {
            plan.add(place, write, expected, mirrors, now);
        }
        plan
    }

    fn add(&mut self, place: usize, write: &Write, expected: &Expected, mirrors: Mirrors, now: u64) {
        let mut role = Role::Item;
        let verb = match (&write.change, expected.clone()) {
            (Change::Put { value, expires }, expected) => {
                let (name, expires) = (name_attempt(write.token), expires.map(stored_expiry));
                let made = Written::item(Content::from(value.clone()), name, expires, Some(now));
                match expected {
                    Expected::Any => Verb::Replace(made, None),
                    Expected::Nothing => Verb::Insert(made),
                    Expected::Row { etag, .. } => Verb::Replace(made, Some(etag)),
                }
            }
            (Change::Delete, Expected::Any) => Verb::Delete(None),
            (Change::Delete, Expected::Row { etag, .. }) => Verb::Delete(Some(etag)),
            (Change::Check, Expected::Row { etag, named, is_item }) => {
                // What another check has left holds the place of this one as well.
                role = if is_item { Role::Item } else { Role::Placeholder };
                Verb::Merge(Written::named(named), etag)
            }
            // Azure has no operation that only looks: where nothing is to be, something is made that is none.
            (Change::Delete | Change::Check, _) => {
                role = Role::Placeholder;
                Verb::Insert(Written::placeholder())
            }
        };
        let puts = matches!(write.change, Change::Put { .. });
        let deletes = matches!(verb, Verb::Delete(_));
        self.push(place, role, key::item(&write.key.sort), verb);
        let mirror = match mirrors {
            Mirrors::Together | Mirrors::Made if puts => Verb::Replace(Written::mirror(), None),
            Mirrors::Together if deletes => Verb::Delete(None),
            _ => return,
        };
        self.push(place, Role::Mirror, key::mirror(&write.key.sort), mirror);
    }

    fn push(&mut self, place: usize, role: Role, row: String, verb: Verb) {
        self.operations.push(Operation { row, verb });
        self.roles.push((place, role));
    }

    /// The version of each put, from the etags of the operations.
    pub(super) fn versions(&self, etags: &[Option<Etag>]) -> Vec<Option<RawVersion>> {
        let mut versions = vec![None; self.writes];
        for ((operation, (place, role)), etag) in self.operations.iter().zip(&self.roles).zip(etags) {
            let written = operation.written().filter(|_| *role == Role::Item);
            if let (Some(Written { write: Some(write), expires, .. }), Some(etag)) = (written, etag) {
                let stamp = Stamp { etag: etag.clone(), expires: *expires };
                versions[*place] = Some(stamp.version(write));
            }
        }
        versions
    }

    /// What takes the placeholders away again, from the rows and the etags of all operations.
    pub(super) fn releases(&self, writes: &[Write], etags: &[Option<Etag>]) -> Vec<Operation> {
        let placed = self.roles.iter().zip(etags).filter(|((_, role), _)| *role == Role::Placeholder);
        placed
            .filter_map(|((place, _), etag)| {
                let row = key::item(&writes.get(*place)?.key.sort);
                Some(Operation { row, verb: Verb::Delete(Some(etag.clone()?)) })
            })
            .collect()
    }
}
