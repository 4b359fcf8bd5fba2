//! Queries: a range of one partition, forwards or backwards, by pages.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use skyport_core::kv::port::{Key, QueryOptions, QueryPage, RawItem};
use skyport_core::seek::Scan;
use skyport_core::{Error, ErrorKind, Result};

use super::FirestoreTable;
use super::database::{Database, too_many};
use super::item::{self, Stored};
use crate::error::of_status;
use crate::proto::firestore::{Value, ValueType};
use crate::proto::query::{
    CollectionSelector, Cursor, Direction, FieldReference, Order, Projection, StructuredQuery,
};

/// Bytes of values in one page; more come with the next.
const PAGE_BYTES: usize = 4 << 20;
/// So many documents at most are looked at for one page: where most have expired, it may be short.
const PAGE_DOCUMENTS: usize = 8_000;

impl FirestoreTable {
    pub(super) async fn read_page(&self, options: &QueryOptions) -> Result<QueryPage> {
        let scan = Scan::of(&self.info.resource, options)?;
        let database = self.there().await?;
        if scan.is_empty() {
            return Ok(scan.page(Vec::new(), false));
        }
        let mut page = Page { options, scan: &scan, items: Vec::new(), bytes: 0, last: None };
        let mut looked = 0;
        while looked < PAGE_DOCUMENTS && page.bytes < PAGE_BYTES {
            // One more than asked for: whether there is a next page is then known.
            let most = scan.size() + 1 - page.items.len();
            let found = self.read_range(database, &mut page, most).await?;
            if page.items.len() > scan.size() {
                page.items.truncate(scan.size());
                return Ok(scan.page(page.items, true));
            }
            match found {
                Some(found) if found < most => return Ok(scan.page(page.items, false)),
                found => looked += found.unwrap_or_default(),
            }
        }
        Ok(match page.last {
            Some(last) => scan.page_to(page.items, &last),
            None => scan.page(page.items, false),
        })
    }

    /// One request: some documents of the range, from where the page ends so far. How many they were; `None` where the page is full
    /// of bytes before all was read.
    async fn read_range(
        &self,
        database: &Database,
        page: &mut Page<'_>,
        most: usize,
    ) -> Result<Option<usize>> {
        let parent = database.names().partition(&page.options.partition);
        let query = page.query(database, most);
        let mut stream = database.query(parent, query).await.map_err(|status| told(of_status(status)))?;
        let mut found = 0;
        while let Some(message) = stream.message().await.map_err(|status| told(of_status(status)))? {
            // Others say how far it is.
            let Some(document) = message.document else { continue };
            found += 1;
            if found > most {
                return Err(too_many());
            }
            page.take(Stored::read(document)?, self.now())?;
            if page.bytes >= PAGE_BYTES && page.items.len() <= page.scan.size() {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }
}

/// A page that is being read.
struct Page<'p> {
    options: &'p QueryOptions,
    scan: &'p Scan<'p>,
    items: Vec<RawItem>,
    bytes: usize,
    /// The last sort key that was looked at.
    last: Option<Arc<str>>,
}

impl Page<'_> {
    fn take(&mut self, mut stored: Stored, now: u64) -> Result<()> {
        let sort = stored.take_sort()?;
        if stored.stamp.is_live(now) {
            let key = Key { partition: Arc::clone(&self.options.partition), sort: Arc::clone(&sort) };
            let item = stored.into_item(key)?;
            self.bytes += item.value.len();
            self.items.push(item);
        }
        self.last = Some(sort);
        Ok(())
    }

    /// What is asked of Firestore: at most so many documents, after the last one that was looked at.
    fn query(&self, database: &Database, most: usize) -> StructuredQuery {
        let reverse = self.options.reverse;
        let (low, high) = self.scan.ends();
        let (first, last) = if reverse { (high, low) } else { (low, high) };
        let first = self.last.as_deref().map_or(first, Bound::Excluded);
        let direction = if reverse { Direction::Descending } else { Direction::Ascending };
        let field =
            |field: &&'static str| FieldReference { field_path: Bytes::from_static(field.as_bytes()) };
        StructuredQuery {
            select: Some(Projection { fields: item::READ_WITH_KEYS.iter().map(field).collect() }),
            from: vec![CollectionSelector {
                collection_id: database.names().items(),
                all_descendants: false,
            }],
            order_by: vec![Order { field: Some(field(&item::SORT)), direction: direction.into() }],
            start_at: cursor(first, true),
            end_at: cursor(last, false),
            limit: Some(i32::try_from(most).unwrap_or(i32::MAX)),
            ..StructuredQuery::default()
        }
    }
}

/// An end of the range, where there is one.
fn cursor(end: Bound<&str>, is_first: bool) -> Option<Cursor> {
    let (text, included) = match end {
        Bound::Unbounded => return None,
        Bound::Included(text) => (text, true),
        Bound::Excluded(text) => (text, false),
    };
    let value = Value { value_type: Some(ValueType::Text(Bytes::copy_from_slice(text.as_bytes()))) };
    Some(Cursor { values: vec![value], before: included == is_first })
}

/// A query has no condition that could fail: what is missing then is an index.
fn told(error: Error) -> Error {
    if error.kind() != ErrorKind::PreconditionFailed {
        return error;
    }
    let text = format!(
        "Firestore cannot order the items of this table: give the field `{}` of its collection of items its own ascending and \
         descending index again",
        item::SORT
    );
    Error::new(ErrorKind::Conflict, text).with_retryable(false).with_source(error)
}
