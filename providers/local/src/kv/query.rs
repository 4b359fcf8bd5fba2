//! Queries: a range of one partition, forwards or backwards, by pages.

use std::ops::Bound;
use std::sync::Arc;

use rusqlite::{Connection, ToSql};
use skyport_core::kv::port::{Key, QueryOptions, QueryPage};
use skyport_core::seek::Scan;
use skyport_core::{Error, ErrorKind};

use super::items;
use crate::error::Fault;

/// Bytes of values in one page; more come with the next.
const PAGE_BYTES: usize = 4 << 20;

pub(super) fn page(
    connection: &Connection,
    name: &str,
    options: &QueryOptions,
    now: i64,
) -> Result<QueryPage, Fault> {
    let table = items::find(connection, name)?;
    let scan = Scan::of(name, options)?;
    let (from, start) = edge(scan.ends().0, ">");
    let (to, end) = edge(scan.ends().1, "<");
    let direction = if options.reverse { "DESC" } else { "ASC" };
    // Only operators and directions are put in: nine shapes each way.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT value, version, expires, sort FROM items
         WHERE table_id = ?1 AND partition = ?2 AND sort {from} ?3 AND (?4 IS NULL OR sort {to} ?4)
         AND (expires IS NULL OR expires > ?5) ORDER BY sort {direction} LIMIT ?6",
    ))?;
    let (start, limit) = (start.unwrap_or_default(), scan.size() as i64 + 1);
    let partition = options.partition.as_bytes();
    let values: [&dyn ToSql; 6] = [&table, &partition, &start, &end, &now, &limit];
    fill(statement.query(values)?, &options.partition, &scan)
}

fn fill(mut rows: rusqlite::Rows<'_>, partition: &Arc<str>, scan: &Scan<'_>) -> Result<QueryPage, Fault> {
    let mut found = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if found.len() == scan.size() || bytes >= PAGE_BYTES {
            return Ok(scan.page(found, true));
        }
        let sort = std::str::from_utf8(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?);
        let sort = sort.map_err(|error| {
            Error::new(ErrorKind::Malformed, "a stored key is not UTF-8").with_source(error)
        })?;
        let key = Key { partition: Arc::clone(partition), sort: sort.into() };
        let item = items::read(row, key)?;
        bytes += item.value.len();
        found.push(item);
    }
    Ok(scan.page(found, false))
}

/// The operator and the value of an end of the range.
fn edge<'a>(bound: Bound<&'a str>, strict: &'static str) -> (&'static str, Option<&'a [u8]>) {
    match (bound, strict) {
        (Bound::Excluded(text), ">") => (">", Some(text.as_bytes())),
        (Bound::Included(text), ">") => (">=", Some(text.as_bytes())),
        (Bound::Unbounded, ">") => (">=", None),
        (Bound::Excluded(text), _) => ("<", Some(text.as_bytes())),
        (Bound::Included(text), _) => ("<=", Some(text.as_bytes())),
        (Bound::Unbounded, _) => ("<=", None),
    }
}
