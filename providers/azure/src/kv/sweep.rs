//! What has expired is deleted by nobody else: Azure has no expiry of rows.

use futures_util::StreamExt;
use skyport_core::Result;

use super::client::Failure;
use super::entity::{EXPIRES, Properties, Stored};
use super::notes::{ITEMS, NOTE, Note};
use super::operation::{Operation, Verb};
use super::pages::Rows;
use super::{AT_ONCE, AzureTable, key};

/// How many rows are asked for at once.
const BATCH: usize = 500;
/// What is needed of each.
const NEEDED: &str = "PartitionKey,RowKey,Timestamp,w,exp,g,n";

impl AzureTable {
    /// Looks through the whole table for what has expired, and deletes each that nobody wrote anew since it was found.
    pub(super) async fn sweep_up(&self) -> Result<u64> {
        let filter = format!("{EXPIRES} le {}L", i64::try_from(self.now()).unwrap_or(i64::MAX));
        let mut rows = Rows::new(self, Some(NEEDED));
        let mut swept = 0;
        while !rows.is_done() {
            let found = rows.read(&filter, BATCH).await?;
            let deletes = found.into_iter().map(|properties| self.sweep_one(properties));
            let mut deletes = futures_util::stream::iter(deletes).buffer_unordered(AT_ONCE);
            while let Some(deleted) = deletes.next().await {
                swept += u64::from(deleted?);
            }
        }
        Ok(swept)
    }

    /// Whether it was an item, and is deleted now.
    async fn sweep_one(&self, mut properties: Properties) -> Result<bool> {
        let mut note = Properties::new();
        note.extend(properties.remove_entry(ITEMS));
        let mut stored = Stored::row(properties, None)?;
        let (partition, row) = (stored.take_partition()?, stored.take_row()?);
        let at = self.partition(&partition);
        if row.starts_with(NOTE) {
            Note::read(row, stored.etag, &mut note)?.fulfil(at).await;
            return Ok(false);
        }
        let mirror = key::mirror(&key::sort_of_item(&row)?);
        let is_item = stored.write.is_some();
        let mut mirrored = self.mirrored && is_item;
        loop {
            let delete = |row: &str, etag| Operation { row: row.to_owned(), verb: Verb::Delete(etag) };
            let mut operations = vec![delete(&row, Some(stored.etag.clone()))];
            if mirrored {
                operations.push(delete(&mirror, None));
            }
            match at.apply(operations).await {
                Ok(_) => return Ok(is_item),
                // An item of a time without a reverse index.
                Err(Failure::Refused(refused)) if mirrored && refused.index == Some(1) => mirrored = false,
                Err(failure) if failure.is_changed() => return Ok(false),
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}
