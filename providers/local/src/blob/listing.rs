//! Listing: seeks in the index, past a whole directory at once.

use std::ops::Bound;

use rusqlite::{Connection, params};
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::clock::from_millis;
use skyport_core::seek::{Listing, after_prefix};

use super::{etag, objects};
use crate::error::Fault;

const FROM: &str =
    "SELECT key, size, content, modified FROM objects WHERE bucket_id = ?1 AND key >= ?2 ORDER BY key";
const AFTER: &str =
    "SELECT key, size, content, modified FROM objects WHERE bucket_id = ?1 AND key > ?2 ORDER BY key";

pub(super) fn page(
    connection: &Connection,
    bucket_name: &str,
    options: &ListOptions,
) -> Result<ListPage, Fault> {
    // Each directory is a statement more, and would else take SQLite's locks by itself, which are calls of the system.
    let _snapshot = options.delimiter.as_ref().map(|_| connection.unchecked_transaction()).transpose()?;
    let bucket = objects::bucket(connection, bucket_name)?;
    let listing = Listing::of(bucket_name, options)?;
    let (entries, more) = entries(connection, bucket, &listing)?;
    Ok(listing.page(entries, more))
}

/// The entries of one page, and whether there are more.
fn entries(
    connection: &Connection,
    bucket: i64,
    listing: &Listing<'_>,
) -> Result<(Vec<ListEntry>, bool), Fault> {
    let mut entries = Vec::new();
    let mut start = listing.start();
    while let Some(from) = start.take() {
        let (sql, from) = match from {
            Bound::Included(text) => (FROM, text),
            Bound::Excluded(text) => (AFTER, text),
            Bound::Unbounded => (FROM, String::new()),
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![bucket, from])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !listing.has(&key) {
                break;
            }
            if entries.len() == listing.size() {
                return Ok((entries, true));
            }
            if let Some(directory) = listing.directory_of(&key) {
                entries.push(ListEntry::Directory(directory.into()));
                start = after_prefix(directory).map(Bound::Included);
                break;
            }
            entries.push(ListEntry::Object {
                key: key.into(),
                size: row.get(1)?,
                etag: etag(&row.get::<_, String>(2)?),
                modified: from_millis(row.get::<_, i64>(3)?.unsigned_abs()),
            });
        }
    }
    Ok((entries, false))
}
