//! A page of the port's from pages of Azure's.

use std::future::Future;

use skyport_core::Result;
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::seek::{Barren, Listing};

use super::meta::malformed;
use super::order::{self, Segment};
use crate::provision::NAME;

/// What Azure put on one page.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<ListEntry>,
    /// Where Azure goes on; `None` where there is no more.
    pub(super) marker: Option<String>,
}

/// Where pages come from.
pub(super) trait Source: Sync {
    /// A page of at most so many entries, from `start` on (which is on it), or from where a marker tells.
    fn batch(
        &self,
        start: Option<&str>,
        marker: Option<&str>,
        most: usize,
    ) -> impl Future<Output = Result<Batch>> + Send;
}

/// A page of a listing, in the order of UTF-8. It goes on after the last entry told rather than by Azure's own marker, which does not tell what
/// listing it is of.
pub(super) async fn page(source: &impl Source, bucket: &str, options: &ListOptions) -> Result<ListPage> {
    let listing = Listing::of(bucket, options)?;
    let directory = listing.after().and_then(|after| listing.directory_of(after));
    let mut segments = order::after(options.prefix.len(), listing.after(), directory);
    if segments.is_empty() {
        // Nothing can come after it. Whether there is such a container is to be said all the same.
        source.batch(None, None, 1).await?;
    }
    // One more than were asked for tells whether there are more.
    let mut found = Found { entries: Vec::new(), wanted: listing.size() + 1, after: listing.after() };
    while let Some(segment) = segments.pop().filter(|_| !found.is_full()) {
        segments.extend(fill(source, &mut found, segment).await?);
    }
    let more = found.is_full();
    found.entries.truncate(listing.size());
    Ok(listing.page(found.entries, more))
}

/// What was found so far.
struct Found<'a> {
    entries: Vec<ListEntry>,
    wanted: usize,
    /// What the page comes after.
    after: Option<&'a str>,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.wanted
    }

    /// The last that was told, on this page or before.
    fn last(&self) -> Option<&str> {
        self.entries.last().map(ListEntry::key).or(self.after)
    }

    /// Takes those that were not told yet, as far as they are wanted.
    fn take(&mut self, mut entries: Vec<ListEntry>) {
        entries.sort_by(|a, b| a.key().cmp(b.key()));
        for entry in entries {
            if !self.is_full() && self.last().is_none_or(|last| entry.key() > last) {
                self.entries.push(entry);
            }
        }
    }
}

/// Takes what a segment has, as far as it is wanted; where it has to be cut, its pieces are given back.
async fn fill(source: &impl Source, found: &mut Found<'_>, segment: Segment) -> Result<Vec<Segment>> {
    let (mut marker, mut barren): (Option<String>, _) = (None, Barren::default());
    loop {
        let told = found.entries.len();
        // The start may be the last that was told.
        let most = found.wanted - found.entries.len() + 1;
        let batch = source.batch(segment.start(), marker.as_deref(), most).await?;
        let mut entries = batch.entries;
        if marker.is_some() && batch.marker == marker {
            return Err(malformed(
                "Azure's listing does not get on: it names the same page again. Is there a proxy between that keeps answers?",
            ));
        }
        marker = batch.marker;
        let is_past = entries.iter().any(|entry| segment.ends_before(entry.key()));
        entries.retain(|entry| segment.has(entry.key()));
        if marker.is_none() || is_past {
            found.take(entries);
            return Ok(Vec::new());
        }
        let furthest = entries.iter().map(ListEntry::key).max_by(|a, b| order::utf16(a, b));
        let split = furthest.and_then(|furthest| segment.split(furthest, found.last()));
        if let Some(split) = split {
            entries.retain(|entry| !split.defers(entry.key()));
            found.take(entries);
            return Ok(split.into_segments());
        }
        // A page may have nothing new on it, and yet be followed by another.
        found.take(entries);
        if found.is_full() {
            return Ok(Vec::new());
        }
        barren.answer(found.entries.len() > told).map_err(|error| error.with_provider(NAME))?;
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use futures_util::FutureExt;
    use proptest::prelude::*;
    use skyport_core::blob::port::Etag;

    use super::*;

    /// A service that lists in an order of its own, in pages no longer than it likes.
    struct Service {
        keys: Vec<String>,
        order: fn(&str, &str) -> Ordering,
        prefix: String,
        delimiter: Option<String>,
        longest: usize,
    }

    impl Source for Service {
        async fn batch(&self, start: Option<&str>, marker: Option<&str>, most: usize) -> Result<Batch> {
            let mut keys: Vec<&String> =
                self.keys.iter().filter(|key| key.starts_with(&self.prefix)).collect();
            keys.sort_by(|a, b| (self.order)(a, b));
            let mut entries: Vec<String> = Vec::new();
            for key in keys {
                if start.is_some_and(|start| (self.order)(key, start) == Ordering::Less) {
                    continue;
                }
                let rest = &key[self.prefix.len()..];
                let cut = self.delimiter.as_deref().and_then(|text| Some(rest.find(text)? + text.len()));
                let name = cut.map_or(key.as_str(), |end| &key[..self.prefix.len() + end]);
                let is_new = entries.last().is_none_or(|last| last != name);
                let is_next = marker.is_none_or(|marker| (self.order)(name, marker) == Ordering::Greater);
                if is_new && is_next {
                    entries.push(name.to_owned());
                }
            }
            let most = most.min(self.longest);
            let marker = (entries.len() > most).then(|| entries[most - 1].clone());
            entries.truncate(most);
            Ok(Batch {
                entries: entries.iter().map(|name| entry(name, self.delimiter.as_deref())).collect(),
                marker,
            })
        }
    }

    fn entry(name: &str, delimiter: Option<&str>) -> ListEntry {
        if delimiter.is_some_and(|delimiter| name.ends_with(delimiter)) {
            return ListEntry::Directory(name.into());
        }
        ListEntry::Object {
            key: name.into(),
            size: 0,
            etag: Etag::new("e"),
            modified: SystemTime::UNIX_EPOCH,
        }
    }

    /// What the contract says that a listing has.
    fn model(keys: &BTreeSet<String>, options: &ListOptions) -> Vec<String> {
        let mut names = BTreeSet::new();
        for key in keys.iter().filter(|key| key.starts_with(&options.prefix)) {
            let rest = &key[options.prefix.len()..];
            let cut = options.delimiter.as_deref().and_then(|text| Some(rest.find(text)? + text.len()));
            let name = cut.map_or(key.as_str(), |end| &key[..options.prefix.len() + end]);
            if options.start_after.as_deref().is_none_or(|after| name > after) {
                names.insert(name.to_owned());
            }
        }
        names.into_iter().collect()
    }

    fn text() -> impl Strategy<Value = String> {
        let letters = [
            "a",
            "b",
            "/",
            "\u{d7ff}",
            "\u{e000}",
            "\u{fe0f}",
            "\u{ffff}",
            "\u{10000}",
            "\u{1f600}",
            "\u{10ffff}",
        ];
        prop::collection::vec(prop::sample::select(letters.to_vec()), 0..5)
            .prop_map(|letters| letters.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_order_of_the_service_is_told_in_that_of_utf_8(
            keys in prop::collection::btree_set(text().prop_filter("a key", |key| !key.is_empty()), 0..40),
            prefix in prop_oneof![3 => Just(String::new()), 1 => text()],
            start_after in prop::option::of(text()),
            delimiter in prop::option::of(prop::sample::select(vec!["/", "a\u{1f600}", "\u{fe0f}"])),
            page_size in 1_usize..9,
            longest in 1_usize..9,
            by_utf_8 in any::<bool>(),
        ) {
            // Two letters, which nobody has in names: past them a service in the order of UTF-8 would have to be sent otherwise.
            let odd = |text: &String| by_utf_8 && text.contains(['\u{d7ff}', char::MAX]);
            let keys: BTreeSet<String> = keys.into_iter().filter(|key| !odd(key)).collect();
            let start_after = start_after.filter(|text| !odd(text));
            let order = if by_utf_8 { |a: &str, b: &str| a.cmp(b) } else { order::utf16 };
            let source = Service {
                keys: keys.iter().cloned().collect(),
                order,
                prefix: prefix.clone(),
                delimiter: delimiter.map(str::to_owned),
                longest,
            };
            let mut options = ListOptions::default();
            (options.prefix, options.start_after, options.page_size) = (prefix, start_after, page_size);
            options.delimiter = delimiter.map(str::to_owned);
            let mut told = Vec::new();
            loop {
                let page = page(&source, "b", &options).now_or_never().expect("nothing waits").expect("a page");
                prop_assert!(page.entries.len() <= page_size);
                prop_assert!(page.next.is_none() || page.entries.len() == page_size, "no page but the last is short");
                told.extend(page.entries.iter().map(|entry| entry.key().to_owned()));
                options.token = page.next;
                if options.token.is_none() {
                    break;
                }
            }
            prop_assert_eq!(told, model(&keys, &options));
        }
    }
}
