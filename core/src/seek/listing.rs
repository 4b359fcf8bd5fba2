//! A listing of objects, seeking past a whole directory at once.

use std::ops::Bound;

use super::after_prefix;
use super::mark::Mark;
use crate::blob::port::{ListEntry, ListOptions, ListPage};
use crate::{Error, Result};

/// One listing of a bucket, from where its token left it.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: Option<&'a str>,
    size: usize,
    mark: Mark,
}

impl<'a> Listing<'a> {
    /// The listing that `options` ask for.
    ///
    /// # Errors
    /// `InvalidArgument` for a token of another listing.
    pub fn of(bucket: &str, options: &'a ListOptions) -> Result<Self> {
        let prefix = options.prefix.as_str();
        let delimiter = options.delimiter.as_deref().filter(|text| !text.is_empty());
        let start_after = options.start_after.as_deref();
        let mark = Mark::of(&[Some(bucket), Some(prefix), delimiter, start_after]);
        let after = match options.token.as_deref().map(|token| mark.unpack(token)).transpose()? {
            Some(last) if !last.starts_with(prefix) => {
                return Err(Error::invalid("the token is not of this listing: begin without one"));
            }
            last => last.or(start_after),
        };
        Ok(Self { prefix, delimiter, after, size: options.page_size.max(1), mark })
    }

    /// How many entries the page has at most.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// What all its entries come after, where that is no shorter way to say its prefix.
    #[must_use]
    pub fn after(&self) -> Option<&'a str> {
        self.after.filter(|after| *after >= self.prefix)
    }

    /// Where its keys begin; `None` where there can be none.
    #[must_use]
    pub fn start(&self) -> Option<Bound<String>> {
        match self.after {
            Some(after) if after >= self.prefix => match self.directory_of(after) {
                // The directory's name is not after `after`: nor is anything in it.
                Some(directory) => after_prefix(directory).map(Bound::Included),
                None => Some(Bound::Excluded(after.to_owned())),
            },
            _ => Some(Bound::Included(self.prefix.to_owned())),
        }
    }

    /// As [`start`](Self::start), for services that can only seek past a key: every key of the listing is after this, and of
    /// those of `key_bytes` or less none that is not. Empty for the very beginning, `None` where there can be none. XML can
    /// carry it.
    #[must_use]
    pub fn start_past(&self, key_bytes: usize) -> Option<String> {
        let after = match self.after {
            Some(after) if after >= self.prefix => after,
            _ => return Some(String::new()),
        };
        let Some(directory) = self.directory_of(after) else { return Some(after.to_owned()) };
        after_prefix(directory)?;
        // The greatest key in the directory: filled with the greatest letters of each width, but for those of three bytes
        // that XML has not.
        let mut last = directory.to_owned();
        for letter in [char::MAX, '\u{fffd}', '\u{7ff}', '\u{7f}'] {
            while last.len() + letter.len_utf8() <= key_bytes {
                last.push(letter);
            }
        }
        Some(last)
    }

    /// Whether a key belongs to it, told by its bytes; the first that does not ends it.
    #[must_use]
    #[inline]
    pub fn has(&self, key: impl AsRef<[u8]>) -> bool {
        // Asked of every key, and mostly there is no prefix: the call to compare nothing would cost more than the key.
        self.prefix.is_empty() || key.as_ref().starts_with(self.prefix.as_bytes())
    }

    /// Whether there may be directories in it: else no key need be looked at for one.
    #[must_use]
    #[inline]
    pub fn has_directories(&self) -> bool {
        self.delimiter.is_some()
    }

    /// The directory that stands for a key, where one does.
    #[must_use]
    #[inline]
    pub fn directory_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.strip_prefix(self.prefix)?;
        let mut letters = delimiter.chars();
        let at = match (letters.next(), letters.as_str()) {
            // The search for a text is prepared anew for each key; that for one letter need not be.
            (Some(only), "") => rest.find(only),
            _ => rest.find(delimiter),
        };
        let end = self.prefix.len() + at? + delimiter.len();
        Some(&key[..end])
    }

    /// The page, with a token where there are more entries.
    #[must_use]
    pub fn page(&self, entries: Vec<ListEntry>, more: bool) -> ListPage {
        let next = if more { entries.last().map(|last| self.mark.pack(last.key())) } else { None };
        ListPage { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(prefix: &str, after: &str) -> ListOptions {
        ListOptions {
            prefix: prefix.to_owned(),
            delimiter: Some("/".to_owned()),
            start_after: Some(after.to_owned()),
            ..ListOptions::default()
        }
    }

    #[test]
    fn a_service_that_seeks_past_a_key_is_sent_past_a_whole_directory() {
        let past = |prefix: &str, after: &str| {
            Listing::of("b", &options(prefix, after)).expect("no token").start_past(12)
        };
        assert_eq!(past("", "a").as_deref(), Some("a"));
        assert_eq!(past("p/", "a").as_deref(), Some(""), "the prefix itself seeks");
        assert_eq!(past("p/", "p/a").as_deref(), Some("p/a"));
        let last = past("", "d/x").expect("there may be more");
        assert_eq!((last.len(), &last[..2]), (12, "d/"));
        // Every key of that size which is in the directory, and none that is after it.
        for inside in ["d/", "d/\u{10ffff}\u{10ffff}", "d/\u{10ffff}\u{10ffff}\u{7ff}"] {
            assert!(*inside <= *last);
        }
        assert!(*"d0" > *last);
    }
}
