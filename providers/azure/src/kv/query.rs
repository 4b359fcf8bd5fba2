//! Queries: a range of one partition, forwards, or backwards by mirrors, by pages.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use skyport_core::Result;
use skyport_core::kv::port::{Key, QueryOptions, QueryPage, RawItem};
use skyport_core::seek::Scan;
use tokio::time::Instant;

use super::entity::{STATE, Stored};
use super::pages::{MOST, Range};
use super::row::Row;
use super::{AT_ONCE, AzureTable, key};

/// Bytes of values in one page; more come with the next.
const PAGE_BYTES: usize = 4 << 20;
/// For so many items there is room before it is known how many there are.
const AT_FIRST: usize = 64;
/// So many rows at most are looked at for one page: where most have expired, it may be short.
const PAGE_ROWS: usize = 8_000;
/// So many answers of Azure's are looked through for one page, and no longer than this: the next one goes on from there.
const PAGE_ANSWERS: usize = 16;
const PAGE_TIME: Duration = Duration::from_secs(3);

impl AzureTable {
    pub(super) async fn read_page(&self, options: &QueryOptions) -> Result<QueryPage> {
        let scan = Scan::of(&self.info.resource, options)?;
        if scan.is_empty() {
            self.there().await?;
            return Ok(scan.page(Vec::new(), false));
        }
        let page = Page::of(scan);
        if options.reverse { self.read_back(options, page).await } else { self.read_on(options, page).await }
    }

    async fn read_on(&self, options: &QueryOptions, mut page: Page<'_>) -> Result<QueryPage> {
        let partition = key::partition(&options.partition);
        let (start, end) = page.scan.ends();
        let (low, high) = (bound(start, "ge", "gt", key::item), bound(end, "le", "lt", key::item));
        let low = low.as_ref().map_or(("ge", key::FIRST_ITEM), |(operator, row)| (*operator, &**row));
        let high = high.as_ref().map_or(("lt", key::AFTER_ITEMS), |(operator, row)| (*operator, &**row));
        let mut range = Range::new(self, None, &partition, low, Some(high));
        let mut sort = String::new();
        loop {
            let now = self.now();
            let most = page.ask();
            let take = |row: Row<'_>| {
                key::sort_of_item_into(row.row()?, &mut sort)?;
                let key = Key::new(options.partition.clone(), sort.as_str());
                let sort = Arc::clone(&key.sort);
                page.take(sort, Stored::read(row, None)?.item(key, now)?);
                Ok(())
            };
            range.read(most, take).await?;
            if page.is_full() || page.is_spent() || range.is_done() {
                return Ok(page.finish(!range.is_done()));
            }
        }
    }

    /// The mirrors tell which items there are, one read for each tells the item.
    async fn read_back(&self, options: &QueryOptions, mut page: Page<'_>) -> Result<QueryPage> {
        let partition = key::partition(&options.partition);
        // What is noted now may have a mirror a moment later; the other way round, an item could be missed in both.
        let mut noted = self.noted(&partition, &page.scan).await?;
        let (start, end) = page.scan.ends();
        let (low, high) = (bound(end, "ge", "gt", key::mirror), bound(start, "le", "lt", key::mirror));
        let first = key::MIRROR.to_string();
        let low = low.as_ref().map_or(("ge", &*first), |(operator, row)| (*operator, &**row));
        let high = high.as_ref().map(|(operator, row)| (*operator, &**row));
        let mut range = Range::new(self, Some(STATE), &partition, low, high);
        loop {
            let mut sorts = Vec::new();
            let take = |row: Row<'_>| {
                let mirror = Stored::row(row, None)?;
                sorts.push((key::sort_of_mirror(mirror.row.row()?)?, Some(mirror.etag)));
                Ok(())
            };
            range.read(page.ask(), take).await?;
            // Of what is noted, all that comes before the last mirror that was read.
            let last = sorts.last().map(|(sort, _)| sort.clone());
            let (now, later) = noted
                .into_iter()
                .partition(|sort| range.is_done() || last.as_ref().is_some_and(|last| sort > last));
            noted = later;
            sorts.extend(Vec::into_iter(now).map(|sort| (sort, None)));
            sorts.sort_by(|(a, _), (b, _)| b.cmp(a));
            sorts.dedup_by(|(a, _), (b, _)| a == b);
            let all = sorts.len();
            let reads = sorts
                .into_iter()
                .map(|(sort, mirror)| self.behind(&options.partition, &partition, sort, mirror));
            let mut reads = futures_util::stream::iter(reads).buffered(AT_ONCE);
            let mut read = 0;
            while let Some(found) = reads.next().await {
                let (sort, item) = found?;
                read += 1;
                page.take(sort, item);
                if page.is_full() {
                    break;
                }
            }
            if page.is_full() || page.is_spent() || range.is_done() {
                return Ok(page.finish(read < all || !noted.is_empty() || !range.is_done()));
            }
        }
    }

    /// The item behind a mirror. One that has none any more is taken away, unless it is written anew meanwhile.
    async fn behind(
        &self,
        own: &Arc<str>,
        partition: &str,
        sort: String,
        mirror: Option<super::stamp::Etag>,
    ) -> Result<(Arc<str>, Option<RawItem>)> {
        let key = Key::new(own.clone(), sort.as_str());
        let own = Arc::clone(&key.sort);
        let Some(stored) = self.stored(&key, None).await? else {
            if let Some(etag) = mirror {
                self.forget_mirror(partition, &sort, etag).await;
            }
            return Ok((own, None));
        };
        Ok((own, stored.item(key, self.now())?))
    }
}

fn bound(
    end: Bound<&str>,
    included: &'static str,
    excluded: &'static str,
    stored: impl Fn(&str) -> String,
) -> Option<(&'static str, String)> {
    match end {
        Bound::Unbounded => None,
        Bound::Included(sort) => Some((included, stored(sort))),
        Bound::Excluded(sort) => Some((excluded, stored(sort))),
    }
}

/// A page that is being read.
struct Page<'p> {
    scan: Scan<'p>,
    items: Vec<RawItem>,
    bytes: usize,
    looked: usize,
    /// How many rows were asked for last, how many items there were before, how often it was asked, and since when.
    asked: usize,
    had: usize,
    answers: usize,
    begun: Instant,
    /// The last sort key that was looked at.
    last: Option<Arc<str>>,
}

impl<'p> Page<'p> {
    fn of(scan: Scan<'p>) -> Self {
        let begun = Instant::now();
        Self { scan, items: Vec::new(), bytes: 0, looked: 0, asked: 0, had: 0, answers: 0, begun, last: None }
    }

    /// How many rows to ask for: one more than are wanted, since whether there is a next page is then known; twice as many each time where
    /// nothing came that has not expired.
    fn ask(&mut self) -> usize {
        let wanted = self.scan.size() + 1 - self.items.len().min(self.scan.size());
        let in_vain = self.items.len() == self.had;
        self.asked = if in_vain { wanted.max((2 * self.asked).min(MOST)) } else { wanted };
        self.had = self.items.len();
        self.answers += 1;
        self.items.reserve(self.asked.min(AT_FIRST));
        self.asked
    }

    fn take(&mut self, sort: Arc<str>, item: Option<RawItem>) {
        self.looked += 1;
        self.bytes += item.as_ref().map_or(0, |item| item.value.len());
        self.items.extend(item);
        self.last = Some(sort);
    }

    fn is_full(&self) -> bool {
        self.items.len() > self.scan.size()
            || self.bytes >= PAGE_BYTES
            || self.looked >= PAGE_ROWS
            || (self.last.is_some() && self.begun.elapsed() >= PAGE_TIME)
    }

    /// Whether no other answer is asked for.
    fn is_spent(&self) -> bool {
        self.last.is_some() && self.answers >= PAGE_ANSWERS
    }

    /// The page, where all that is left comes later.
    fn finish(mut self, more: bool) -> QueryPage {
        if self.items.len() > self.scan.size() {
            self.items.truncate(self.scan.size());
            return self.scan.page(self.items, true);
        }
        match self.last {
            Some(last) if more => self.scan.page_to(self.items, &last),
            _ => self.scan.page(self.items, false),
        }
    }
}
