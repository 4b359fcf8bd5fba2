//! Rows in order, by as many requests as it takes. Azure's pages may be short or empty, and yet have a next one.

use std::sync::atomic::{AtomicUsize, Ordering};

use skyport_core::inline_text::InlineText;
use skyport_core::seek::Barren;
use skyport_core::{Error, ErrorKind, Result};

use super::AzureTable;
use super::client::{Failure, unreadable};
use super::entity::{PARTITION, ROW};
use super::read::unwritten;
use super::row::{Row, each};
use crate::provision::NAME;

/// So much of one answer is read: where there is more, fewer rows are asked for. One row is always less.
const ANSWER_BYTES: usize = 8 << 20;
/// Azure's most rows of one answer.
pub(super) const MOST: usize = 1_000;
/// What a filter has besides its keys, and room for one of these.
const FILTER: usize = 128;
/// Longer than any mark of Azure's for where to go on.
const LONGEST_MARK: usize = 8_192;

/// The rows of a filter, answer after answer.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    table: &'t AzureTable,
    select: Option<&'static str>,
    /// Of rows of which some properties are asked for.
    fitting: Fitting,
    next: Next,
}

/// How many rows are asked for at most, so that an answer is not too much: learned from those that were.
#[derive(Debug)]
pub(super) struct Fitting(AtomicUsize);

impl Default for Fitting {
    fn default() -> Self {
        Self(AtomicUsize::new(MOST))
    }
}

impl Fitting {
    fn most(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// So many were too much.
    fn less(&self, than: usize) {
        self.0.store((than / 8).max(1), Ordering::Relaxed);
    }

    /// So many fitted, in so many bytes: where there is room for more, more are asked for again.
    fn fitted(&self, rows: usize, bytes: usize) {
        if rows >= self.most() && bytes <= ANSWER_BYTES / 4 {
            self.0.store((2 * rows).min(MOST), Ordering::Relaxed);
        }
    }
}

/// Where the next answer begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    #[default]
    Start,
    /// Azure's own marks.
    At {
        partition: String,
        row: Option<String>,
    },
    End,
}

impl Next {
    pub(super) fn is_end(&self) -> bool {
        *self == Self::End
    }
}

/// Whether marks of a whole table come again. It may have any number of answers without a row, so that these cannot be counted; a circle of any
/// length is found by one mark, which is kept for twice as long each time.
#[derive(Debug, Default)]
pub(super) struct Circle {
    kept: Next,
    steps: u64,
    until: u64,
}

impl Circle {
    /// One more mark.
    pub(super) fn step(&mut self, next: &Next) -> Result<()> {
        if *next == self.kept {
            return Err(unwritten(unreadable()));
        }
        self.steps += 1;
        if self.steps >= self.until {
            self.kept = next.clone();
            (self.steps, self.until) = (0, (self.until * 2).max(1));
        }
        Ok(())
    }
}

impl<'t> Rows<'t> {
    pub(super) fn new(table: &'t AzureTable, select: Option<&'static str>) -> Self {
        Self::at(table, select, Next::Start)
    }

    /// From where others of the same kind ended.
    pub(super) fn at(table: &'t AzureTable, select: Option<&'static str>, next: Next) -> Self {
        Self { table, select, fitting: Fitting::default(), next }
    }

    pub(super) fn is_done(&self) -> bool {
        self.next.is_end()
    }

    /// Where the next answer would begin.
    pub(super) fn into_next(self) -> Next {
        self.next
    }

    /// Hands over some of the rows, at most so many: none where there are no more.
    pub(super) async fn read(
        &mut self,
        filter: &str,
        most: usize,
        mut take: impl FnMut(Row<'_>),
    ) -> Result<()> {
        let mut barren = Barren::default();
        while !self.is_done() {
            if self.some(filter, most, &mut take).await? > 0 {
                return Ok(());
            }
            if !self.is_done() {
                barren.answer(false).map_err(|error| error.with_provider(NAME))?;
            }
        }
        Ok(())
    }

    /// Hands over the rows of one answer, at most so many, and tells how many there were: where few of a table's rows are of the filter it may be
    /// none, and yet not the end.
    pub(super) async fn some(
        &mut self,
        filter: &str,
        most: usize,
        take: impl FnMut(Row<'_>),
    ) -> Result<usize> {
        // Whole rows are as large as the table's are, from page to page.
        let table = self.table;
        loop {
            let fitting = if self.select.is_none() { &table.fitting } else { &self.fitting };
            let most = most.min(fitting.most()).max(1);
            let top = InlineText::<24>::of_number(most as u64);
            let mut call = table
                .client
                .read(&[&table.table, "()"], ANSWER_BYTES)
                .query("$filter", filter)
                .query("$top", top.as_str());
            if let Some(select) = self.select {
                call = call.query("$select", select);
            }
            if let Next::At { partition, row } = &self.next {
                call = call.query("NextPartitionKey", partition);
                if let Some(row) = row {
                    call = call.query("NextRowKey", row);
                }
            }
            let answer = match self.table.client.send(call).await {
                Ok(answer) => answer,
                Err(Failure::TooMuch) if most > 1 => {
                    fitting.less(most);
                    continue;
                }
                Err(failure) => return Err(failure.of_read()),
            };
            self.table.seen();
            let mark = |name| answer.header(name).filter(|mark| !mark.is_empty()).map(str::to_owned);
            let row = mark("x-ms-continuation-nextrowkey");
            let next = match mark("x-ms-continuation-nextpartitionkey") {
                Some(partition) if partition.len() + row.as_ref().map_or(0, String::len) > LONGEST_MARK => {
                    return Err(unwritten(unreadable()));
                }
                Some(partition) => Next::At { partition, row },
                None => Next::End,
            };
            // It would go round in a circle.
            if next == self.next {
                return Err(unwritten(unreadable()));
            }
            let rows =
                each(&answer.body, take).map_err(|error| unwritten(unreadable().with_source(error)))?;
            fitting.fitted(rows, answer.body.len());
            self.next = next;
            return Ok(rows);
        }
    }
}

/// A range of one partition's rows, in order.
#[derive(Debug)]
pub(super) struct Range<'t> {
    rows: Rows<'t>,
    filter: String,
    /// The last row that was read.
    last: Option<String>,
}

impl<'t> Range<'t> {
    /// From `low` to `high`, each an operator and a RowKey: `("ge", ":a")`.
    pub(super) fn new(
        table: &'t AzureTable,
        select: Option<&'static str>,
        partition: &str,
        low: (&str, &str),
        high: Option<(&str, &str)>,
    ) -> Self {
        let mut filter = String::with_capacity(FILTER + partition.len() + low.1.len());
        filter.extend([PARTITION, " eq '", partition, "'"]);
        for (operator, row) in [Some(low), high].into_iter().flatten() {
            filter.extend([" and ", ROW, " ", operator, " '", row, "'"]);
        }
        Self { rows: Rows::new(table, select), filter, last: None }
    }

    pub(super) fn is_done(&self) -> bool {
        self.rows.is_done()
    }

    /// Hands over some of the rows, at most so many, each of which has a RowKey: none where there are no more.
    pub(super) async fn read(
        &mut self,
        most: usize,
        mut take: impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let Self { rows, filter, last } = self;
        let mut taken = Ok(());
        let next = |row: Row<'_>| {
            if taken.is_ok() {
                taken = in_order(last, &row).and_then(|()| take(row));
            }
        };
        rows.read(filter, most, next).await?;
        taken
    }
}

/// Whether a row comes after the last one, which it then is.
fn in_order(last: &mut Option<String>, row: &Row<'_>) -> Result<()> {
    let row = row.row()?;
    let last = match last {
        Some(last) if last.as_str() >= row => {
            let text = "the service does not keep rows in the order of their keys, which tables need: is it Azure Table Storage?";
            return Err(Error::new(ErrorKind::Malformed, text).with_provider(NAME));
        }
        last => last.get_or_insert_default(),
    };
    last.clear();
    last.push_str(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_marks_is_found_and_ever_new_ones_are_none() {
        let mark = |number: usize| Next::At { partition: number.to_string(), row: None };
        let mut circle = Circle::default();
        for number in 0..10_000 {
            circle.step(&mark(number)).expect("a new one");
        }
        for length in [1, 2, 3, 7, 100] {
            let mut circle = Circle::default();
            let found = (0..10 * length + 10).position(|step| circle.step(&mark(step % length)).is_err());
            assert!(found.is_some(), "a circle of {length}");
        }
    }

    #[test]
    fn fewer_rows_are_asked_for_where_they_are_large_and_more_again_where_they_are_small() {
        let fitting = Fitting::default();
        fitting.less(101);
        assert_eq!(fitting.most(), 12);
        fitting.less(12);
        assert_eq!(fitting.most(), 1);
        let large = ANSWER_BYTES / 9;
        for (rows, most) in [(1, 2), (2, 4), (4, 4)] {
            fitting.fitted(rows, rows * large);
            assert_eq!(fitting.most(), most);
        }
        // A short answer tells nothing.
        fitting.fitted(3, 3);
        assert_eq!(fitting.most(), 4);
        for most in [8, 16, 32, 64, 128, 256, 512, 1_000, 1_000] {
            fitting.fitted(fitting.most(), 1);
            assert_eq!(fitting.most(), most);
        }
    }
}
