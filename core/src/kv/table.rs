//! The users' face of key-value tables: [`Table`].

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::batch::{DeleteMany, PutMany, missing_answer};
use super::entry::Entry;
use super::key::IntoKey;
use super::port::{Change, Key, KeyValueStore, RawItem, TableInfo};
use super::query::Query;
use super::store::Store;
use super::transact::Transaction;
use super::update::{Update, update};
use super::version::Version;
use super::write::{Delete, Draft, IncrementBy, Put};
use crate::codec::{Decode, Encode, Json};
use crate::{Error, Result};

/// A table of values of type `T`, as JSON unless another codec is named.
///
/// An item has a key (a partition of 1 to 255 bytes and a sort key of 0 to 255 bytes, any UTF-8), a value of at most
/// 384 KiB, a version, and perhaps an expiry. Reads see the last write. Within a partition items are ordered by the UTF-8
/// bytes of their sort keys. Every write gives a new version, also one that changes nothing.
///
/// A write costs by the size of its item on most clouds: keep counters and other often written things in small items of
/// their own. One partition takes at least 500 small writes a second, one key at least one.
///
/// Cheap to clone; `Send` and `Sync` whatever `T` is.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
/// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
/// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
/// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
/// # let port = memory.table(&url, &TableSettings::default())?;
/// # let table = skyport_core::kv::Table::<String>::new(port);
/// let version = table.put(("ada", "motto"), &"onwards".to_owned()).if_absent().await?;
/// let entry = table.get(("ada", "motto")).await?;
/// assert_eq!(entry.as_deref().map(String::as_str), Some("onwards"));
/// table.put(("ada", "motto"), &"upwards".to_owned()).if_version(&version).await?;
/// # Ok(())
/// # }
/// ```
pub struct Table<T, C = Json> {
    store: Store,
    codec: PhantomData<fn(T, C) -> T>,
}

impl<T, C> Table<T, C> {
    /// The users' face of a provider's table.
    #[must_use]
    pub fn new(store: Arc<dyn KeyValueStore>) -> Self {
        Self::over(Store(store))
    }

    fn over(store: Store) -> Self {
        Self { store, codec: PhantomData }
    }

    /// What the table is: its name, its provider, its limits and capabilities.
    #[must_use]
    pub fn info(&self) -> &TableInfo {
        self.store.info()
    }

    /// The same table, its values taken for another type or codec: for items of several shapes side by side.
    #[must_use]
    pub fn with_type<U, D>(&self) -> Table<U, D> {
        Table::over(self.store.clone())
    }

    /// The implementors' face, for what is built on tables.
    #[must_use]
    pub fn port(&self) -> &Arc<dyn KeyValueStore> {
        &self.store.0
    }

    /// Reads an item; `None` where there is none or it has expired.
    ///
    /// # Errors
    /// `InvalidArgument` for a key outside its limits; `Malformed` for a value that is no `T`; `NotFound` for a missing
    /// table.
    pub async fn get(&self, key: impl IntoKey) -> Result<Option<Entry<T>>>
    where
        C: Decode<T>,
    {
        let key = key.into_key();
        let named = |error| self.store.name("kv.get", Some(&key), error);
        self.store.check_key(&key).map_err(named)?;
        match self.store.0.get(&key).instrument(self.store.span("kv.get")).await {
            Ok(Some(item)) => Entry::decode::<C>(item).map(Some).map_err(named),
            Ok(None) => Ok(None),
            Err(error) => Err(named(error)),
        }
    }

    /// Reads any number of items; one result a key, in order, also where a key stands twice. Errors as [`get`](Self::get).
    pub async fn get_many<K: IntoKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Vec<Result<Option<Entry<T>>>>
    where
        C: Decode<T>,
    {
        let keys: Vec<Key> = keys.into_iter().map(IntoKey::into_key).collect();
        let results = self.read_many(&keys).await;
        let named = keys.iter().zip(results).map(|(key, result)| {
            result
                .and_then(|item| item.map(Entry::decode::<C>).transpose())
                .map_err(|error| self.store.name("kv.get_many", Some(key), error))
        });
        named.collect()
    }

    /// Clouds refuse a key that stands twice in one request: each is asked for once.
    async fn read_many(&self, keys: &[Key]) -> Vec<Result<Option<RawItem>>> {
        let mut places: HashMap<&Key, usize> = HashMap::with_capacity(keys.len());
        let mut wanted = Vec::new();
        for key in keys {
            if self.store.check_key(key).is_ok() && !places.contains_key(key) {
                places.insert(key, wanted.len());
                wanted.push(key.clone());
            }
        }
        let answers = if wanted.is_empty() {
            Vec::new()
        } else {
            let span = self.store.span("kv.get_many");
            self.store.0.get_many(wanted).instrument(span).await
        };
        let answer = |key: &Key| {
            self.store.check_key(key)?;
            match places.get(key).and_then(|&place| answers.get(place)) {
                Some(Ok(item)) => Ok(item.clone()),
                Some(Err(error)) => Err(copy(error)),
                None => Err(missing_answer()),
            }
        };
        keys.iter().map(answer).collect()
    }

    /// Creates or replaces an item, and gives its new version; `if_absent`, `if_version` and `expires` follow.
    ///
    /// # Errors
    /// When awaited: `InvalidArgument` for a key outside its limits, a value that has no encoding or a version of another
    /// key; `TooLarge` for a value over the limit; `AlreadyExists` or `PreconditionFailed` as the condition says;
    /// `Conflict` where a transaction was in the way; `Indeterminate` where the answer was lost and the truth cannot be
    /// known; `NotFound` for a missing table.
    pub fn put(&self, key: impl IntoKey, value: &T) -> Put
    where
        C: Encode<T>,
    {
        Put { draft: self.draft_put(key.into_key(), value), store: self.store.clone() }
    }

    /// Deletes an item; a missing one is Ok; `if_version` follows.
    ///
    /// # Errors
    /// When awaited: as [`put`](Self::put).
    pub fn delete(&self, key: impl IntoKey) -> Delete {
        Delete {
            draft: Draft::new(&self.store, key.into_key(), Ok(Change::Delete)),
            store: self.store.clone(),
        }
    }

    /// Creates or replaces any number of items, each on its own, without conditions; one result an item, in order.
    /// A key that stands twice is `InvalidArgument` for each of its items.
    pub fn put_many<'t, K: IntoKey>(&self, items: impl IntoIterator<Item = (K, &'t T)>) -> PutMany
    where
        T: 't,
        C: Encode<T>,
    {
        let draft = |(key, value): (K, &T)| self.draft_put(key.into_key(), value);
        PutMany { drafts: items.into_iter().map(draft).collect(), store: self.store.clone() }
    }

    /// Deletes any number of items, each on its own; one result a key, in order; a missing item is Ok.
    /// A key that stands twice is `InvalidArgument` at each of its places.
    pub fn delete_many<K: IntoKey>(&self, keys: impl IntoIterator<Item = K>) -> DeleteMany {
        let draft = |key: K| Draft::new(&self.store, key.into_key(), Ok(Change::Delete));
        DeleteMany { drafts: keys.into_iter().map(draft).collect(), store: self.store.clone() }
    }

    /// The items of a partition, in order; options follow, then `page`, `stream` or `collect`.
    pub fn query(&self, partition: impl AsRef<str>) -> Query<T, C> {
        Query::new(self.store.clone(), partition.as_ref())
    }

    /// Reads an item, lets `change` decide, and writes that back unless another came between; then again, at most 16 times
    /// with growing pauses. `change` may therefore be called several times and should have no effects of its own.
    ///
    /// Gives the version that the item then has; `None` where there is none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
    /// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
    /// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
    /// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
    /// # let port = memory.table(&url, &TableSettings::default())?;
    /// # use skyport_core::kv::{Table, Update};
    /// # let table = Table::<Vec<String>>::new(port);
    /// table.update("guests", |guests| {
    ///     let mut guests = guests.unwrap_or_default();
    ///     guests.push("ada".to_owned());
    ///     Ok(Update::Put(guests))
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `change` returns; `Conflict` where others were faster each time; `Indeterminate` where the answer to the write
    /// was lost; else as [`get`](Self::get) and [`put`](Self::put).
    pub async fn update<F>(&self, key: impl IntoKey, change: F) -> Result<Option<Version>>
    where
        C: Encode<T> + Decode<T>,
        F: FnMut(Option<T>) -> Result<Update<T>>,
    {
        let key = key.into_key();
        let work = update::<T, C, F>(&self.store, &key, change);
        self.store.run("kv.update", Some(&key), work).await
    }

    /// Adds `by`, which may be negative, to a counter and gives its new value; a missing counter counts as 0. Never
    /// applied twice. `expires` may follow.
    ///
    /// A counter is an item of its own, with an integer as its value: `Table<i64>` reads it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
    /// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
    /// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "table"));
    /// # memory.create(&url, &ResourceKind::Table(TableSettings::default())).await?;
    /// # let port = memory.table(&url, &TableSettings::default())?;
    /// # let visits = skyport_core::kv::Table::<i64>::new(port);
    /// assert_eq!(visits.increment(("page", "/"), 1).await?, 1);
    /// assert_eq!(visits.increment(("page", "/"), 10).await?, 11);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When awaited: `InvalidArgument` where the item holds something else or would leave an `i64`; `Indeterminate`
    /// where a lost answer cannot be resolved; else as [`put`](Self::put).
    pub fn increment(&self, key: impl IntoKey, by: i64) -> IncrementBy {
        IncrementBy { store: self.store.clone(), key: key.into_key(), by, expires: None }
    }

    /// Up to 100 writes on distinct keys of one partition, all or nothing; they follow.
    pub fn transact(&self) -> Transaction<T, C> {
        Transaction::new(self.store.clone())
    }

    /// Deletes what has expired, and gives the number of items; for tables whose provider does not do it by itself
    /// (`capabilities().deletes_expired`). Expired items are absent in any case: this only frees room.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn sweep(&self) -> Result<u64> {
        self.store.run("kv.sweep", None, self.store.0.sweep()).await
    }

    /// Says of an error where it comes from, for what is built on tables.
    /// Whether an item may expire so long from now.
    pub(crate) fn check_expiry(&self, after: Duration) -> Result<()> {
        self.store.expiry(Some(after)).map(|_| ())
    }

    pub(crate) fn name_error(&self, operation: &'static str, key: &Key, error: Error) -> Error {
        self.store.name(operation, Some(key), error)
    }

    fn draft_put(&self, key: Key, value: &T) -> Draft
    where
        C: Encode<T>,
    {
        let change = C::encode(value).map(|value| Change::Put { value, expires: None });
        Draft::new(&self.store, key, change)
    }
}

/// The same failure for a second place in a batch.
fn copy(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message().to_owned())
        .with_retryable(error.is_retryable())
        .with_ambiguous(error.is_ambiguous());
    match error.retry_after() {
        Some(after) => copy.with_retry_after(after),
        None => copy,
    }
}

impl<T, C> Clone for Table<T, C> {
    fn clone(&self) -> Self {
        Self::over(self.store.clone())
    }
}

impl<T, C> fmt::Debug for Table<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info();
        f.debug_struct("Table")
            .field("provider", &info.provider)
            .field("resource", &info.resource)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_send_and_sync_whatever_its_values_are() {
        fn shared<S: Send + Sync + Clone>() {}
        shared::<Table<std::rc::Rc<std::cell::Cell<u8>>>>();
    }

    #[test]
    fn a_failure_told_twice_says_the_same() {
        let error = Error::new(crate::ErrorKind::Throttled, "slow")
            .with_retry_after(std::time::Duration::from_secs(3));
        let copy = copy(&error.with_retryable(false));
        assert_eq!((copy.kind(), copy.message()), (crate::ErrorKind::Throttled, "slow"));
        assert!(!copy.is_retryable() && copy.retry_after().is_some());
    }
}
