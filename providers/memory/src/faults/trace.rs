//! What was injected, and what was called.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::effect::Effect;
use super::operation::Operation;

/// One fault that was injected into one call.
///
/// Displays in one line: when, since the faults were [unleashed](super::Faults::unleash), in virtual time; which call of which
/// resource; and what was done to it. Derefs to the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Injected {
    pub(super) called: Called,
    pub(super) effect: Effect,
    /// Else it was injected by itself, and is again where that is.
    pub(super) of_chaos: bool,
}

impl Injected {
    /// Whether the invocation that made the call crashed by it.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        matches!(self.effect, Effect::Crash { .. })
    }
}

/// What it was injected into.
impl Deref for Injected {
    type Target = Called;

    fn deref(&self) -> &Called {
        &self.called
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { called: Called { at, operation, resource, call }, effect, .. } = self;
        write!(f, "{:>10.3} s  {operation} on {resource:?}, call {call}: {effect}", at.as_secs_f64())
    }
}

/// One call of a port, whether it was struck or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub(super) at: Duration,
    pub(super) operation: Operation,
    pub(super) resource: String,
    pub(super) call: u64,
}

impl Called {
    /// When, since the faults were unleashed.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }

    /// The method that was called.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The bucket, queue or table.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Which call of this method on this resource it was, from 1.
    #[must_use]
    pub fn call(&self) -> u64 {
        self.call
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, operation, resource, call } = self;
        write!(f, "{:>10.3} s  {operation} on {resource:?}, call {call}", at.as_secs_f64())
    }
}
