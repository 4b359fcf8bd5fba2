//! What the clients have done and seen, and what follows from it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::album::Picture;

/// A span of a run's events: an earlier one ends before a later one begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

impl Span {
    fn is_before(self, other: Self) -> bool {
        self.end < other.begin
    }
}

/// What a client knows of a write when its last answer has come, or its patience is spent. A write that was refused is not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was applied.
    Done,
    /// It was applied or not.
    Unknown,
}

#[derive(Debug)]
struct Upload {
    name: String,
    picture: &'static Picture,
    span: Span,
    outcome: Outcome,
}

#[derive(Debug)]
struct Deletion {
    name: String,
    span: Span,
    outcome: Outcome,
}

#[derive(Debug)]
struct Look {
    name: String,
    span: Span,
    found: Option<&'static Picture>,
}

/// All that happened in one run, as clients know it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    time: Cell<u64>,
    /// Under which name which pictures were sent, whole; also those that had no answer yet.
    sent: RefCell<Vec<(String, &'static Picture)>>,
    uploads: RefCell<Vec<Upload>>,
    deletions: RefCell<Vec<Deletion>>,
    looks: RefCell<Vec<Look>>,
    wrongs: RefCell<Vec<String>>,
}

impl Ledger {
    /// The beginning of a span.
    pub(crate) fn now(&self) -> u64 {
        self.time.set(self.time.get() + 1);
        self.time.get()
    }

    pub(crate) fn since(&self, begin: u64) -> Span {
        Span { begin, end: self.now() }
    }

    pub(crate) fn uploaded(&self, name: &str, picture: &'static Picture, span: Span, outcome: Outcome) {
        self.uploads.borrow_mut().push(Upload { name: name.to_owned(), picture, span, outcome });
    }

    pub(crate) fn deleted(&self, name: &str, span: Span, outcome: Outcome) {
        self.deletions.borrow_mut().push(Deletion { name: name.to_owned(), span, outcome });
    }

    pub(crate) fn looked(&self, name: &str, span: Span, found: Option<&'static Picture>) {
        self.looks.borrow_mut().push(Look { name: name.to_owned(), span, found });
    }

    /// What no order of events explains.
    pub(crate) fn wrong(&self, what: String) {
        self.wrongs.borrow_mut().push(what);
    }

    pub(crate) fn sent(&self, name: &str, picture: &'static Picture) {
        self.sent.borrow_mut().push((name.to_owned(), picture));
    }

    /// The pictures that may stand, or have stood, under a name.
    pub(crate) fn of(&self, name: &str) -> Vec<&'static Picture> {
        let sent = self.sent.borrow();
        sent.iter().filter(|(its, _)| its == name).map(|(_, picture)| *picture).collect()
    }

    /// The names of all that may have been uploaded.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.sent.borrow().iter().map(|(name, _)| name.clone()).collect()
    }

    /// Whether every answer that a client got can be explained.
    pub(crate) fn explained(&self) -> Result<(), String> {
        if let Some(wrong) = self.wrongs.borrow().first() {
            return Err(wrong.clone());
        }
        self.looks.borrow().iter().try_for_each(|look| self.may_stand(&look.name, look.span, look.found))
    }

    /// Whether this may stand under a name all through a span, or at one moment of it.
    pub(crate) fn may_stand(
        &self,
        name: &str,
        span: Span,
        found: Option<&'static Picture>,
    ) -> Result<(), String> {
        let (uploads, deletions) = (self.uploads.borrow(), self.deletions.borrow());
        let of_name = || uploads.iter().filter(|upload| upload.name == name);
        if let Some(found) = found {
            let explained = of_name().any(|upload| {
                let gone = deletions.iter().any(|deletion| {
                    deletion.name == name
                        && deletion.outcome == Outcome::Done
                        && upload.span.is_before(deletion.span)
                        && deletion.span.is_before(span)
                });
                std::ptr::eq(upload.picture, found) && !gone && !span.is_before(upload.span)
            });
            if !explained {
                return Err(format!("{name}: a photo that was deleted, or never put there, was found"));
            }
        }
        let sure = of_name().filter(|upload| {
            let may_be_gone = deletions.iter().any(|deletion| {
                deletion.name == name
                    && !deletion.span.is_before(upload.span)
                    && !span.is_before(deletion.span)
            });
            upload.outcome == Outcome::Done && upload.span.is_before(span) && !may_be_gone
        });
        for upload in sure {
            if !found.is_some_and(|found| std::ptr::eq(found, upload.picture)) {
                let other = if found.is_some() { "another one stands in its place" } else { "is not there" };
                return Err(format!("{name}: a photo was accepted and not deleted, and {other}"));
            }
        }
        Ok(())
    }
}
