//! Mirrors of what was written before there was a reverse index.
//!
//! Where all of them are made, a row says so, in a partition that no key of Skyport's is: they are made once.

use futures_util::StreamExt;
use http::Method;
use skyport_core::retry::patiently;
use skyport_core::{Error, Result};

use super::client::{Failure, NO_ROW};
use super::entity::{ROW, Stored, Written};
use super::operation::{Operation, Partition, Verb};
use super::pages::{Circle, Next, Rows};
use super::read::unwritten;
use super::row::Row;
use super::{AT_ONCE, AzureTable, key};

/// How many rows are asked for at once.
const BATCH: usize = 500;
/// What is needed of each.
const NEEDED: &str = "PartitionKey,RowKey,Timestamp";
/// The row that says that all mirrors are made; it stands after all items.
const DONE: &str = "mirrored";

impl AzureTable {
    /// Makes the mirrors that are missing, unless it is known that there are none. What is written meanwhile makes its own.
    pub(crate) async fn mirror_all(&self) -> Result<()> {
        let name = &self.info.resource;
        if patiently(name, Error::is_retryable, || self.is_mirrored()).await? {
            return Ok(());
        }
        let (mut next, mut circle) = (Next::Start, Circle::default());
        while !next.is_end() {
            next = patiently(name, Error::is_retryable, || self.mirror_some(next.clone())).await?;
            circle.step(&next)?;
        }
        patiently(name, Error::is_retryable, || self.set_mirrored()).await
    }

    /// Says that there may be items without a mirror: they are written without from now on.
    pub(crate) async fn forget_mirrored(&self) -> Result<()> {
        let forget = || async {
            let delete = Operation { row: DONE.to_owned(), verb: Verb::Delete(None) };
            match self.notes_of_its_own().apply(&[delete]).await {
                Err(failure) if failure.is(NO_ROW) => Ok(()),
                deleted => deleted.map(drop).map_err(Error::from),
            }
        };
        patiently(&self.info.resource, Error::is_retryable, forget).await
    }

    /// Says that each item has its mirror.
    async fn set_mirrored(&self) -> Result<()> {
        let done = Operation { row: DONE.to_owned(), verb: Verb::Replace(Written::mirror(), None) };
        self.notes_of_its_own().apply(&[done]).await.map(drop).map_err(Error::from)
    }

    async fn is_mirrored(&self) -> Result<bool> {
        let call = self.client.call(Method::GET, &self.notes_of_its_own().path(DONE));
        match self.client.send(call).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is(NO_ROW) => Ok(false),
            Err(failure) => Err(unwritten(failure.into())),
        }
    }

    fn notes_of_its_own(&self) -> Partition<'_> {
        self.partition(key::NO_PARTITION)
    }

    /// The mirrors of one answer's items, and where the next begins.
    async fn mirror_some(&self, from: Next) -> Result<Next> {
        let filter = format!("{ROW} ge '{}' and {ROW} lt '{}'", key::ITEM, key::AFTER_ITEMS);
        let mut rows = Rows::at(self, Some(NEEDED), from);
        let mut found = Vec::new();
        let keys = |row: Row<'_>| {
            let stored = Stored::row(row, None)?;
            Ok((stored.row.partition()?.to_owned(), stored.row.row()?.to_owned()))
        };
        rows.some(&filter, BATCH, |row| found.push(keys(row))).await?;
        let made = found.into_iter().map(|keys: Result<(String, String)>| async {
            let (partition, row) = keys?;
            self.mirror_one(&partition, &row).await
        });
        let mut made = futures_util::stream::iter(made).buffer_unordered(AT_ONCE);
        while let Some(made) = made.next().await {
            made?;
        }
        Ok(rows.into_next())
    }

    /// One that is of no item any more is taken away by whoever reads backwards.
    async fn mirror_one(&self, partition: &str, row: &str) -> Result<()> {
        let row = key::mirror(&key::sort_of_item(row)?);
        let insert = Operation { row, verb: Verb::Insert(Written::mirror()) };
        match self.partition(partition).apply(&[insert]).await {
            Err(Failure::Refused(refused)) if refused.code == "EntityAlreadyExists" => Ok(()),
            made => made.map(drop).map_err(Error::from),
        }
    }
}
