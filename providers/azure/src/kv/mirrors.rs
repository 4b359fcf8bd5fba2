//! Mirrors of what was written before there was a reverse index.

use skyport_core::retry::{RetryPolicy, within};
use skyport_core::{Error, Result};

use super::client::Failure;
use super::entity::{ROW, Stored};
use super::operation::{Operation, Verb};
use super::pages::Rows;
use super::plan::mirror;
use super::{AT_ONCE, AzureTable, key};

use futures_util::StreamExt;

/// How many rows are asked for at once.
const BATCH: usize = 500;
/// What is needed of each.
const NEEDED: &str = "PartitionKey,RowKey,Timestamp";

impl AzureTable {
    /// Makes the mirrors that are missing. What is written meanwhile makes its own.
    pub(crate) async fn mirror_all(&self) -> Result<()> {
        let filter = format!("{ROW} ge '{}' and {ROW} lt '{}'", key::ITEM, key::AFTER_ITEMS);
        let mut rows = Rows::new(self, Some(NEEDED));
        // No layer is around it.
        let limit = RetryPolicy::default().attempt_timeout;
        while !rows.is_done() {
            let found = within(limit, rows.read(&filter, BATCH)).await?;
            let made = found.into_iter().map(|properties| async {
                let mut stored = Stored::row(properties, None)?;
                within(limit, self.mirror_one(&stored.take_partition()?, &stored.take_row()?)).await
            });
            let mut made = futures_util::stream::iter(made).buffer_unordered(AT_ONCE);
            while let Some(made) = made.next().await {
                made?;
            }
        }
        Ok(())
    }

    /// One that is of no item any more is taken away by whoever reads backwards.
    async fn mirror_one(&self, partition: &str, row: &str) -> Result<()> {
        let row = key::mirror(&key::sort_of_item(row)?);
        let insert = Operation { row, verb: Verb::Insert(mirror()) };
        match self.partition(partition).apply(vec![insert]).await {
            Err(Failure::Refused(refused)) if refused.code == "EntityAlreadyExists" => Ok(()),
            made => made.map(drop).map_err(Error::from),
        }
    }
}
