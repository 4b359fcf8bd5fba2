//! A query of one partition's items, forwards or backwards.

use std::ops::Bound;
use std::sync::Arc;

use super::mark::Mark;
use crate::Result;
use crate::kv::port::{QueryOptions, QueryPage, RawItem};

/// One query of a table, from where its token left it.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    start: Bound<&'a str>,
    end: Bound<&'a str>,
    size: usize,
    mark: Mark,
}

impl<'a> Scan<'a> {
    /// The query that `options` ask for.
    ///
    /// # Errors
    /// `InvalidArgument` for a token of another query.
    pub fn of(table: &str, options: &'a QueryOptions) -> Result<Self> {
        let mark = mark(table, options);
        let (start, end) = (text(&options.start), text(&options.end));
        let mut scan = Self { start, end, size: options.page_size.max(1), mark };
        if let Some(last) = options.token.as_deref().map(|token| mark.unpack(token)).transpose()? {
            scan.resume(last, options.reverse);
        }
        Ok(scan)
    }

    /// Narrows the range to what comes after the last item told, if that is narrower.
    fn resume(&mut self, last: &'a str, reverse: bool) {
        let end = if reverse { &mut self.end } else { &mut self.start };
        let narrower = match *end {
            Bound::Unbounded => true,
            Bound::Included(bound) | Bound::Excluded(bound) if reverse => last <= bound,
            Bound::Included(bound) | Bound::Excluded(bound) => last >= bound,
        };
        if narrower {
            *end = Bound::Excluded(last);
        }
    }

    /// How many items the page has at most.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The first and the last sort key, whichever the direction.
    #[must_use]
    pub fn ends(&self) -> (Bound<&'a str>, Bound<&'a str>) {
        (self.start, self.end)
    }

    /// Whether nothing can lie between the ends: `BTreeMap::range` panics on some of those.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.ends() {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }

    /// The page, with a token where there are more items.
    #[must_use]
    pub fn page(&self, items: Vec<RawItem>, more: bool) -> QueryPage {
        let next = if more { items.last().map(|last| self.mark.pack(&last.key.sort)) } else { None };
        QueryPage { items, next }
    }

    /// A page that ends at `last`, whether its item was told or not: where a store looked at many items and found few.
    #[must_use]
    pub fn page_to(&self, items: Vec<RawItem>, last: &str) -> QueryPage {
        QueryPage { items, next: Some(self.mark.pack(last)) }
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

    fn scan(start: Bound<&str>, end: Bound<&str>) -> QueryOptions {
        let mut options = QueryOptions::new("p", 10);
        options.start = start.map(Arc::from);
        options.end = end.map(Arc::from);
        options
    }

    #[test]
    fn ends_that_hold_nothing_between_them_are_seen() {
        use Bound::{Excluded, Included, Unbounded};
        let empty = |start, end| Scan::of("t", &scan(start, end)).expect("no token").is_empty();
        assert!(empty(Included("b"), Included("a")));
        assert!(empty(Excluded("a"), Excluded("a")));
        assert!(empty(Included("a"), Excluded("a")));
        assert!(!empty(Included("a"), Included("a")));
        assert!(!empty(Unbounded, Excluded("a")));
    }

    #[test]
    fn a_token_narrows_the_range_and_never_widens_it() {
        let mut options = scan(Bound::Included("m"), Bound::Unbounded);
        let mark = mark("t", &options);
        options.token = Some(mark.pack("q"));
        assert_eq!(Scan::of("t", &options).expect("its own").ends().0, Bound::Excluded("q"));
        options.token = Some(mark.pack("a"));
        assert_eq!(Scan::of("t", &options).expect("its own").ends().0, Bound::Included("m"));
        assert!(Scan::of("another", &options).is_err());
    }
}
