//! Queries: a range of one partition, forwards or backwards, by pages.

use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use skyport_core::Result;
use skyport_core::kv::port::{Key, QueryOptions, QueryPage};
use skyport_core::page_token::Mark;

use super::items::{Items, Stored};

type Ends<'a> = (Bound<&'a str>, Bound<&'a str>);

/// One page of the items of `table`.
pub(super) fn query(
    items: &Items,
    table: &str,
    options: &QueryOptions,
    now: SystemTime,
) -> Result<QueryPage> {
    let mark = mark(table, options);
    let last = options.token.as_deref().map(|token| mark.unpack(token)).transpose()?;
    let mut ends = (text(&options.start), text(&options.end));
    if let Some(last) = last {
        resume(&mut ends, last, options.reverse);
    }
    let mut page = QueryPage::default();
    let Some(partition) = items.partition(&options.partition).filter(|_| !is_empty(ends)) else {
        return Ok(page);
    };
    let range = partition.range::<str, _>(ends).filter(|(_, stored)| stored.is_live(now));
    page = if options.reverse { fill(range.rev(), options, mark) } else { fill(range, options, mark) };
    Ok(page)
}

fn fill<'a>(
    range: impl Iterator<Item = (&'a Arc<str>, &'a Stored)>,
    options: &QueryOptions,
    mark: Mark,
) -> QueryPage {
    let size = options.page_size.max(1);
    let mut page = QueryPage::default();
    for (sort, stored) in range {
        if page.items.len() == size {
            page.next = page.items.last().map(|last| mark.pack(&last.key.sort));
            break;
        }
        let key = Key { partition: Arc::clone(&options.partition), sort: Arc::clone(sort) };
        page.items.push(stored.to_item(key));
    }
    page
}

/// Narrows the range to what comes after the last item told, if that is narrower.
fn resume<'a>(ends: &mut Ends<'a>, last: &'a str, reverse: bool) {
    let (end, narrower): (_, fn(&str, &str) -> bool) = if reverse {
        (&mut ends.1, |last, end| last <= end)
    } else {
        (&mut ends.0, |last, start| last >= start)
    };
    let replace = match *end {
        Bound::Unbounded => true,
        Bound::Included(bound) | Bound::Excluded(bound) => narrower(last, bound),
    };
    if replace {
        *end = Bound::Excluded(last);
    }
}

/// Whether nothing can lie between these ends: `BTreeMap::range` panics on some of those.
fn is_empty(ends: Ends<'_>) -> bool {
    match ends {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
            start >= end
        }
    }
}

fn text(bound: &Bound<Arc<str>>) -> Bound<&str> {
    bound.as_ref().map(|text| &**text)
}

fn mark(table: &str, options: &QueryOptions) -> Mark {
    let (start_kind, start) = describe(&options.start);
    let (end_kind, end) = describe(&options.end);
    let direction = if options.reverse { "reverse" } else { "forward" };
    let parts = [table, &options.partition, start_kind, start, end_kind, end, direction];
    Mark::of(&parts.map(Some))
}

fn describe(bound: &Bound<Arc<str>>) -> (&'static str, &str) {
    match bound {
        Bound::Unbounded => ("unbounded", ""),
        Bound::Included(text) => ("included", text),
        Bound::Excluded(text) => ("excluded", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_hold_nothing_between_them_are_seen() {
        use Bound::{Excluded, Included, Unbounded};
        assert!(is_empty((Included("b"), Included("a"))));
        assert!(is_empty((Excluded("a"), Excluded("a"))));
        assert!(is_empty((Excluded("a"), Included("a"))));
        assert!(is_empty((Included("a"), Excluded("a"))));
        assert!(!is_empty((Included("a"), Included("a"))));
        assert!(!is_empty((Unbounded, Included(""))));
    }
}
