//! Writes of one partition, all or nothing: [`Transaction`].

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::key::IntoKey;
use super::port::{Change, ItemCondition, Key, Write};
use super::store::Store;
use super::version::Version;
use super::write::{Draft, no_version};
use crate::codec::Encode;
use crate::{Error, ErrorKind, Result};

/// Writes on distinct keys of one partition, all or nothing; made by [`Table::transact`](super::Table::transact), happens
/// when it is awaited.
///
/// A condition or an expiry belongs to the item named last before it:
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
/// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
/// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
/// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
/// # let port = memory.table(&url, &TableSettings::default())?;
/// # let table = skyport_core::kv::Table::<u64>::new(port);
/// let seen = table.put(("account", "ada"), &100).await?;
/// table
///     .transact()
///     .put(("account", "ada"), &90).if_version(&seen)
///     .put(("account", "transfer 7"), &10).if_absent()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// At most 100 items and 2 MiB of values; the result has the new version of each put, in order, and `None` for the others.
///
/// # Errors
/// `AlreadyExists` or `PreconditionFailed` where a condition does not hold, with [`Error::item`] naming its item (from 0);
/// `Conflict` where a concurrent write was in the way; `InvalidArgument` for two partitions, a key that stands twice, or a
/// check without a condition; `TooLarge` over the limits; `Indeterminate` where the answer was lost.
#[must_use = "a transaction happens only when it is awaited"]
pub struct Transaction<T, C> {
    store: Store,
    drafts: Vec<Draft>,
    fault: Option<Error>,
    codec: PhantomData<fn(T, C) -> T>,
}

impl<T, C> Transaction<T, C> {
    pub(super) fn new(store: Store) -> Self {
        Self { store, drafts: Vec::new(), fault: None, codec: PhantomData }
    }

    /// Creates or replaces an item.
    pub fn put(self, key: impl IntoKey, value: &T) -> Self
    where
        C: Encode<T>,
    {
        let value = C::encode(value);
        self.with(key.into_key(), value.map(|value| Change::Put { value, expires: None }))
    }

    /// Deletes an item; a missing one is no failure, unless a condition names a version.
    pub fn delete(self, key: impl IntoKey) -> Self {
        self.with(key.into_key(), Ok(Change::Delete))
    }

    /// Changes nothing, but makes the whole depend on the condition that follows.
    pub fn check(self, key: impl IntoKey) -> Self {
        self.with(key.into_key(), Ok(Change::Check))
    }

    /// Only where there is no such item as the last one named.
    pub fn if_absent(self) -> Self {
        self.last(Draft::if_absent)
    }

    /// Only where the last item named still has this version.
    pub fn if_version(self, version: &Version) -> Self {
        self.last(|draft| draft.if_version(version))
    }

    /// Lets the item put last expire so long after the transaction is awaited.
    pub fn expires(self, after: Duration) -> Self {
        self.last(|draft| match draft.write.change {
            Change::Put { .. } => draft.expires = Some(after),
            Change::Delete | Change::Check => {
                let fault: Result<()> = Err(Error::invalid("only an item that is put can expire"));
                draft.note(fault);
            }
        })
    }

    fn with(mut self, key: Key, change: Result<Change>) -> Self {
        self.drafts.push(Draft::new(&self.store, key, change));
        self
    }

    fn last(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        match self.drafts.last_mut() {
            Some(draft) => change(draft),
            None => {
                self.fault.get_or_insert(Error::invalid(
                    "a condition or an expiry follows the item that it belongs to",
                ));
            }
        }
        self
    }
}

impl<T, C> fmt::Debug for Transaction<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("store", &self.store)
            .field("drafts", &self.drafts)
            .finish_non_exhaustive()
    }
}

impl<T, C> IntoFuture for Transaction<T, C> {
    type Output = Result<Vec<Option<Version>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { store, drafts, fault, .. } = self;
        Box::pin(transact(store, drafts, fault))
    }
}

async fn transact(store: Store, drafts: Vec<Draft>, fault: Option<Error>) -> Result<Vec<Option<Version>>> {
    let keys: Vec<Key> = drafts.iter().map(|draft| draft.write.key.clone()).collect();
    let work = async {
        let writes = match fault {
            Some(fault) => return Err(fault),
            None => prepare(&store, drafts)?,
        };
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let puts: Vec<bool> = writes.iter().map(|write| matches!(write.change, Change::Put { .. })).collect();
        let versions = store.0.transact(writes).await?;
        if versions.len() != puts.len() || puts.iter().zip(&versions).any(|(put, v)| *put != v.is_some()) {
            return Err(no_version());
        }
        let versions = keys.iter().zip(versions);
        Ok(versions.map(|(key, raw)| raw.map(|raw| Version::new(key.clone(), raw))).collect())
    };
    let result = store.run("kv.transact", None, work).await;
    result.map_err(|error| match error.item().and_then(|item| keys.get(item)) {
        Some(key) => error.with_key(&key.to_string()),
        None => error,
    })
}

/// The writes, once everything holds that can be known before they are sent.
fn prepare(store: &Store, drafts: Vec<Draft>) -> Result<Vec<Write>> {
    let limits = store.info().limits;
    if drafts.len() > limits.transact_items {
        let (most, count) = (limits.transact_items, drafts.len());
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("a transaction has at most {most} items, not {count}"),
        ));
    }
    let partition = drafts.first().map(|draft| draft.write.key.partition.clone());
    let mut writes = Vec::with_capacity(drafts.len());
    let mut bytes = 0;
    for (item, draft) in drafts.into_iter().enumerate() {
        let write = draft.finish(store).map_err(|fault| fault.with_item(item))?;
        let wrong = |text: &'static str| Err(Error::invalid(text).with_item(item));
        if Some(&write.key.partition) != partition.as_ref() {
            return wrong("a transaction stays within one partition");
        }
        match &write.change {
            Change::Put { value, .. } => bytes += value.len(),
            Change::Check if write.condition == ItemCondition::None => {
                return wrong("a check needs a condition: `if_absent` or `if_version`");
            }
            Change::Delete | Change::Check => {}
        }
        if write.change == Change::Delete && write.condition == ItemCondition::IfAbsent {
            return wrong("to delete what is absent does nothing: use `check` with `if_absent`");
        }
        writes.push(write);
    }
    if let Some(item) = repeated(&writes) {
        let text = "the key stands twice in one transaction: name each item once";
        return Err(Error::invalid(text).with_item(item));
    }
    if bytes > limits.transact_bytes {
        let most = limits.transact_bytes;
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("the values of a transaction have at most {most} bytes in all, not {bytes}"),
        ));
    }
    Ok(writes)
}

/// The first write of one partition whose key stands before it, too. Found by sorting: to hash so few costs more.
fn repeated(writes: &[Write]) -> Option<usize> {
    let mut sorts: Vec<(&str, usize)> =
        writes.iter().enumerate().map(|(item, write)| (&*write.key.sort, item)).collect();
    sorts.sort_unstable();
    let pairs = sorts.iter().zip(sorts.iter().skip(1));
    pairs.filter(|(before, this)| before.0 == this.0).map(|(_, this)| this.1).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_that_stands_twice_is_found() {
        let found = |sorts: &[&str]| {
            let writes: Vec<Write> = sorts.iter().map(|sort| Write::delete(Key::new("p", *sort))).collect();
            repeated(&writes)
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["b", "a", "c"]), None);
        assert_eq!(found(&["b", "a", "c", "a", "b"]), Some(3));
        assert_eq!(found(&["a", "a", "a"]), Some(1));
    }
}
