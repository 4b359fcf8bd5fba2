//! Queries: a range of one partition, forwards or backwards, by pages.

use std::ops::Bound;

use aws_sdk_dynamodb::types::AttributeValue;
use skyport_core::Result;
use skyport_core::kv::port::{QueryOptions, QueryPage, RawItem};
use skyport_core::seek::Scan;

use super::DynamoTable;
use super::expression::Values;
use super::item::{self, Attributes, key_attributes, key_in, key_of, stored_sort};
use crate::error;

/// Bytes of values in one page; more come with the next.
const PAGE_BYTES: usize = 4 << 20;
/// So many requests, each of 1 MB at most, go into one page: where most items have expired, a page may be short.
const PAGE_REQUESTS: usize = 8;

/// What has expired stays at the service.
const LIVE: &str = "attribute_not_exists(u) OR u > :now";

impl DynamoTable {
    pub(super) async fn read_page(&self, options: &QueryOptions) -> Result<QueryPage> {
        let scan = Scan::of(self.name(), options)?;
        let range = Range::of(&scan, options);
        let (mut items, mut bytes, mut from) = (Vec::<RawItem>::new(), 0, range.from.clone());
        for _ in 0..PAGE_REQUESTS {
            // One more than asked for: whether there is a next page is then known.
            let (found, last) = self.read_range(options, &range, scan.size() + 1 - items.len(), from).await?;
            items.reserve(found.len());
            for item in found {
                if range.without == Some(&*item.key.sort) {
                    continue;
                }
                if items.len() == scan.size() {
                    return Ok(scan.page(items, true));
                }
                bytes += item.value.len();
                items.push(item);
            }
            match last {
                None => return Ok(scan.page(items, false)),
                Some(last) => from = Some(last),
            }
            if bytes >= PAGE_BYTES {
                break;
            }
        }
        match from {
            Some(last) => Ok(scan.page_to(items, &key_of(&last)?.sort)),
            None => Ok(scan.page(items, false)),
        }
    }

    /// One request: some items of the range, and the key at which to go on.
    async fn read_range(
        &self,
        options: &QueryOptions,
        range: &Range<'_>,
        most: usize,
        from: Option<Attributes>,
    ) -> Result<(Vec<RawItem>, Option<Attributes>)> {
        let mut values = Values::default();
        values.set_text(":p", &options.partition);
        values.set_number(":now", self.now());
        let condition = range.condition(&mut values);
        let request = self.client().await.query().table_name(self.name()).consistent_read(true);
        let request = request
            .key_condition_expression(condition)
            .filter_expression(LIVE)
            .projection_expression(item::READ_WITH_SORT)
            .set_expression_attribute_values(values.into_option())
            .scan_index_forward(!options.reverse)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from);
        let answer = request.send().await.map_err(error::of)?;
        let found = answer.items.unwrap_or_default();
        // Of an iterator of results nobody knows the length.
        let mut items = Vec::with_capacity(found.len());
        for attributes in found {
            items.push(item::read(key_in(&options.partition, &attributes)?, attributes)?);
        }
        Ok((items, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}

/// A range of sort keys as DynamoDB takes it: one condition, whose ends are both in it where there are two.
#[derive(Debug)]
struct Range<'a> {
    low: Bound<&'a str>,
    high: Option<(&'a str, &'static str)>,
    /// An item at an end that is not part of the range.
    without: Option<&'a str>,
    /// Goes on after this key.
    from: Option<Attributes>,
}

impl<'a> Range<'a> {
    fn of(scan: &Scan<'a>, options: &QueryOptions) -> Self {
        if scan.is_empty() {
            // Asked all the same: a missing table is to say so. Nothing is below the mark.
            return Self { low: Bound::Unbounded, high: Some(("", "<")), without: None, from: None };
        }
        let (low, end) = scan.ends();
        let (mut without, mut from) = (None, None);
        let high = match end {
            Bound::Unbounded => None,
            Bound::Included(text) => Some((text, "<=")),
            Bound::Excluded(text) => {
                if low != Bound::Unbounded && options.reverse {
                    let key = skyport_core::kv::port::Key::new(options.partition.clone(), text);
                    from = Some(key_attributes(&key));
                }
                without = Some(text);
                Some((text, "<"))
            }
        };
        Self { low, high, without, from }
    }

    fn condition(&self, values: &mut Values) -> String {
        let low = match self.low {
            Bound::Unbounded => None,
            Bound::Included(text) => Some(stored_sort(text)),
            // The next text after it in the order of UTF-8.
            Bound::Excluded(text) => Some(stored_sort(text) + "\0"),
        };
        let is_low = low.is_some();
        if let Some(low) = low {
            values.set(":low", AttributeValue::S(low));
        }
        if let Some((high, _)) = self.high {
            values.set(":high", AttributeValue::S(stored_sort(high)));
        }
        match (is_low, self.high) {
            (false, None) => "pk = :p".to_owned(),
            (true, None) => "pk = :p AND sk >= :low".to_owned(),
            (false, Some((_, below))) => format!("pk = :p AND sk {below} :high"),
            (true, Some(_)) => "pk = :p AND sk BETWEEN :low AND :high".to_owned(),
        }
    }
}
