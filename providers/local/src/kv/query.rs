//! Queries: a range of one partition, forwards or backwards, by pages.

use std::ops::Bound;
use std::sync::Arc;

use rusqlite::{Connection, ToSql};
use skyport_core::kv::port::{Key, QueryOptions, QueryPage};
use skyport_core::page_token::Mark;
use skyport_core::{Error, ErrorKind};

use super::items;
use crate::error::Fault;

/// Bytes of values in one page; more come with the next.
const PAGE_BYTES: usize = 4 << 20;

type Ends<'a> = (Bound<&'a str>, Bound<&'a str>);

pub(super) fn page(
    connection: &Connection,
    table: i64,
    name: &str,
    options: &QueryOptions,
    now: i64,
) -> Result<QueryPage, Fault> {
    let mark = mark(name, options);
    let last = options.token.as_deref().map(|token| mark.unpack(token)).transpose()?;
    let mut ends = (text(&options.start), text(&options.end));
    if let Some(last) = last {
        resume(&mut ends, last, options.reverse);
    }
    let (from, start) = edge(ends.0, ">");
    let (to, end) = edge(ends.1, "<");
    let direction = if options.reverse { "DESC" } else { "ASC" };
    // Only operators and directions are put in: nine shapes each way.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT value, version, expires, token, sort FROM items
         WHERE table_id = ?1 AND partition = ?2 AND sort {from} ?3 AND (?4 IS NULL OR sort {to} ?4)
         AND (expires IS NULL OR expires > ?5) ORDER BY sort {direction} LIMIT ?6",
    ))?;
    let (start, limit) = (start.unwrap_or_default(), options.page_size.max(1) as i64 + 1);
    let partition = options.partition.as_bytes();
    let values: [&dyn ToSql; 6] = [&table, &partition, &start, &end, &now, &limit];
    fill(statement.query(values)?, options, mark)
}

fn fill(mut rows: rusqlite::Rows<'_>, options: &QueryOptions, mark: Mark) -> Result<QueryPage, Fault> {
    let mut page = QueryPage::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if page.items.len() == options.page_size.max(1) || bytes >= PAGE_BYTES {
            page.next = page.items.last().map(|last| mark.pack(&last.key.sort));
            break;
        }
        let sort = String::from_utf8(row.get(4)?).map_err(|error| {
            Error::new(ErrorKind::Malformed, "a stored key is not UTF-8").with_source(error)
        })?;
        let key = Key { partition: Arc::clone(&options.partition), sort: sort.into() };
        let item = items::read(row, key)?;
        bytes += item.value.len();
        page.items.push(item);
    }
    Ok(page)
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

/// Narrows the range to what comes after the last item told, if that is narrower.
fn resume<'a>(ends: &mut Ends<'a>, last: &'a str, reverse: bool) {
    let (end, narrower): (_, fn(&str, &str) -> bool) = if reverse {
        (&mut ends.1, |last, end| last <= end)
    } else {
        (&mut ends.0, |last, start| last >= start)
    };
    let replace = match *end {
        Bound::Unbounded => true,
        Bound::Included(bound) | Bound::Excluded(bound) => narrower(last, bound),
    };
    if replace {
        *end = Bound::Excluded(last);
    }
}

fn text(bound: &Bound<Arc<str>>) -> Bound<&str> {
    bound.as_ref().map(|text| &**text)
}

/// Marks the tokens of this query.
fn mark(table: &str, options: &QueryOptions) -> Mark {
    let (start_kind, start) = describe(&options.start);
    let (end_kind, end) = describe(&options.end);
    let direction = if options.reverse { "reverse" } else { "forward" };
    Mark::of(&[
        Some(table),
        Some(&options.partition),
        Some(start_kind),
        Some(start),
        Some(end_kind),
        Some(end),
        Some(direction),
    ])
}

fn describe(bound: &Bound<Arc<str>>) -> (&'static str, &str) {
    match bound {
        Bound::Unbounded => ("unbounded", ""),
        Bound::Included(text) => ("included", text),
        Bound::Excluded(text) => ("excluded", text),
    }
}
