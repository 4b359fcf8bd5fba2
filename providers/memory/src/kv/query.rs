//! Queries: a range of one partition, forwards or backwards, by pages.

use std::sync::Arc;
use std::time::SystemTime;

use skyport_core::Result;
use skyport_core::kv::port::{Key, QueryOptions, QueryPage};
use skyport_core::seek::Scan;

use super::items::{Items, Stored};
use super::sort_key::SortKey;

/// One page of the items of `table`.
pub(super) fn query(
    items: &Items,
    table: &str,
    options: &QueryOptions,
    now: SystemTime,
) -> Result<QueryPage> {
    let scan = Scan::of(table, options)?;
    let Some(partition) = items.partition(&options.partition).filter(|_| !scan.is_empty()) else {
        return Ok(QueryPage::default());
    };
    let range = partition.range::<str, _>(scan.ends()).filter(|(_, stored)| stored.is_live(now));
    Ok(if options.reverse {
        fill(range.rev(), &options.partition, &scan)
    } else {
        fill(range, &options.partition, &scan)
    })
}

fn fill<'a>(
    range: impl Iterator<Item = (&'a SortKey, &'a Stored)>,
    partition: &Arc<str>,
    scan: &Scan<'_>,
) -> QueryPage {
    let mut found = Vec::new();
    for (sort, stored) in range {
        if found.len() == scan.size() {
            return scan.page(found, true);
        }
        let key = Key { partition: Arc::clone(partition), sort: Arc::clone(sort.text()) };
        found.push(stored.to_item(key));
    }
    scan.page(found, false)
}
