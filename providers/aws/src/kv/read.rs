//! Reads of one item and of many, always of the last write.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::StreamExt;
use skyport_core::kv::port::{Key, RawItem};
use skyport_core::kv::stored::is_live;
use skyport_core::pieces::Pieces;
use skyport_core::{Error, Result};

use super::DynamoTable;
use super::item::{self, Attributes};
use super::pace::Pace;
use crate::error;

/// DynamoDB's most keys of one batch.
const BATCH: usize = 100;
/// How many batches are under way at once.
const AT_ONCE: usize = 4;
/// How large the items are nobody knows.
pub(super) const PIECES: Pieces = Pieces::requests(BATCH, usize::MAX, AT_ONCE);

type Found = HashMap<Key, Result<Option<RawItem>>>;

impl DynamoTable {
    pub(super) async fn read(&self, key: &Key) -> Result<Option<RawItem>> {
        let request = self.client().await.get_item().table_name(self.name()).consistent_read(true);
        let request = request.set_key(Some(item::key_attributes(key))).projection_expression(item::READ);
        let answer = request.send().await.map_err(error::of)?;
        match answer.item {
            Some(attributes) => self.live(key.clone(), attributes),
            None => Ok(None),
        }
    }

    /// The item, unless it has expired.
    fn live(&self, key: Key, attributes: Attributes) -> Result<Option<RawItem>> {
        let is_live = is_live(item::expiry(&attributes)?, self.now());
        if is_live { item::read(key, attributes).map(Some) } else { Ok(None) }
    }

    pub(super) async fn read_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        // DynamoDB refuses a batch in which a key stands twice.
        let mut seen = HashSet::with_capacity(keys.len());
        let distinct: Vec<&Key> = keys.iter().filter(|key| seen.insert(*key)).collect();
        let mut batches = Vec::with_capacity(distinct.len().div_ceil(BATCH));
        for batch in distinct.chunks(BATCH) {
            batches.push(self.read_batch(batch.to_vec()));
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
    async fn read_batch(&self, keys: Vec<&Key>) -> Found {
        let (mut found, mut pending, mut pace) = (Found::with_capacity(keys.len()), keys, Pace::default());
        while !pending.is_empty() {
            let asked = pending.len();
            let failed = match self.ask(&pending, &mut found).await {
                Ok(unprocessed) => {
                    // What is neither there nor unprocessed does not exist.
                    pending.retain(|key| {
                        let left = unprocessed.contains(*key);
                        if !left {
                            found.entry((*key).clone()).or_insert(Ok(None));
                        }
                        left
                    });
                    if pending.is_empty() {
                        break;
                    }
                    pace.wait(asked, pending.len()).await.err()
                }
                Err(error) => Some(error),
            };
            if let Some(error) = failed {
                let refused = error.of_each(pending.len());
                found.extend(pending.drain(..).cloned().zip(refused));
            }
        }
        found
    }

    /// Asks once; the keys that were left unprocessed.
    async fn ask(&self, keys: &[&Key], found: &mut Found) -> Result<HashSet<Key>> {
        let asked = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(|key| item::key_attributes(key)).collect()))
            .consistent_read(true)
            .projection_expression(item::READ_WITH_KEYS)
            .build()
            .map_err(error::unmade)?;
        let request = self.client().await.batch_get_item().request_items(self.name(), asked);
        let answer = Box::pin(request.send()).await.map_err(error::of)?;
        let items = answer.responses.unwrap_or_default().into_values().flatten();
        for attributes in items {
            let key = item::key_of(&attributes)?;
            found.insert(key.clone(), self.live(key, attributes));
        }
        let left = answer.unprocessed_keys.unwrap_or_default();
        left.into_values().flat_map(|left| left.keys).map(|key| item::key_of(&key)).collect()
    }
}
