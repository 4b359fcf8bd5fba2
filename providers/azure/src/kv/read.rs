//! Reads of one item and of many, always of the last write.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use skyport_core::clock::{http_date, to_millis};
use skyport_core::kv::port::{Key, RawItem};
use skyport_core::{Error, Result};

use super::client::{ANSWER_BYTES, Answer, Failure, NO_ROW, unreadable};
use super::entity::{PARTITION, Stored};
use super::row::Row;
use super::{AT_ONCE, AzureTable, key};

impl AzureTable {
    pub(super) async fn read(&self, key: &Key) -> Result<Option<RawItem>> {
        match self.row(key, None).await? {
            Some(answer) => stored(&answer)?.item(key.clone(), self.now()),
            None => Ok(None),
        }
    }

    /// The row of an item, expired or not, with all its properties or with some.
    pub(super) async fn stored(&self, key: &Key, select: Option<&str>) -> Result<Option<Stored<'static>>> {
        let asked = self.now();
        let Some(answer) = self.row(key, select).await? else { return Ok(None) };
        let mut stored = stored(&answer)?.into_owned();
        let served = answer.header("date").and_then(http_date).map(to_millis);
        stored.ahead = served.map_or(0, |served| asked.saturating_sub(served));
        Ok(Some(stored))
    }

    async fn row(&self, key: &Key, select: Option<&str>) -> Result<Option<Answer>> {
        let (partition, row) = (key::partition(&key.partition), key::item(&key.sort));
        let mut call = self.client.read(&self.partition(&partition).path(&row), ANSWER_BYTES);
        if let Some(select) = select {
            call = call.query("$select", select);
        }
        match self.client.send(call).await {
            Ok(answer) => {
                self.seen();
                Ok(Some(answer))
            }
            Err(failure) if failure.is(NO_ROW) => self.there().await.map(|()| None),
            Err(failure) => Err(unwritten(failure.into())),
        }
    }

    /// That there is no such row may mean that there is no such table: looked for once.
    pub(super) async fn there(&self) -> Result<()> {
        if !self.is_there.load(Ordering::Relaxed) {
            self.look().await?;
        }
        Ok(())
    }

    /// Asks for the table, whatever is known of it.
    pub(super) async fn look(&self) -> Result<()> {
        let call = self
            .client
            .read(&[&self.table, "()"], ANSWER_BYTES)
            .query("$top", "1")
            .query("$select", PARTITION);
        self.client.send(call).await.map_err(|failure| unwritten(failure.into()))?;
        self.seen();
        Ok(())
    }

    pub(super) fn seen(&self) {
        self.is_there.store(true, Ordering::Relaxed);
    }

    /// Rows one by one: Azure has no read of many, and a query by many keys looks through the whole partition.
    pub(super) async fn read_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let mut places: HashMap<&Key, usize> = HashMap::with_capacity(keys.len());
        let mut distinct = Vec::with_capacity(keys.len());
        for key in &keys {
            places.entry(key).or_insert_with(|| {
                distinct.push(key);
                distinct.len() - 1
            });
        }
        let mut reads = Vec::with_capacity(distinct.len());
        for key in distinct {
            reads.push(self.read(key));
        }
        let found: Vec<Result<Option<RawItem>>> =
            futures_util::stream::iter(reads).buffered(AT_ONCE).collect().await;
        let tell = |key| match places.get(key).and_then(|&at| found.get(at)) {
            Some(Ok(item)) => Ok(item.clone()),
            Some(Err(error)) => Err(error.again()),
            None => Err(Error::internal("a key of the batch was never asked for")),
        };
        keys.iter().map(tell).collect()
    }
}

/// The entity that was answered.
fn stored(answer: &Answer) -> Result<Stored<'_>> {
    let row = Row::read(&answer.body).map_err(|error| unwritten(unreadable().with_source(error)))?;
    Stored::read(row, answer.header("etag"))
}

/// A read changes nothing: a write that looks first was not sent yet, or has been told to be refused.
pub(super) fn unwritten(error: Error) -> Error {
    error.with_ambiguous(false)
}

impl Failure {
    /// As [`unwritten`], of a call that only reads.
    pub(super) fn of_read(self) -> Error {
        unwritten(self.into())
    }
}
