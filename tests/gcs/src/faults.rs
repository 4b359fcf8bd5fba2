//! Faults that a test asks for.

use std::collections::VecDeque;

/// What the server does to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Does nothing, and answers with this status.
    Refuse(u16),
    /// Does what was asked for, and answers with this status.
    Hide(u16),
    /// Does what was asked for, and closes the connection without an answer.
    HangUp,
    /// Keeps so many of the bytes for a resumable session, whole multiples of 256 KiB alone, and says so.
    KeepAtMost(u64),
}

/// Those that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(crate) fn add(&mut self, matching: &str, fault: Fault) {
        self.0.push_back((matching.to_owned(), fault));
    }

    /// The first that is meant for this request.
    pub(crate) fn take(&mut self, line: &str) -> Option<Fault> {
        let at = self.0.iter().position(|(matching, _)| line.contains(matching))?;
        self.0.remove(at).map(|(_, fault)| fault)
    }
}
