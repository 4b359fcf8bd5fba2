//! Reads of one item and of many, always of the last write.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use skyport_core::kv::port::{Key, RawItem};
use skyport_core::pieces::Pieces;
use skyport_core::{Error, Result};

use super::FirestoreTable;
use super::database::{Database, Within};
use super::item::{self, Stored};
use crate::proto::firestore::Document;

/// How many documents are asked for in one request.
const BATCH: usize = 100;
/// How many requests are under way at once.
const AT_ONCE: usize = 4;
/// How large the values are nobody knows.
pub(super) const PIECES: Pieces = Pieces::requests(BATCH, usize::MAX, AT_ONCE);

impl FirestoreTable {
    pub(super) async fn read(&self, key: &Key) -> Result<Option<RawItem>> {
        let name = self.database().await?.names().item(key);
        let mut found = self.look(vec![name.clone()], item::READ).await?;
        self.live(key.clone(), found.take(&name)?)
    }

    /// The item, unless it has expired.
    fn live(&self, key: Key, document: Option<Document>) -> Result<Option<RawItem>> {
        let Some(document) = document else { return Ok(None) };
        let stored = Stored::read(document)?;
        if stored.stamp.is_live(self.now()) { stored.into_item(key).map(Some) } else { Ok(None) }
    }

    pub(super) async fn read_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let database = match self.there().await {
            Ok(database) => database,
            Err(error) => return error.of_each(keys.len()),
        };
        // A key that stands twice is asked for once.
        let (mut distinct, mut first) = (Vec::with_capacity(keys.len()), HashMap::with_capacity(keys.len()));
        let mut place = |key| {
            *first.entry(key).or_insert_with(|| {
                distinct.push(key);
                distinct.len() - 1
            })
        };
        let places: Vec<usize> = keys.iter().map(&mut place).collect();
        let mut batches = Vec::with_capacity(distinct.len().div_ceil(BATCH));
        for (at, batch) in distinct.chunks(BATCH).enumerate() {
            batches.push(async move { (at, self.read_batch(database, batch).await) });
        }
        let mut batches: Vec<_> = stream::iter(batches).buffer_unordered(AT_ONCE).collect().await;
        batches.sort_unstable_by_key(|(at, _)| *at);
        let mut found = Vec::with_capacity(distinct.len());
        found.extend(batches.into_iter().flat_map(|(_, found)| found));
        if found.len() == places.len() {
            return found;
        }
        let again = |place: &usize| match found.get(*place) {
            Some(Ok(item)) => Ok(item.clone()),
            Some(Err(error)) => Err(error.again()),
            None => Err(Error::internal("a key of the batch was never asked for")),
        };
        places.iter().map(again).collect()
    }

    /// At most [`BATCH`] distinct keys; one result each, in order.
    async fn read_batch(&self, database: &Database, keys: &[&Key]) -> Vec<Result<Option<RawItem>>> {
        let names: Vec<String> = keys.iter().map(|key| database.names().item(key)).collect();
        let mut found = database.look(names.clone(), item::READ, Within::None).await;
        let read = keys.iter().zip(names);
        read.map(|(&key, name)| self.live(key.clone(), found.take(&name)?)).collect()
    }
}
