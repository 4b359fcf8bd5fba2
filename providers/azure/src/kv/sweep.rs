//! What has expired is deleted by nobody else: Azure has no expiry of rows.
//!
//! A sweep looks through the whole table, which may take many answers: what was stopped, or failed for a moment, goes on where it was
//! when it is called again.

use futures_util::StreamExt;
use skyport_core::{Error, ErrorKind, Result};

use super::client::Failure;
use super::entity::{EXPIRES, Stored};
use super::notes::{NOTE, Note};
use super::operation::{Operation, Verb};
use super::pages::{Circle, Next, Rows};
use super::row::Row;
use super::stamp::Etag;
use super::{AT_ONCE, AzureTable, key};

/// How many rows are asked for at once.
const BATCH: usize = 500;
/// What is needed of each.
const NEEDED: &str = "PartitionKey,RowKey,Timestamp,w,exp,g,n";

/// How far a sweep has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    next: Next,
    circle: Circle,
    /// How many items it has deleted.
    swept: u64,
    /// Why the first of those could not be deleted that it passed over.
    failed: Option<Error>,
}

impl Progress {
    /// What a sweep that has come to its end tells: where nothing of it could be done, why.
    fn told(self) -> Result<u64> {
        match self {
            Self { swept: 0, failed: Some(error), .. } => Err(error),
            Self { swept, .. } => Ok(swept),
        }
    }
}

/// A row that has expired.
#[derive(Debug)]
struct Expired {
    partition: String,
    what: What,
}

#[derive(Debug)]
enum What {
    /// An item, or the placeholder of one.
    Row {
        row: String,
        etag: Etag,
        mirror: String,
        is_item: bool,
    },
    Note(Note),
}

impl AzureTable {
    /// Looks through the whole table for what has expired, and deletes each that nobody wrote anew since it was found.
    pub(super) async fn sweep_up(&self) -> Result<u64> {
        let filter = format!("{EXPIRES} le {}L", i64::try_from(self.now()).unwrap_or(i64::MAX));
        // One at a time. Where it is dropped, what it has done stays here.
        let mut progress = self.sweep.lock().await;
        while !progress.next.is_end() {
            if let Err(error) = self.sweep_some(&filter, &mut progress).await {
                // It may be the mark that Azure does not take.
                if !error.is_retryable() {
                    *progress = Progress::default();
                }
                return Err(error);
            }
        }
        std::mem::take(&mut *progress).told()
    }

    /// One answer's rows. What fails with one is passed over: the next sweep finds it again.
    async fn sweep_some(&self, filter: &str, progress: &mut Progress) -> Result<()> {
        let mut rows = Rows::at(self, Some(NEEDED), progress.next.clone());
        let mut found = Vec::new();
        rows.some(filter, BATCH, |row| found.push(Expired::read(row))).await?;
        let ours = found.into_iter().filter_map(|expired| match expired {
            Ok(expired) => Some(self.sweep_one(expired)),
            Err(error) => {
                tracing::warn!(%error, "a sweep passes over a row");
                None
            }
        });
        let mut deletes = futures_util::stream::iter(ours).buffer_unordered(AT_ONCE);
        while let Some(deleted) = deletes.next().await {
            match deleted {
                Ok(deleted) => progress.swept += u64::from(deleted),
                Err(error) if is_of_all(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "an expired row could not be deleted, and is left to the next sweep");
                    progress.failed.get_or_insert(error);
                }
            }
        }
        progress.next = rows.into_next();
        progress.circle.step(&progress.next)?;
        Ok(())
    }

    /// Whether it was an item, and is deleted now.
    async fn sweep_one(&self, expired: Expired) -> Result<bool> {
        let at = self.partition(&expired.partition);
        let (row, etag, mirror, is_item) = match expired.what {
            What::Row { row, etag, mirror, is_item } => (row, etag, mirror, is_item),
            What::Note(note) => {
                note.fulfil(at).await;
                return Ok(false);
            }
        };
        let mut mirrored = self.mirrored && is_item;
        loop {
            let delete = |row: &str, etag| Operation { row: row.to_owned(), verb: Verb::Delete(etag) };
            let mut operations = vec![delete(&row, Some(etag.clone()))];
            if mirrored {
                operations.push(delete(&mirror, None));
            }
            match at.apply(&operations).await {
                Ok(_) => return Ok(is_item),
                // An item of a time without a reverse index.
                Err(Failure::Refused(refused)) if mirrored && refused.index == Some(1) => mirrored = false,
                Err(failure) if failure.is_changed() => return Ok(false),
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

impl Expired {
    fn read(row: Row<'_>) -> Result<Self> {
        let stored = Stored::row(row, None)?;
        let (partition, row) = (stored.row.partition()?.to_owned(), stored.row.row()?.to_owned());
        let what = if row.starts_with(NOTE) {
            What::Note(Note::read(row, stored.etag.clone(), &stored.row)?)
        } else {
            let mirror = key::mirror(&key::sort_of_item(&row)?);
            What::Row { row, etag: stored.etag.clone(), mirror, is_item: stored.write().is_some() }
        };
        Ok(Self { partition, what })
    }
}

/// Whether what fails with one row fails with every other, too.
fn is_of_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::NotFound)
}
