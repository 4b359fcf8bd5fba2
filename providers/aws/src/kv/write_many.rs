//! Many writes without conditions, each on its own, by batches.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use futures_util::StreamExt;
use skyport_core::kv::port::{Change, Key, RawVersion, Write};
use skyport_core::pieces::Pieces;
use skyport_core::{Error, Result};

use super::DynamoTable;
use super::item::{self, Attributes, key_attributes, new_version, number, stored_expiry, stored_value};
use super::pace::Pace;
use crate::error;

/// DynamoDB's most writes of one batch. Its other limit, 16 MiB, cannot be reached: an item has at most 400 KB, and a
/// third more in transit.
const BATCH: usize = 25;
const _: () = assert!(BATCH * 409_600 / 3 * 4 < 16 << 20);
/// How many batches are under way at once.
const AT_ONCE: usize = 4;
pub(super) const PIECES: Pieces = Pieces::requests(BATCH, usize::MAX, AT_ONCE);

type Results = Vec<Result<Option<RawVersion>>>;

impl DynamoTable {
    pub(super) async fn write_batches(&self, writes: Vec<Write>) -> Results {
        let mut batches = Vec::with_capacity(writes.len().div_ceil(BATCH));
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            batches.push(self.write_batch(writes.by_ref().take(BATCH).collect()));
        }
        let results: Vec<Results> = futures_util::stream::iter(batches).buffered(AT_ONCE).collect().await;
        results.into_iter().flatten().collect()
    }

    /// At most [`BATCH`] writes on distinct keys.
    async fn write_batch(&self, writes: Vec<Write>) -> Results {
        let keys: HashMap<Key, usize> =
            writes.iter().enumerate().map(|(place, write)| (write.key.clone(), place)).collect();
        let now = self.now();
        let mut results = Results::with_capacity(writes.len());
        let mut pending: Vec<(usize, WriteRequest)> = Vec::with_capacity(writes.len());
        for (place, write) in writes.into_iter().enumerate() {
            let made = request(write, now);
            results.push(made.map(|(version, request)| {
                pending.extend(request.map(|request| (place, request)));
                version
            }));
        }
        let mut pace = Pace::default();
        while !pending.is_empty() {
            let places: Vec<usize> = pending.iter().map(|(place, _)| *place).collect();
            let requests = pending.drain(..).map(|(_, request)| request).collect();
            let left = match self.send(requests).await {
                Ok(left) => left,
                Err(error) => {
                    refuse(&mut results, &places, &error);
                    break;
                }
            };
            // What came back is sent again as it is, in the order of the call; what nobody sent is not.
            pending = left
                .into_iter()
                .filter_map(|request| Some((*keys.get(&key_of(&request)?)?, request)))
                .filter(|(place, _)| places.contains(place))
                .collect();
            pending.sort_by_key(|(place, _)| *place);
            pending.dedup_by_key(|(place, _)| *place);
            if pending.is_empty() {
                break;
            }
            if let Err(error) = pace.wait(places.len(), pending.len()).await {
                let places: Vec<usize> = pending.iter().map(|(place, _)| *place).collect();
                refuse(&mut results, &places, &error);
                break;
            }
        }
        results
    }

    /// Sends once; what was left undone.
    async fn send(&self, requests: Vec<WriteRequest>) -> Result<Vec<WriteRequest>> {
        let request = self.client().await.batch_write_item().request_items(self.name(), requests);
        let answer = Box::pin(request.send()).await.map_err(error::of)?;
        Ok(answer.unprocessed_items.unwrap_or_default().into_values().flatten().collect())
    }
}

fn refuse(results: &mut Results, places: &[usize], error: &Error) {
    for (place, refused) in places.iter().zip(error.of_each(places.len())) {
        results[*place] = refused;
    }
}

/// The version that a write gives, and what is sent for it.
fn request(write: Write, now: u64) -> Result<(Option<RawVersion>, Option<WriteRequest>)> {
    let key = key_attributes(&write.key);
    match write.change {
        Change::Check => Ok((None, None)),
        Change::Delete => {
            let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(error::unmade)?;
            Ok((None, Some(WriteRequest::builder().delete_request(delete).build())))
        }
        Change::Put { value, expires } => {
            let version = new_version(write.token);
            let mut attributes = key;
            let mut set = |name: &str, value| attributes.insert(name.to_owned(), value);
            set(item::VALUE, stored_value(value));
            set(item::VERSION, AttributeValue::S(version.as_str().to_owned()));
            // The whole item is replaced, and with it what a counter remembers: this says since when.
            set(item::BATCHED, number(now));
            if let Some(at) = expires {
                let (millis, seconds) = stored_expiry(at);
                set(item::EXPIRES, millis);
                set(item::EXPIRES_SECONDS, seconds);
            }
            let put = PutRequest::builder().set_item(Some(attributes)).build().map_err(error::unmade)?;
            Ok((Some(version), Some(WriteRequest::builder().put_request(put).build())))
        }
    }
}

fn key_of(request: &WriteRequest) -> Option<Key> {
    let put = request.put_request().map(|put| put.item());
    let attributes: Option<&Attributes> = put.or_else(|| Some(request.delete_request()?.key()));
    item::key_of(attributes?).ok()
}
