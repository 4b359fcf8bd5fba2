//! How often what was done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Fault;

/// Counts requests, and faults by kind; several proxies may share one.
#[derive(Debug, Default)]
pub struct Tally {
    requests: AtomicU64,
    /// Those that the service itself did not answer, although no fault was meant.
    unanswered: AtomicU64,
    faults: [AtomicU64; Fault::ALL.len()],
}

impl Tally {
    /// All requests, struck or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The requests that were struck so.
    #[must_use]
    pub fn struck(&self, fault: Fault) -> u64 {
        self.faults[fault as usize].load(Ordering::Relaxed)
    }

    /// All faults together.
    #[must_use]
    pub fn faults(&self) -> u64 {
        Fault::ALL.iter().map(|fault| self.struck(*fault)).sum()
    }

    /// The requests that the service itself did not answer, although no fault was meant.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn strike(&self, fault: Fault) {
        self.faults[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }
}

/// `812 requests, 230 faults: 60 delayed, 41 reset, ..`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} faults", self.requests(), self.faults())?;
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            let word = match fault {
                Fault::Delay => "delayed",
                Fault::Reset => "reset",
                Fault::Drop => "connections dropped",
                Fault::TruncateRequest => "requests truncated",
                Fault::Throttle => "throttled",
                Fault::Unavailable => "unavailable",
                Fault::HideAnswer => "answers hidden",
                Fault::LoseAnswer => "answers lost",
                Fault::TruncateAnswer => "answers truncated",
            };
            write!(f, "{} {} {word}", if index == 0 { ":" } else { "," }, self.struck(fault))?;
        }
        Ok(())
    }
}
