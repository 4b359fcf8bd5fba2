//! Listing: seeks in the ordered map, past a whole directory at once.

use std::collections::btree_map::Range;
use std::ops::Bound;

use skyport_core::Result;
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::page_token::Mark;

use super::key::Key;
use super::objects::{Object, Objects};
use crate::error::Native;

/// One page of the objects of `bucket`.
pub(super) fn list(objects: &Objects, bucket: &str, options: &ListOptions) -> Result<ListPage> {
    let prefix = options.prefix.as_str();
    let delimiter = options.delimiter.as_deref().filter(|text| !text.is_empty());
    let start_after = options.start_after.as_deref();
    let mark = Mark::of(&[Some(bucket), Some(prefix), delimiter, start_after]);
    let after = match &options.token {
        Some(token) => {
            let last = mark.unpack(token)?;
            if !last.starts_with(prefix) {
                return Err(Native::ForeignToken.into());
            }
            Some(last)
        }
        None => start_after,
    };
    let listing = Listing { objects, prefix, delimiter };
    let (entries, more) = listing.page(after, options.page_size.max(1));
    let mut page = ListPage::default();
    if more {
        page.next = entries.last().map(|last| mark.pack(last.key()));
    }
    page.entries = entries;
    Ok(page)
}

struct Listing<'a> {
    objects: &'a Objects,
    prefix: &'a str,
    delimiter: Option<&'a str>,
}

impl<'a> Listing<'a> {
    /// Up to `size` entries after `after`, and whether there are more.
    fn page(&self, after: Option<&str>, size: usize) -> (Vec<ListEntry>, bool) {
        let mut entries = Vec::with_capacity(size.min(self.objects.len()).min(1_024));
        let Some(start) = self.start(after) else {
            return (entries, false);
        };
        let mut rest = self.from(start.as_ref().map(String::as_str));
        while let Some((key, object)) = rest.next() {
            let key = key.as_str();
            if !key.starts_with(self.prefix) {
                break;
            }
            if entries.len() == size {
                return (entries, true);
            }
            let Some(directory) = self.directory_of(key) else {
                entries.push(entry(key, object));
                continue;
            };
            entries.push(ListEntry::Directory(directory.to_owned()));
            let Some(next) = successor(directory) else { break };
            rest = self.from(Bound::Included(&next));
        }
        (entries, false)
    }

    fn from(&self, start: Bound<&str>) -> Range<'a, Key, Object> {
        let start = start.map(str::as_bytes);
        self.objects.range::<[u8], _>((start, Bound::Unbounded))
    }

    /// Where the entries after `after` begin; `None` where there can be none.
    fn start(&self, after: Option<&str>) -> Option<Bound<String>> {
        match after {
            Some(after) if after >= self.prefix => match self.directory_of(after) {
                // The directory's name is not after `after`: nor is anything in it.
                Some(directory) => successor(directory).map(Bound::Included),
                None => Some(Bound::Excluded(after.to_owned())),
            },
            _ => Some(Bound::Included(self.prefix.to_owned())),
        }
    }

    fn directory_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

fn entry(key: &str, object: &Object) -> ListEntry {
    ListEntry::Object {
        key: key.to_owned(),
        size: object.size(),
        etag: object.etag(),
        modified: object.modified,
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
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("\u{7f}").as_deref(), Some("\u{80}"));
        assert_eq!(successor("\u{10ffff}"), None);
    }
}
