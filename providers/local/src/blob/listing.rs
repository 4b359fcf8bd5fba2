//! Listing: seeks in the index, past a whole directory at once.

use rusqlite::{Connection, params};
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::clock::from_millis;
use skyport_core::page_token::Mark;

use super::{etag, objects};
use crate::error::Fault;

/// Where the search goes on.
#[derive(Clone)]
enum Start {
    From(String),
    After(String),
}

pub(super) fn page(
    connection: &Connection,
    bucket_name: &str,
    options: &ListOptions,
) -> Result<ListPage, Fault> {
    let bucket = objects::bucket(connection, bucket_name)?;
    let prefix = options.prefix.as_str();
    let delimiter = options.delimiter.as_deref().filter(|text| !text.is_empty());
    let start_after = options.start_after.as_deref();
    let mark = Mark::of(&[Some(bucket_name), Some(prefix), delimiter, start_after]);
    let after = match &options.token {
        Some(token) => Some(mark.unpack(token)?),
        None => start_after,
    };
    let listing = Listing { connection, bucket, prefix, delimiter };
    let (entries, more) = listing.entries(after, options.page_size.max(1))?;
    let mut page = ListPage::default();
    if more {
        page.next = entries.last().map(|last| mark.pack(last.key()));
    }
    page.entries = entries;
    Ok(page)
}

struct Listing<'a> {
    connection: &'a Connection,
    bucket: i64,
    prefix: &'a str,
    delimiter: Option<&'a str>,
}

impl Listing<'_> {
    /// Up to `size` entries after `after`, and whether there are more.
    fn entries(&self, after: Option<&str>, size: usize) -> Result<(Vec<ListEntry>, bool), Fault> {
        let mut entries = Vec::new();
        let mut start = self.start(after);
        while let Some(from) = start {
            start = None;
            let (sql, from) = match from {
                Start::From(text) => (
                    "SELECT key, size, content, modified FROM objects WHERE bucket_id = ?1 AND key >= ?2 ORDER BY key",
                    text,
                ),
                Start::After(text) => (
                    "SELECT key, size, content, modified FROM objects WHERE bucket_id = ?1 AND key > ?2 ORDER BY key",
                    text,
                ),
            };
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![self.bucket, from])?;
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                if !key.starts_with(self.prefix) {
                    break;
                }
                if entries.len() == size {
                    return Ok((entries, true));
                }
                if let Some(directory) = self.directory_of(&key) {
                    entries.push(ListEntry::Directory(directory.to_owned()));
                    start = successor(directory).map(Start::From);
                    break;
                }
                entries.push(ListEntry::Object {
                    key,
                    size: row.get(1)?,
                    etag: etag(&row.get::<_, String>(2)?),
                    modified: from_millis(row.get::<_, i64>(3)?.unsigned_abs()),
                });
            }
        }
        Ok((entries, false))
    }

    /// Where the entries after `after` begin; `None` where there can be none.
    fn start(&self, after: Option<&str>) -> Option<Start> {
        match after {
            Some(after) if after >= self.prefix => match self.directory_of(after) {
                // The directory's name is not after `after`: nor is anything in it.
                Some(directory) => successor(directory).map(Start::From),
                None => Some(Start::After(after.to_owned())),
            },
            _ => Some(Start::From(self.prefix.to_owned())),
        }
    }

    fn directory_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

/// The first text after all that begin with `prefix`: code points are ordered as their UTF-8 bytes are.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = match last {
            char::MAX => continue,
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        text.extend(next);
        return Some(text);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_comes_after_everything_in_the_directory_and_before_what_follows() {
        for (prefix, next) in [("a/", "a0"), ("\u{d7ff}", "\u{e000}"), ("a\u{10ffff}", "b")] {
            assert_eq!(successor(prefix).as_deref(), Some(next));
        }
        assert_eq!(successor("\u{10ffff}"), None);
    }
}
