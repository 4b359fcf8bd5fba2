//! What a fault does to the call that it strikes, to the last detail: what was drawn can be done again.

use std::fmt;
use std::time::Duration;

use skyport_core::{Error, ErrorKind};

use super::crash;
use super::draw::Draw;
use super::operation::Operation;
use super::rule::Site;

/// One thing that is done to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It takes so much longer before it is carried out.
    Slow(Duration),
    /// It fails, and is not carried out.
    Refuse { kind: ErrorKind, retry_after: Option<Duration>, some: Which },
    /// It is carried out, and its answer is lost.
    Lose { kind: ErrorKind, some: Which },
    /// No answer comes, and after so long the caller has waited enough.
    TimeOut { after: Duration, applied: bool },
    /// The invocation ends before the call is carried out, or after it and before the answer is seen.
    Crash { applied: bool },
    /// What it received is received again, so much later.
    Redeliver { after: Duration, some: Which },
    /// What is ready is received in another order.
    Reorder(Which),
    /// Its answer comes when so much of the lease has gone.
    LateLease { percent: u32 },
    /// The body breaks off after so much of it.
    BreakOff { percent: u32 },
    /// The body stands still after so much of it.
    Stall { percent: u32, by: Duration },
    /// The wall clock jumps, forwards or back.
    Jump { millis: i64 },
}

/// Which of the things that a call is about: all, or some that a number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Which(pub(super) Option<u64>);

impl Which {
    pub(super) const ALL: Self = Self(None);

    /// Whether the thing at `index` of `count` is struck. One at least is.
    pub(super) fn holds(self, index: usize, count: usize) -> bool {
        let Some(number) = self.0 else { return true };
        let first = number % (count.max(1) as u64);
        index as u64 == first || Draw::of(number).and(index as u64).below(0.5)
    }

    /// From where on everything is struck: for what must stay in order.
    pub(super) fn tail(self, count: usize) -> usize {
        self.0.map_or(0, |number| (number % (count.max(1) as u64)) as usize)
    }
}

/// When an effect is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// When the call is made.
    Before,
    /// When it has brought something: messages, or bytes.
    Answer,
}

impl Effect {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Redeliver { .. }
            | Self::Reorder(_)
            | Self::LateLease { .. }
            | Self::BreakOff { .. }
            | Self::Stall { .. } => Phase::Answer,
            _ => Phase::Before,
        }
    }

    /// Whether it can do anything to this call.
    pub(super) fn suits(self, site: &Site<'_>) -> bool {
        let suits = match self {
            Self::Crash { .. } => crash::is_invocation(),
            Self::Redeliver { .. } | Self::Reorder(_) => !site.ordered,
            _ => true,
        };
        suits && self.is_of(site.operation)
    }

    /// Whether it can do anything to any call of this method.
    pub(super) const fn is_of(self, operation: Operation) -> bool {
        match self {
            Self::Redeliver { .. } | Self::Reorder(_) | Self::LateLease { .. } => {
                matches!(operation, Operation::QueueReceive)
            }
            Self::BreakOff { .. } | Self::Stall { .. } => matches!(operation, Operation::BlobGet),
            _ => true,
        }
    }

    /// Whether the call fails by it, as far as its caller can see.
    pub(super) const fn fails(self) -> bool {
        matches!(self, Self::Refuse { .. } | Self::Lose { .. } | Self::TimeOut { .. } | Self::Crash { .. })
    }

    /// Whether two are the same but for their amounts: a rate replaces another of the same sort.
    pub(super) fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Refuse { kind, some: Which(part), .. },
                Self::Refuse { kind: theirs, some: Which(their_part), .. },
            )
            | (
                Self::Lose { kind, some: Which(part) },
                Self::Lose { kind: theirs, some: Which(their_part) },
            ) => kind == theirs && part.is_some() == their_part.is_some(),
            (Self::TimeOut { applied, .. }, Self::TimeOut { applied: theirs, .. })
            | (Self::Crash { applied }, Self::Crash { applied: theirs }) => applied == theirs,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }

    /// With its amounts as they are, and what it leaves to chance drawn.
    pub(super) fn drawn(mut self, draw: Draw) -> Self {
        if let Self::Refuse { some, .. }
        | Self::Lose { some, .. }
        | Self::Redeliver { some, .. }
        | Self::Reorder(some) = &mut self
        {
            *some = Which(some.0.map(|_| draw.and(2).bits()));
        }
        self
    }

    /// With amounts that were drawn: what was given is the most.
    pub(super) fn vary(self, draw: Draw) -> Self {
        let amount = draw.and(1);
        match self.drawn(draw) {
            Self::Slow(by) => Self::Slow(amount.up_to(by)),
            Self::Refuse { kind, retry_after, some } => {
                Self::Refuse { kind, retry_after: retry_after.map(|most| amount.up_to(most)), some }
            }
            Self::TimeOut { after, applied } => Self::TimeOut { after: amount.up_to(after), applied },
            Self::Redeliver { after, some } => Self::Redeliver { after: amount.up_to(after), some },
            Self::LateLease { percent } => Self::LateLease { percent: amount.percent(percent) },
            Self::BreakOff { percent } => Self::BreakOff { percent: amount.percent(percent) },
            Self::Stall { percent, by } => {
                Self::Stall { percent: draw.and(3).percent(percent), by: amount.up_to(by) }
            }
            Self::Jump { millis } => {
                let by = amount.up_to(Duration::from_millis(millis.unsigned_abs())).as_millis() as i64;
                Self::Jump { millis: if draw.and(3).below(0.5) { by } else { -by } }
            }
            other => other,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |some: &Which| if some.0.is_some() { " for some of its items" } else { "" };
        match self {
            Self::Slow(by) => write!(f, "took {by:?} longer"),
            Self::Refuse { kind, retry_after: None, some: which } => {
                write!(f, "refused as {kind}{}", some(which))
            }
            Self::Refuse { kind, retry_after: Some(after), some: which } => {
                write!(f, "refused as {kind}, again after {after:?}{}", some(which))
            }
            Self::Lose { kind, some: which } => {
                write!(f, "carried out, its answer lost as {kind}{}", some(which))
            }
            Self::TimeOut { after, applied: true } => write!(f, "carried out, no answer within {after:?}"),
            Self::TimeOut { after, applied: false } => {
                write!(f, "not carried out, no answer within {after:?}")
            }
            Self::Crash { applied: true } => f.write_str("crash after it was carried out"),
            Self::Crash { applied: false } => f.write_str("crash before it was carried out"),
            Self::Redeliver { after, .. } => write!(f, "received again after {after:?}"),
            Self::Reorder(_) => f.write_str("received in another order"),
            Self::LateLease { percent } => write!(f, "answered when {percent} % of the lease had gone"),
            Self::BreakOff { percent } => write!(f, "the body broke off after {percent} %"),
            Self::Stall { percent, by } => write!(f, "the body stood still for {by:?} after {percent} %"),
            Self::Jump { millis } => write!(f, "the wall clock jumped by {millis} ms"),
        }
    }
}

/// The error of a call that was refused.
pub(super) fn refused(kind: ErrorKind, retry_after: Option<Duration>, resource: &str) -> Error {
    let error = named(Error::new(kind, "an injected fault refused the call"), resource);
    match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// The error of a call that was carried out.
pub(super) fn lost(kind: ErrorKind, resource: &str) -> Error {
    named(Error::new(kind, "an injected fault lost the answer").with_ambiguous(true), resource)
}

/// The error of a call that nobody answered.
pub(super) fn timed_out(resource: &str) -> Error {
    named(Error::new(ErrorKind::Timeout, "an injected fault kept the answer back"), resource)
}

fn named(error: Error, resource: &str) -> Error {
    error.with_provider(crate::provision::NAME).with_resource(resource)
}
