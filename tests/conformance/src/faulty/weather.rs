//! What strikes how often.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use skyport_core::retry::RetryPolicy;
use skyport_proxy::{Class, Fault, Plan};

/// How bad the way to the services is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Reads are struck in every way; all else is only delayed and throttled, and so never in doubt.
    Mild,
    /// What leaves a doubt strikes, too, wherever the doubt is resolved: no message is sent twice or leased by a lost answer.
    Rough,
    /// Everything strikes anything, often, and without end.
    Storm,
}

const ALL: [Class; 6] = [Class::Read, Class::Write, Class::Send, Class::Receive, Class::Ack, Class::Lease];
const CHANGES: [Class; 5] = [Class::Write, Class::Send, Class::Receive, Class::Ack, Class::Lease];

/// Nothing is done, and the caller knows it.
const REFUSED: [(Fault, f64); 2] = [(Fault::Delay, 0.08), (Fault::Throttle, 0.08)];
/// Nothing is done, and the caller cannot know it.
const KEPT_BACK: [(Fault, f64); 3] =
    [(Fault::Reset, 0.05), (Fault::TruncateRequest, 0.04), (Fault::Unavailable, 0.04)];
/// All is done, and the caller cannot know it.
const CARRIED_OUT: [(Fault, f64); 3] =
    [(Fault::HideAnswer, 0.04), (Fault::LoseAnswer, 0.05), (Fault::TruncateAnswer, 0.05)];
const STORM: [(Fault, f64); 9] = [
    (Fault::Delay, 0.08),
    (Fault::Reset, 0.06),
    (Fault::Drop, 0.02),
    (Fault::TruncateRequest, 0.05),
    (Fault::Throttle, 0.08),
    (Fault::Unavailable, 0.05),
    (Fault::HideAnswer, 0.06),
    (Fault::LoseAnswer, 0.08),
    (Fault::TruncateAnswer, 0.06),
];

impl Weather {
    /// What strikes the requests of the service `index` in the case `name`.
    pub(super) fn plan(self, name: &str, index: usize) -> Plan {
        let plan = Plan::quiet(seed(name, index));
        match self {
            Self::Mild => Self::hidden(plan).rates(&CHANGES, &REFUSED),
            Self::Rough => Self::hidden(plan)
                .rates(&CHANGES, &REFUSED)
                .rates(&CHANGES, &KEPT_BACK)
                .rates(&[Class::Write, Class::Ack], &CARRIED_OUT),
            Self::Storm => plan.rates(&ALL, &STORM),
        }
    }

    fn hidden(plan: Plan) -> Plan {
        let reads = [Class::Read];
        plan.at_most_in_a_row(2).rates(&reads, &REFUSED).rates(&reads, &KEPT_BACK).rates(&reads, &CARRIED_OUT)
    }

    /// How often a call is repeated: often enough, where all is to be hidden.
    pub(super) fn policy(self) -> RetryPolicy {
        let mut policy = RetryPolicy::default();
        policy.base = Duration::from_millis(2);
        policy.max_delay = Duration::from_millis(25);
        // A machine that stands still is no fault of the line's.
        policy.attempt_timeout = Duration::from_secs(30);
        policy.total_timeout = Duration::from_secs(150);
        policy.attempts = if self == Self::Storm { 4 } else { 16 };
        policy
    }
}

fn seed(name: &str, index: usize) -> u64 {
    let given = std::env::var("SKYPORT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    let mut hasher = DefaultHasher::new();
    (given, name, index).hash(&mut hasher);
    hasher.finish()
}
