//! Reading a partition in order: [`Query`], its pages and its stream.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::entry::Entry;
use super::key::{check_partition, check_sort};
use super::port::{QueryOptions, QueryPage, RawItem};
use super::store::Store;
use super::version::fingerprint;
use crate::codec::Decode;
use crate::seek::after_prefix;
use crate::{Error, ErrorKind, Result};

/// Items of a page where nothing else is said.
const PAGE: usize = 100;
/// What [`Query::collect`] holds in memory where no limit is named.
const COLLECTED: usize = 10_000;
const HASH_DIGITS: usize = 16;
/// No provider's token comes near; what arrives from outside is held to it.
const LONGEST_TOKEN: usize = 8_192;

/// The items of a partition in the UTF-8 byte order of their sort keys; made by [`Table::query`](super::Table::query).
///
/// ```
/// # async fn show(table: skyport_core::kv::Table<String>) -> skyport_core::Result<()> {
/// let newest = table.query("ada").prefix("2026-").reverse().limit(10).collect().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a query reads nothing until `page`, `stream` or `collect`"]
pub struct Query<T, C> {
    store: Store,
    options: QueryOptions,
    limit: Option<usize>,
    token: Option<String>,
    fault: Option<Error>,
    codec: PhantomData<fn(T, C) -> T>,
}

/// Some of a query's items.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items, in order; may be fewer than asked, or none, and yet have a next page.
    pub entries: Vec<Entry<T>>,
    /// For [`Query::token`] of the same query; `None` where there is no more. May be stored and given to clients; it
    /// tells the last sort key to who takes it apart.
    pub next: Option<String>,
}

impl<T, C> Query<T, C> {
    pub(super) fn new(store: Store, partition: &str) -> Self {
        let limits = store.info().limits;
        let fault = check_partition(partition, &limits).err();
        Self {
            options: QueryOptions::new(partition, PAGE.min(limits.page_items)),
            store,
            limit: None,
            token: None,
            fault,
            codec: PhantomData,
        }
    }

    /// Only sort keys that begin so; together with a range, what is in both.
    pub fn prefix(mut self, prefix: &str) -> Self {
        let limits = self.store.info().limits;
        let end = if prefix.len() == limits.sort_bytes {
            // Nothing longer is a key; the next text might be longer than a bound may be.
            Bound::Included(Arc::from(prefix))
        } else {
            after_prefix(prefix).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()))
        };
        self.note(check_sort(prefix, &limits));
        self.narrow(Bound::Included(Arc::from(prefix)), end);
        self
    }

    /// Only sort keys of this range: `"a".."b"`, `"a"..`, `..="b"`; named again, what is in all of them.
    pub fn range<'s>(mut self, range: impl RangeBounds<&'s str>) -> Self {
        let limits = self.store.info().limits;
        for bound in [range.start_bound(), range.end_bound()] {
            if let Bound::Included(sort) | Bound::Excluded(sort) = bound {
                self.note(check_sort(sort, &limits));
            }
        }
        let own = |bound: Bound<&&str>| bound.map(|sort| Arc::from(*sort));
        self.narrow(own(range.start_bound()), own(range.end_bound()));
        self
    }

    /// At most so many items in all; at least 1. Unlimited by default.
    pub fn limit(mut self, items: usize) -> Self {
        if items == 0 {
            self.note(Err(Error::invalid("the limit of a query is at least 1")));
        }
        self.limit = Some(items);
        self
    }

    /// At most so many items a page: 1 to the table's limit (1,000), 100 by default.
    pub fn page_size(mut self, items: usize) -> Self {
        let most = self.store.info().limits.page_items;
        if items == 0 || items > most {
            self.note(Err(Error::invalid(format!("a page has 1 to {most} items, not {items}"))));
        }
        self.options.page_size = items;
        self
    }

    /// Goes on where a page of the same query ended: [`Page::next`]. Page size and limit may differ.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// From the last sort key to the first; `Unsupported` where the table's capabilities say so.
    pub fn reverse(mut self) -> Self {
        let refusal = "this table cannot be queried backwards: declare it with a reverse index, or sort by a descending key";
        let supported = self.store.info().capabilities.reverse.demand(refusal);
        self.note(supported);
        self.options.reverse = true;
        self
    }

    /// One page.
    ///
    /// # Errors
    /// `InvalidArgument` for a wrong option or a token of another query; `Malformed` for a value that is no `T`;
    /// `Unsupported` for [`reverse`](Self::reverse) where the table cannot; `NotFound` for a missing table.
    pub async fn page(self) -> Result<Page<T>>
    where
        C: Decode<T>,
    {
        let mut pages = self.pages();
        let page = pages.read().await?;
        let next = pages.token();
        let mut entries = Vec::with_capacity(page.len());
        for item in page {
            entries.push(Entry::decode::<C>(item).map_err(|error| pages.name(error))?);
        }
        Ok(Page { entries, next })
    }

    /// All items up to the limit, page by page as they are asked for. Ends after the first error of a page; a value that
    /// is no `T` is an error in its place, and the stream goes on.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<Entry<T>>>
    where
        T: 'static,
        C: Decode<T>,
    {
        let store = self.store.clone();
        let state = (self.pages(), VecDeque::new());
        let raw = stream::try_unfold(state, |(mut pages, mut items)| async move {
            loop {
                if let Some(item) = items.pop_front() {
                    return Ok(Some((item, (pages, items))));
                }
                if pages.done {
                    return Ok(None);
                }
                items = pages.read().await?;
            }
        });
        raw.map(move |item| {
            item.and_then(|item| Entry::decode::<C>(item).map_err(|error| store.name(OPERATION, None, error)))
        })
        .boxed()
    }

    /// All items up to the limit, in memory.
    ///
    /// # Errors
    /// As [`page`](Self::page); `TooLarge` where no limit is named and there are more than 10,000.
    pub async fn collect(self) -> Result<Vec<Entry<T>>>
    where
        T: 'static,
        C: Decode<T>,
    {
        let (store, limited) = (self.store.clone(), self.limit.is_some());
        // Decoded at the end, so that no value lives across an await.
        let mut pages = self.pages();
        let mut items: Vec<RawItem> = Vec::new();
        while !pages.done {
            items.extend(pages.read().await?);
            if !limited && items.len() > COLLECTED {
                let error = Error::new(
                    ErrorKind::TooLarge,
                    format!("more than {COLLECTED} items: name a `limit`, or read the `stream`"),
                );
                return Err(store.name(OPERATION, None, error));
            }
        }
        let decode = |item| Entry::decode::<C>(item).map_err(|error| store.name(OPERATION, None, error));
        items.into_iter().map(decode).collect()
    }

    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.fault.get_or_insert(error);
        }
    }

    fn narrow(&mut self, start: Bound<Arc<str>>, end: Bound<Arc<str>>) {
        let options = &mut self.options;
        options.start = tighter(&options.start, &start, Ordering::Greater);
        options.end = tighter(&options.end, &end, Ordering::Less);
    }

    fn pages(self) -> Pages {
        Pages {
            store: self.store,
            options: self.options,
            left: self.limit.unwrap_or(usize::MAX),
            given: self.token,
            fault: self.fault,
            done: false,
        }
    }
}

impl<T, C> fmt::Debug for Query<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("store", &self.store)
            .field("options", &self.options)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

const OPERATION: &str = "kv.query";

/// Reads a query page by page; knows nothing of its values.
#[derive(Debug)]
struct Pages {
    store: Store,
    options: QueryOptions,
    left: usize,
    given: Option<String>,
    fault: Option<Error>,
    done: bool,
}

impl Pages {
    async fn read(&mut self) -> Result<VecDeque<RawItem>> {
        let page = self.next_page().await.map_err(|error| {
            self.done = true;
            self.name(error)
        })?;
        let mut items = VecDeque::from(page.items);
        items.truncate(self.left);
        self.left -= items.len();
        self.done = page.next.is_none() || self.left == 0;
        self.options.token = page.next;
        Ok(items)
    }

    async fn next_page(&mut self) -> Result<QueryPage> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if let Some(given) = self.given.take() {
            self.options.token = Some(self.unseal(&given)?);
        }
        if is_empty(&self.options.start, &self.options.end) {
            return Ok(QueryPage::default());
        }
        let mut options = self.options.clone();
        options.page_size = options.page_size.min(self.left);
        let query = self.store.0.query(options);
        self.store.run(OPERATION, None, query).await
    }

    fn name(&self, error: Error) -> Error {
        self.store.name(OPERATION, None, error)
    }

    /// The place of the next page, bound to this query.
    fn token(&self) -> Option<String> {
        let place = self.options.token.as_ref()?;
        Some(format!("{:016x}{place}", self.hash()))
    }

    fn unseal(&self, token: &str) -> Result<String> {
        let parts = token.split_at_checked(HASH_DIGITS).filter(|_| token.len() <= LONGEST_TOKEN);
        match parts {
            Some((hash, place)) if hash == format!("{:016x}", self.hash()) => Ok(place.to_owned()),
            _ => Err(Error::invalid(
                "the token is not of this query: repeat it with the same partition, range and direction",
            )),
        }
    }

    fn hash(&self) -> u64 {
        let options = &self.options;
        let (start, end) = (describe(&options.start), describe(&options.end));
        let direction = if options.reverse { "backwards" } else { "forwards" };
        fingerprint([&*options.partition, &*start, &*end, direction])
    }
}

fn describe(bound: &Bound<Arc<str>>) -> String {
    match bound {
        Bound::Included(sort) => format!("[{sort}"),
        Bound::Excluded(sort) => format!("({sort}"),
        Bound::Unbounded => String::new(),
    }
}

/// Of two starts the greater, of two ends the lesser.
fn tighter(old: &Bound<Arc<str>>, new: &Bound<Arc<str>>, wanted: Ordering) -> Bound<Arc<str>> {
    let (Some(old_sort), Some(new_sort)) = (sort_of(old), sort_of(new)) else {
        return if sort_of(old).is_some() { old } else { new }.clone();
    };
    match new_sort.cmp(old_sort) {
        order if order == wanted => new.clone(),
        Ordering::Equal if matches!(new, Bound::Excluded(_)) => new.clone(),
        _ => old.clone(),
    }
}

fn sort_of(bound: &Bound<Arc<str>>) -> Option<&str> {
    match bound {
        Bound::Included(sort) | Bound::Excluded(sort) => Some(sort),
        Bound::Unbounded => None,
    }
}

/// Providers are spared ranges that hold nothing: some maps panic on them.
fn is_empty(start: &Bound<Arc<str>>, end: &Bound<Arc<str>>) -> bool {
    let (Some(first), Some(last)) = (sort_of(start), sort_of(end)) else {
        return matches!(end, Bound::Excluded(sort) if sort.is_empty());
    };
    let both = matches!((start, end), (Bound::Included(_), Bound::Included(_)));
    first > last || (first == last && !both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn included(sort: &str) -> Bound<Arc<str>> {
        Bound::Included(sort.into())
    }

    fn excluded(sort: &str) -> Bound<Arc<str>> {
        Bound::Excluded(sort.into())
    }

    #[test]
    fn of_two_ranges_remains_what_is_in_both() {
        let start = |old, new| tighter(&old, &new, Ordering::Greater);
        let end = |old, new| tighter(&old, &new, Ordering::Less);
        assert_eq!(start(Bound::Unbounded, included("a")), included("a"));
        assert_eq!(start(included("b"), included("a")), included("b"));
        assert_eq!(start(included("b"), excluded("b")), excluded("b"));
        assert_eq!(end(excluded("b"), included("b")), excluded("b"));
        assert_eq!(end(included("c"), included("b")), included("b"));
    }

    #[test]
    fn a_range_that_holds_nothing_is_known_as_such() {
        assert!(is_empty(&included("b"), &included("a")));
        assert!(is_empty(&included("a"), &excluded("a")));
        assert!(is_empty(&excluded("a"), &excluded("a")));
        assert!(is_empty(&Bound::Unbounded, &excluded("")));
        assert!(!is_empty(&included("a"), &included("a")));
        assert!(!is_empty(&Bound::Unbounded, &Bound::Unbounded));
    }
}
