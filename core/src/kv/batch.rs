//! Writes of many items, each on its own: [`PutMany`] and [`DeleteMany`].

use std::collections::HashMap;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::port::{Key, RawVersion, Write};
use super::store::Store;
use super::version::Version;
use super::write::{Draft, no_version};
use crate::{Error, Result};

/// Writes many items, each on its own; made by [`Table::put_many`](super::Table::put_many), happens when it is awaited.
///
/// One result an item, in order. A key that stands twice in one call is `InvalidArgument` for each of its items, and
/// none of them is written: which one came last would be chance.
#[derive(Debug)]
#[must_use = "writes happen only when they are awaited"]
pub struct PutMany {
    pub(super) store: Store,
    pub(super) drafts: Vec<Draft>,
}

impl PutMany {
    /// Lets the items expire so long after the call is awaited.
    pub fn expires(mut self, after: Duration) -> Self {
        for draft in &mut self.drafts {
            draft.expires = Some(after);
        }
        self
    }
}

impl IntoFuture for PutMany {
    type Output = Vec<Result<Version>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let results = write_many(&self.store, "kv.put_many", self.drafts).await;
            let version = |(key, result): (Key, Result<Option<RawVersion>>)| match result {
                Ok(Some(raw)) => Ok(Version::new(key, raw)),
                Ok(None) => Err(self.store.name("kv.put_many", Some(&key), no_version())),
                Err(error) => Err(error),
            };
            results.into_iter().map(version).collect()
        })
    }
}

/// Deletes many items, each on its own; made by [`Table::delete_many`](super::Table::delete_many), happens when it is
/// awaited. One result an item, in order; duplicates as in [`PutMany`].
#[derive(Debug)]
#[must_use = "deletes happen only when they are awaited"]
pub struct DeleteMany {
    pub(super) store: Store,
    pub(super) drafts: Vec<Draft>,
}

impl IntoFuture for DeleteMany {
    type Output = Vec<Result<()>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let results = write_many(&self.store, "kv.delete_many", self.drafts).await;
            results.into_iter().map(|(_, result)| result.map(|_| ())).collect()
        })
    }
}

type Results = Vec<(Key, Result<Option<RawVersion>>)>;

/// Hands the valid ones to the provider and puts every result at its place.
async fn write_many(store: &Store, operation: &'static str, drafts: Vec<Draft>) -> Results {
    let keys: Vec<Key> = drafts.iter().map(|draft| draft.write.key.clone()).collect();
    let mut times: HashMap<&Key, u32> = HashMap::with_capacity(keys.len());
    for key in &keys {
        *times.entry(key).or_default() += 1;
    }
    let checked = drafts.into_iter().zip(&keys).map(|(draft, key)| {
        if times.get(key).is_some_and(|&times| times > 1) {
            return Err(Error::invalid("the key stands twice in one call: name each item once"));
        }
        draft.finish(store)
    });
    let mut places: Vec<Option<Error>> = Vec::with_capacity(keys.len());
    let mut writes: Vec<Write> = Vec::with_capacity(keys.len());
    for result in checked {
        match result {
            Ok(write) => {
                writes.push(write);
                places.push(None);
            }
            Err(error) => places.push(Some(error)),
        }
    }
    let answers = if writes.is_empty() {
        Vec::new()
    } else {
        let span = store.span(operation);
        store.0.write_many(writes).instrument(span).await
    };
    let mut answers = answers.into_iter();
    let place = |(key, fault): (Key, Option<Error>)| {
        let result = match fault {
            Some(fault) => Err(fault),
            None => answers.next().unwrap_or_else(|| Err(missing_answer())),
        };
        let result = result.map_err(|error| store.name(operation, Some(&key), error));
        (key, result)
    };
    keys.into_iter().zip(places).map(place).collect()
}

pub(super) fn missing_answer() -> Error {
    Error::internal("the provider answered fewer items than it was asked for")
}
