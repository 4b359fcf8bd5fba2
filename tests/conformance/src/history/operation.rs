//! A history: operations with the instants of their calls and answers, by a logical clock.

use std::fmt;

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, ItemCondition, Key, RawVersion, Write};

/// What was asked of a table.
#[derive(Clone, Debug)]
pub enum Call {
    /// One item was read, whether alone, among many, or by a query.
    Read(Key),
    /// One write, or those of a transaction.
    Write(Vec<Write>),
    /// A counter was added to.
    Increment(Key, i64),
}

impl Call {
    /// The keys that it is about.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let (one, many): (Option<&Key>, &[Write]) = match self {
            Self::Read(key) | Self::Increment(key, _) => (Some(key), &[]),
            Self::Write(writes) => (None, writes),
        };
        one.into_iter().chain(many.iter().map(|write| &write.key))
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a read: the value and the version that stood there, if any.
    Found(Option<(Bytes, RawVersion)>),
    /// To writes: the version of each put.
    Written(Vec<Option<RawVersion>>),
    /// To an increment: the value and the version after it.
    Counted(i64, RawVersion),
    /// It was refused, and nothing was applied: `AlreadyExists` or `PreconditionFailed`, with the write that was at fault where one was named;
    /// `InvalidArgument` for what is no counter, or leaves its range.
    Refused(ErrorKind, Option<usize>),
    /// Nobody knows: it may have been applied since its call, may be at any later time, or never.
    Unknown,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was asked.
    pub call: Call,
    /// When, by the history's own clock.
    pub called: u64,
    /// When it was answered; `None` where that never happened.
    pub answered: Option<u64>,
    /// With what.
    pub answer: Answer,
    /// How many times beside it may have been applied before it was answered: a write that is repeated until an answer arrives.
    pub repeats: u32,
}

impl Entry {
    /// It is applied, or not, whatever the rest of the history says.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.answered.is_some() && self.answer != Answer::Unknown
    }
}

/// What happened to one table that was empty when it began, in the order of the calls.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The operations.
    pub entries: Vec<Entry>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answered {
            Some(answered) => write!(f, "{:>5}..{answered:<5} ", self.called)?,
            None => write!(f, "{:>5}..?     ", self.called)?,
        }
        match &self.call {
            Call::Read(key) => write!(f, "read {key}")?,
            Call::Increment(key, by) => write!(f, "increment {key} by {by}")?,
            Call::Write(writes) => {
                for (place, write) in writes.iter().enumerate() {
                    f.write_str(if place > 0 { "; " } else { "" })?;
                    show_write(f, write)?;
                }
            }
        }
        f.write_str(" -> ")?;
        match &self.answer {
            Answer::Found(None) => f.write_str("nothing"),
            Answer::Found(Some((value, version))) => {
                write!(f, "{} at {}", String::from_utf8_lossy(value), version.as_str())
            }
            Answer::Written(versions) => {
                let versions =
                    versions.iter().map(|version| version.as_ref().map_or("-", RawVersion::as_str));
                f.write_str(&versions.collect::<Vec<_>>().join(", "))
            }
            Answer::Counted(value, version) => write!(f, "{value} at {}", version.as_str()),
            Answer::Refused(kind, Some(item)) => write!(f, "{kind}, item {item}"),
            Answer::Refused(kind, None) => write!(f, "{kind}"),
            Answer::Unknown => f.write_str("unknown"),
        }
    }
}

fn show_write(f: &mut fmt::Formatter<'_>, write: &Write) -> fmt::Result {
    match &write.change {
        Change::Put { value, .. } => write!(f, "put {} = {}", write.key, String::from_utf8_lossy(value))?,
        Change::Delete => write!(f, "delete {}", write.key)?,
        Change::Check => write!(f, "check {}", write.key)?,
    }
    match &write.condition {
        ItemCondition::None => Ok(()),
        ItemCondition::IfAbsent => f.write_str(" if absent"),
        ItemCondition::IfVersion(version) => write!(f, " if {}", version.as_str()),
    }
}
