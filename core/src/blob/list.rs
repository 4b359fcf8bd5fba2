//! Listing a bucket.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream;
use tracing::Instrument as _;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::port::{ListEntry, ListOptions, ListPage};
use crate::{Error, ErrorKind, Result};

const OPERATION: &str = "blob.list";

/// A listing; made by [`Bucket::list`]. Read it by [`page`](Self::page), [`stream`](Self::stream) or
/// [`collect`](Self::collect).
///
/// Entries come in UTF-8 byte order of their keys; with a delimiter, each directory once, sorted as its name with the
/// delimiter. What is written and deleted while a listing goes on may or may not be in it.
#[must_use = "nothing is listed until a page, the stream or all is asked for"]
#[derive(Clone, Debug)]
pub struct List<'a> {
    bucket: &'a Bucket,
    options: ListOptions,
    page_size: Option<usize>,
}

impl<'a> List<'a> {
    pub(super) fn new(bucket: &'a Bucket) -> Self {
        Self { bucket, options: ListOptions::default(), page_size: None }
    }

    /// Only keys that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// Keys with this text after the prefix are told once, as a directory that ends in it: `/`, usually.
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.options.delimiter = Some(delimiter.into());
        self
    }

    /// Only entries after this key, which need not exist.
    pub fn start_after(mut self, key: impl Into<String>) -> Self {
        self.options.start_after = Some(key.into());
        self
    }

    /// At most so many entries a page; by default, and at most, `limits().page_entries`.
    pub fn page_size(mut self, entries: usize) -> Self {
        self.page_size = Some(entries);
        self
    }

    /// Goes on where a page of the same listing ended: its [`ListPage::next`].
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// One page.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty delimiter, a page size of 0 and a token that is not of this listing; `NotFound`
    /// for a missing bucket.
    pub async fn page(self) -> Result<ListPage> {
        let bucket = self.bucket;
        let span = operation_span!("blob.list", bucket, self.options.prefix.as_str());
        let result = async {
            let options = self.checked()?;
            bucket.port().list(options).await
        };
        let result = result.instrument(span).await;
        bucket.named(OPERATION, "", result)
    }

    /// All entries, page after page; it owns what it needs.
    pub fn stream(self) -> ListStream {
        let entries = stream::unfold(self.walk(), |mut walk| async move {
            let entry = walk.next().await?;
            Some((entry, walk))
        });
        ListStream(Box::pin(entries))
    }

    /// All entries in memory.
    ///
    /// # Errors
    /// As [`page`](Self::page); `TooLarge` where there are more than `limit`.
    pub async fn collect(self, limit: usize) -> Result<Vec<ListEntry>> {
        let bucket = self.bucket;
        let mut entries = Vec::new();
        let mut walk = self.walk();
        while !walk.over {
            bucket.named(OPERATION, "", walk.read_page().await)?;
            entries.extend(std::mem::take(&mut walk.entries));
            if entries.len() > limit {
                let text =
                    format!("there are more than {limit} entries; read them as a stream, or raise the limit");
                return bucket.named(OPERATION, "", Err(Error::new(ErrorKind::TooLarge, text)));
            }
        }
        Ok(entries)
    }

    fn walk(self) -> Walk {
        Walk {
            bucket: self.bucket.clone(),
            options: self.checked().map_err(Some),
            entries: VecDeque::new(),
            over: false,
        }
    }

    fn checked(self) -> Result<ListOptions> {
        let most = self.bucket.limits().page_entries;
        let mut options = self.options;
        options.page_size = match self.page_size {
            Some(0) => return Err(Error::invalid(format!("a page has 1 to {most} entries"))),
            Some(wanted) => wanted.min(most),
            None => most,
        };
        if options.delimiter.as_deref() == Some("") {
            return Err(Error::invalid("a delimiter is not empty; leave it out to list every key"));
        }
        key::check_listed(&options.prefix)?;
        key::check_listed(options.delimiter.as_deref().unwrap_or_default())?;
        key::check_listed(options.start_after.as_deref().unwrap_or_default())?;
        Ok(options)
    }
}

/// The entries of a listing; made by [`List::stream`]. It ends after an error.
#[must_use = "a stream does nothing until it is read"]
pub struct ListStream(Pin<Box<dyn Stream<Item = Result<ListEntry>> + Send>>);

impl Stream for ListStream {
    type Item = Result<ListEntry>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for ListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListStream(..)")
    }
}

struct Walk {
    bucket: Bucket,
    /// An error of the options is told as the first entry.
    options: Result<ListOptions, Option<Error>>,
    entries: VecDeque<ListEntry>,
    over: bool,
}

impl Walk {
    async fn next(&mut self) -> Option<Result<ListEntry>> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Some(Ok(entry));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.read_page().await {
                self.over = true;
                return Some(self.bucket.named(OPERATION, "", Err(error)));
            }
        }
    }

    async fn read_page(&mut self) -> Result<()> {
        let options = match &mut self.options {
            Ok(options) => options,
            Err(error) => {
                self.over = true;
                return error.take().map_or(Ok(()), Err);
            }
        };
        let span = operation_span!("blob.list", self.bucket, options.prefix.as_str());
        let page = self.bucket.port().list(options.clone()).instrument(span).await?;
        if page.next.is_some() && page.next == options.token {
            return Err(Error::internal(
                "the provider's listing does not get on: it names the same page again. Report it to whoever keeps the provider",
            ));
        }
        self.over = page.next.is_none();
        options.token = page.next;
        self.entries = page.entries.into();
        Ok(())
    }
}
