//! Listing: seeks in the ordered map, past a whole directory at once.

use std::collections::btree_map::Range;
use std::ops::Bound;

use skyport_core::Result;
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::seek::{Listing, after_prefix};

use super::objects::{Key, Object, Objects};

/// One page of the objects of `bucket`.
pub(super) fn list(objects: &Objects, bucket: &str, options: &ListOptions) -> Result<ListPage> {
    let listing = Listing::of(bucket, options)?;
    let (entries, more) = entries(objects, &listing);
    Ok(listing.page(entries, more))
}

/// The entries of one page, and whether there are more.
fn entries(objects: &Objects, listing: &Listing<'_>) -> (Vec<ListEntry>, bool) {
    let mut entries = Vec::with_capacity(listing.size().min(objects.len()).min(1_024));
    let Some(start) = listing.start() else {
        return (entries, false);
    };
    // A key is read as text only where it must be: there the text is checked.
    let directories = listing.has_directories();
    let mut rest = from(objects, start.as_ref().map(String::as_str));
    while let Some((key, object)) = rest.next() {
        if !listing.has(key) {
            break;
        }
        if entries.len() == listing.size() {
            return (entries, true);
        }
        let directory = if directories { listing.directory_of(key.as_str()) } else { None };
        let Some(directory) = directory else {
            entries.push(entry(key, object));
            continue;
        };
        entries.push(ListEntry::Directory(directory.into()));
        let Some(next) = after_prefix(directory) else { break };
        rest = from(objects, Bound::Included(&next));
    }
    (entries, false)
}

fn from<'o>(objects: &'o Objects, start: Bound<&str>) -> Range<'o, Key, Object> {
    objects.range::<[u8], _>((start.map(str::as_bytes), Bound::Unbounded))
}

fn entry(key: &Key, object: &Object) -> ListEntry {
    ListEntry::Object {
        key: key.clone().into(),
        size: object.size(),
        etag: object.etag.clone(),
        modified: object.modified,
    }
}
