//! Items whose mirrors are still to be made.
//!
//! A transaction has up to a hundred writes, and Azure takes a hundred rows: where each item has a mirror, they are too many. Such a transaction
//! leaves a note first, a row that names its items. Whoever reads backwards looks at the notes, too, and so sees the items from the
//! moment when they are there; then the mirrors are made, and the note is taken away. One that stays, because its writer was
//! stopped, is fulfilled by a sweep.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use skyport_core::kv::port::{Change, Write};
use skyport_core::seek::Scan;
use skyport_core::{Error, Result, Token};

use super::client::Failure;
use super::entity::{Written, foreign};
use super::operation::{MOST, Operation, Partition, Verb};
use super::pages::Range;
use super::row::{Row, Value};
use super::stamp::Etag;
use super::{AzureTable, key};

/// Before the token of a transaction; after it comes what no note is.
pub(super) const NOTE: char = '@';
const AFTER_NOTES: &str = "A";
/// After this its writer is gone, and whoever sweeps fulfils a note.
const ABANDONED: Duration = Duration::from_secs(600);

/// A note that was left.
#[derive(Debug)]
pub(super) struct Note {
    row: String,
    etag: Option<Etag>,
    sorts: Vec<String>,
}

impl AzureTable {
    /// Leaves a note of all that these writes put.
    pub(super) async fn note(&self, partition: Partition<'_>, writes: &[Write]) -> Result<Note, Failure> {
        let puts = writes.iter().filter(|write| matches!(write.change, Change::Put { .. }));
        let sorts: Vec<String> = puts.map(|write| write.key.sort.to_string()).collect();
        let lines: Vec<String> = sorts.iter().map(|sort| key::item(sort)).collect();
        let abandoned = u64::try_from(ABANDONED.as_millis()).unwrap_or(u64::MAX);
        let note = Written::note(lines.join("\n"), self.now().saturating_add(abandoned));
        let row = format!("{NOTE}{}", Token::new());
        let insert = Operation { row: row.clone(), verb: Verb::Insert(note) };
        let etags = partition.apply(&[insert]).await?;
        Ok(Note { row, etag: etags.into_iter().next().flatten(), sorts })
    }

    /// The items of a range that are noted in a partition, in any order.
    pub(super) async fn noted(&self, partition: &str, scan: &Scan<'_>) -> Result<Vec<String>> {
        let first = NOTE.to_string();
        let mut range = Range::new(self, None, partition, ("ge", &first), Some(("lt", AFTER_NOTES)));
        let mut noted = Vec::new();
        while !range.is_done() {
            let take = |row: Row<'_>| {
                noted.extend(sorts(&row)?);
                Ok(())
            };
            range.read(MOST, take).await?;
        }
        let (start, end) = scan.ends();
        noted.retain(|sort| std::ops::RangeBounds::<str>::contains(&(start, end), sort.as_str()));
        Ok(noted)
    }

    /// Takes a mirror away that is of no item.
    pub(super) async fn forget_mirror(&self, partition: &str, sort: &str, etag: Etag) {
        let delete = Operation { row: key::mirror(sort), verb: Verb::Delete(Some(etag)) };
        if let Err(failure) = self.partition(partition).apply(&[delete]).await {
            let error = Error::from(failure);
            tracing::debug!(%error, "a mirror without an item is left");
        }
    }
}

impl Note {
    /// As it was found.
    pub(super) fn read(row: String, etag: Etag, found: &Row<'_>) -> Result<Self> {
        Ok(Self { row, etag: Some(etag), sorts: sorts(found)? })
    }

    /// Makes the mirrors, and takes the note away. Where that fails, a sweep does it.
    pub(super) async fn fulfil(self, partition: Partition<'_>) {
        for some in self.sorts.chunks(MOST) {
            let made: Vec<Operation> = some
                .iter()
                .map(|sort| Operation {
                    row: key::mirror(sort),
                    verb: Verb::Replace(Written::mirror(), None),
                })
                .collect();
            if let Err(failure) = partition.apply(&made).await {
                let error = Error::from(failure);
                tracing::debug!(%error, "mirrors are left to a sweep");
                return;
            }
        }
        self.forget(partition).await;
    }

    /// Takes the note away.
    pub(super) async fn forget(self, partition: Partition<'_>) {
        let delete = Operation { row: self.row, verb: Verb::Delete(self.etag) };
        if let Err(failure) = partition.apply(&[delete]).await {
            let error = Error::from(failure);
            tracing::debug!(%error, "a note is left to a sweep");
        }
    }
}

/// The sort keys that a note names.
fn sorts(row: &Row<'_>) -> Result<Vec<String>> {
    let wrong = || foreign("a note in it is none");
    let (Value::There(_) | Value::Own(_)) = &row.items else { return Err(wrong()) };
    let text = row.items.text()?.unwrap_or_default();
    let lines = STANDARD.decode(text).map_err(|error| wrong().with_source(error))?;
    let lines = String::from_utf8(lines).map_err(|error| wrong().with_source(error))?;
    lines.lines().map(key::sort_of_item).collect()
}
