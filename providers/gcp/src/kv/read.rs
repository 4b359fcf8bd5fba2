//! Reads of one item and of many, always of the last write.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use gcloud_sdk::google::firestore::v1::Document;
use skyport_core::kv::port::{Key, RawItem};
use skyport_core::{Error, Result};

use super::FirestoreTable;
use super::database::{Database, Within};
use super::item::{self, Stored};

/// How many documents are asked for in one request.
const BATCH: usize = 100;
/// How many requests are under way at once.
const AT_ONCE: usize = 4;

type Found = HashMap<Key, Result<Option<RawItem>>>;

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
        let mut seen = HashSet::with_capacity(keys.len());
        let distinct: Vec<&Key> = keys.iter().filter(|key| seen.insert(*key)).collect();
        let mut batches = Vec::with_capacity(distinct.len().div_ceil(BATCH));
        for batch in distinct.chunks(BATCH) {
            batches.push(self.read_batch(database, batch.to_vec()));
        }
        let found: Vec<Found> = futures_util::stream::iter(batches).buffer_unordered(AT_ONCE).collect().await;
        let found: Found = found.into_iter().flatten().collect();
        keys.iter()
            .map(|key| match found.get(key) {
                Some(Ok(item)) => Ok(item.clone()),
                Some(Err(error)) => Err(error.again()),
                None => Err(Error::internal("a key of the batch was never asked for")),
            })
            .collect()
    }

    /// At most [`BATCH`] distinct keys.
    async fn read_batch(&self, database: &Database, keys: Vec<&Key>) -> Found {
        let names: Vec<String> = keys.iter().map(|key| database.names().item(key)).collect();
        let mut found = database.look(names.clone(), item::READ, Within::None).await;
        let read = keys.into_iter().zip(names);
        read.map(|(key, name)| {
            let item = found.take(&name).and_then(|document| self.live(key.clone(), document));
            (key.clone(), item)
        })
        .collect()
    }
}
