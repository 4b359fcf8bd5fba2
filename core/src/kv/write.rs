//! Single writes: [`Put`], [`Delete`] and [`IncrementBy`], which happen when they are awaited.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use super::port::{Change, Increment, ItemCondition, Key, Write};
use super::store::Store;
use super::version::Version;
use crate::{Error, Result};

/// A write with what must hold for it; an error found on the way is kept until it is awaited.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) write: Write,
    pub(super) expires: Option<Duration>,
    pub(super) fault: Option<Error>,
}

impl Draft {
    pub(super) fn new(store: &Store, key: Key, change: Result<Change>) -> Self {
        let (change, fault) = match change {
            Ok(change) => (change, None),
            Err(fault) => (Change::Check, Some(fault)),
        };
        let mut draft = Self { write: Write::new(key, change), expires: None, fault };
        let checked = store.check_key(&draft.write.key).and_then(|()| match &draft.write.change {
            Change::Put { value, .. } => store.check_value(value.len()),
            Change::Delete | Change::Check => Ok(()),
        });
        draft.note(checked);
        draft
    }

    /// Keeps the first error.
    pub(super) fn note<R>(&mut self, result: Result<R>) -> Option<R> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault.get_or_insert(error);
                None
            }
        }
    }

    pub(super) fn if_absent(&mut self) {
        self.write.condition = ItemCondition::IfAbsent;
    }

    pub(super) fn if_version(&mut self, version: &Version) {
        let raw = version.of(&self.write.key);
        if let Some(raw) = self.note(raw) {
            self.write.condition = ItemCondition::IfVersion(raw);
        }
    }

    /// The write itself, its expiry counted from now.
    pub(super) fn finish(mut self, store: &Store) -> Result<Write> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Change::Put { expires, .. } = &mut self.write.change
            && self.expires.is_some()
        {
            *expires = store.expiry(self.expires)?;
        }
        Ok(self.write)
    }
}

pub(super) fn no_version() -> Error {
    Error::internal("the provider gave no version for a put")
}

/// Creates or replaces an item; made by [`Table::put`](super::Table::put), happens when it is awaited.
///
/// One condition at most: the last one named counts.
#[derive(Debug)]
#[must_use = "a write happens only when it is awaited"]
pub struct Put {
    pub(super) store: Store,
    pub(super) draft: Draft,
}

impl Put {
    /// Only where there is no such item, or only an expired one; else `AlreadyExists`.
    pub fn if_absent(mut self) -> Self {
        self.draft.if_absent();
        self
    }

    /// Only where the item still has this version; else, also where it is gone or expired, `PreconditionFailed`.
    pub fn if_version(mut self, version: &Version) -> Self {
        self.draft.if_version(version);
        self
    }

    /// Lets the item expire so long after the write is awaited; by default it never does. Longer than nothing, at most 100 years.
    pub fn expires(mut self, after: Duration) -> Self {
        self.draft.expires = Some(after);
        self
    }
}

impl IntoFuture for Put {
    type Output = Result<Version>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { store, draft } = self;
        let (span, key) = (store.span("kv.put"), draft.write.key.clone());
        let work = async move {
            let written = match draft.finish(&store) {
                Ok(write) => store.0.write(write).await,
                Err(error) => Err(error),
            };
            match written.and_then(|raw| raw.ok_or_else(no_version)) {
                Ok(raw) => Ok(Version::new(key, raw)),
                Err(error) => Err(store.name("kv.put", Some(&key), error)),
            }
        };
        Box::pin(work.instrument(span))
    }
}

/// Deletes an item; made by [`Table::delete`](super::Table::delete), happens when it is awaited.
#[derive(Debug)]
#[must_use = "a delete happens only when it is awaited"]
pub struct Delete {
    pub(super) store: Store,
    pub(super) draft: Draft,
}

impl Delete {
    /// Only where the item still has this version; else, also where it is gone or expired, `PreconditionFailed`.
    pub fn if_version(mut self, version: &Version) -> Self {
        self.draft.if_version(version);
        self
    }
}

impl IntoFuture for Delete {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { store, draft } = self;
            let key = draft.write.key.clone();
            let work = async { store.0.write(draft.finish(&store)?).await };
            store.run("kv.delete", Some(&key), work).await.map(|_| ())
        })
    }
}

/// Adds to a counter; made by [`Table::increment`](super::Table::increment), happens when it is awaited.
#[derive(Debug)]
#[must_use = "an increment happens only when it is awaited"]
pub struct IncrementBy {
    pub(super) store: Store,
    pub(super) key: Key,
    pub(super) by: i64,
    pub(super) expires: Option<Duration>,
}

impl IncrementBy {
    /// Lets a counter that this call creates expire so long after; the expiry of an existing one stays as it is.
    pub fn expires(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }
}

impl IntoFuture for IncrementBy {
    type Output = Result<i64>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let store = &self.store;
            let work = async {
                store.check_key(&self.key)?;
                let mut increment = Increment::new(self.key.clone(), self.by, store.now());
                increment.expires = store.expiry(self.expires)?;
                store.0.increment(increment).await.map(|done| done.value)
            };
            store.run("kv.increment", Some(&self.key), work).await
        })
    }
}
