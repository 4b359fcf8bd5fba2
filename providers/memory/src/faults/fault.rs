//! One kind of fault, and which calls it strikes.

use std::time::Duration;

use skyport_core::ErrorKind;

use super::effect::{Effect, Which};
use super::operation::Operation;

/// One kind of fault: what happens, and to which calls. By default to every call.
///
/// Given to [`Faults::inject`](super::Faults::inject) or to [`Chaos::script`](super::Chaos::script) it strikes with exactly the
/// amounts that it names; as a rate of a [`Chaos`](super::Chaos) its amounts are the most, and what is less is drawn.
///
/// ```
/// use skyport_core::ErrorKind;
/// use skyport_memory::Fault;
/// use std::time::Duration;
///
/// let busy = Fault::throttle(Duration::from_secs(1)).with_probability(0.2);
/// let lost = Fault::lose_answer(ErrorKind::Timeout).nth(3).on_resource("photos");
/// let slow = Fault::slow(Duration::from_secs(2)).times(10);
/// let twice = Fault::redeliver(Duration::from_secs(30)).times(1);
/// ```
#[must_use = "give it to `Faults::inject` or to a `Chaos`"]
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) effect: Option<Effect>,
    pub(super) latency: Duration,
    pub(super) probability: f64,
    pub(super) nth: Option<u64>,
    pub(super) times: u64,
    pub(super) resource: Option<String>,
}

impl Fault {
    /// The call fails with `kind` and nothing is applied.
    pub fn refuse(kind: ErrorKind) -> Self {
        Self::of(Effect::Refuse { kind, retry_after: None, some: Which::ALL })
    }

    /// The call is refused as `Throttled`, and the service asks to wait so long.
    pub fn throttle(retry_after: Duration) -> Self {
        let kind = ErrorKind::Throttled;
        Self::of(Effect::Refuse { kind, retry_after: Some(retry_after), some: Which::ALL })
    }

    /// The call is carried out and its answer is lost: it fails with `kind`, and the error is ambiguous. Of a batch, all
    /// answers are lost. Messages of a lost `receive` stay leased until their lease ends.
    pub fn lose_answer(kind: ErrorKind) -> Self {
        Self::of(Effect::Lose { kind, some: Which::ALL })
    }

    /// No answer comes: after so long the call fails with `Timeout`, which is ambiguous. Nothing was applied.
    pub fn time_out(after: Duration) -> Self {
        Self::of(Effect::TimeOut { after, applied: false })
    }

    /// As [`time_out`](Self::time_out), and the call was carried out, at once.
    pub fn time_out_applied(after: Duration) -> Self {
        Self::of(Effect::TimeOut { after, applied: true })
    }

    /// The call takes so much longer, in tokio's time, before it is carried out.
    pub fn slow(latency: Duration) -> Self {
        Self::new(None).with_latency(latency)
    }

    /// The invocation that makes the call ends before the call is carried out: the process was killed. It never goes on.
    ///
    /// Strikes only inside of an invocation, as [`Memory::invocation`](crate::Memory::invocation) runs it.
    pub fn crash() -> Self {
        Self::of(Effect::Crash { applied: false })
    }

    /// As [`crash`](Self::crash), once the call was carried out and before its answer is seen.
    pub fn crash_after() -> Self {
        Self::of(Effect::Crash { applied: true })
    }

    /// Messages of a receive are received once more, `after` so long, also where they are settled by then: the same message with
    /// the same id and receipt. Settling the duplicate then fails as on a service. Until then it counts in `depth()`.
    ///
    /// Strikes only receives that bring something, never those of an ordered queue, and no delivery twice.
    pub fn redeliver(after: Duration) -> Self {
        Self::of(Effect::Redeliver { after, some: Which(Some(0)) })
    }

    /// Messages come in another order: those of a receive, and those that are ready and come with later ones.
    ///
    /// Strikes only receives that bring something, never those of an ordered queue.
    pub fn reorder() -> Self {
        Self::of(Effect::Reorder(Which(Some(0))))
    }

    /// The answer of a receive comes when so much of the lease has gone, in percent; over 100 the lease has ended by then.
    ///
    /// Strikes only receives that bring something.
    pub fn late_lease(percent: u32) -> Self {
        Self::of(Effect::LateLease { percent })
    }

    /// A body that is read breaks off after so much of it, in percent, with an error that is retryable.
    ///
    /// Strikes only `BlobGet`, where there are bytes to read.
    pub fn break_off(percent: u32) -> Self {
        Self::of(Effect::BreakOff { percent: percent.min(100) })
    }

    /// A body that is read stands still for so long after so much of it, in percent, and then goes on.
    ///
    /// Strikes only `BlobGet`, where there are bytes to read.
    pub fn stall(percent: u32, by: Duration) -> Self {
        Self::of(Effect::Stall { percent: percent.min(100), by })
    }

    /// The wall clock jumps forwards so far when the call is made; tokio's, by which leases and delays of queues go, does not.
    /// As a rate it also jumps back. See [`Clock::jump`](skyport_core::Clock::jump).
    ///
    /// Only for clocks that are asked on the thread of the call: a test with it wants a runtime of one thread.
    pub fn jump(by: Duration) -> Self {
        Self::of(Effect::Jump { millis: i64::try_from(by.as_millis()).unwrap_or(i64::MAX) })
    }

    /// The wall clock jumps back so far.
    pub fn jump_back(by: Duration) -> Self {
        Self::of(Effect::Jump { millis: i64::try_from(by.as_millis()).map_or(i64::MIN, |millis| -millis) })
    }

    fn of(effect: Effect) -> Self {
        Self::new(Some(effect))
    }

    fn new(effect: Option<Effect>) -> Self {
        let latency = Duration::ZERO;
        Self { effect, latency, probability: 1.0, nth: None, times: u64::MAX, resource: None }
    }

    /// Of a batch only some items are struck, which are drawn: one at least. On an ordered queue all from the first one on.
    /// Says nothing of faults that neither refuse nor lose an answer, and of calls about one thing.
    pub fn partly(mut self) -> Self {
        if let Some(Effect::Refuse { some, .. } | Effect::Lose { some, .. }) = &mut self.effect {
            *some = Which(Some(0));
        }
        self
    }

    /// Adds time before the call is carried out or refused.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Strikes only the `n`th call that matches, counted from 1 and from the injection, or from when its chaos was unleashed. Of
    /// faults that strike only what a call brings, the `n`th that brings something.
    ///
    /// # Panics
    /// Where `n` is zero: that call never comes.
    pub fn nth(mut self, n: u64) -> Self {
        assert!(n >= 1, "calls are counted from 1: a fault of call 0 never strikes");
        self.nth = Some(n);
        self
    }

    /// Strikes at most so many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes each matching call with this probability, between 0 and 1, drawn from the seed.
    ///
    /// # Panics
    /// Where it is no probability.
    pub fn with_probability(mut self, probability: f64) -> Self {
        must_be_probability(probability);
        self.probability = probability;
        self
    }

    /// Strikes only calls on the bucket, queue or table of this name.
    pub fn on_resource(mut self, name: impl Into<String>) -> Self {
        self.resource = Some(name.into());
        self
    }

    pub(super) fn is_on(&self, resource: &str) -> bool {
        self.resource.as_deref().is_none_or(|ours| ours == resource)
    }

    /// Whether it can do anything to a call of this method.
    pub(super) fn is_of(&self, operation: Operation) -> bool {
        self.effect.is_none_or(|effect| effect.is_of(operation))
    }

    /// Panics where it can do nothing to any call of this method: a test that counts on it would pass without it.
    pub(super) fn must_be_of(&self, operation: Operation) {
        assert!(self.is_of(operation), "this fault never strikes {operation}: {self:?}");
    }

    /// Whether both are the same sort of fault: a rate replaces another of the same sort.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let alike = match (self.effect, other.effect) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => ours.is_like(theirs),
            _ => false,
        };
        alike && self.resource == other.resource
    }
}

/// Panics where a number is none from 0 to 1.
pub(super) fn must_be_probability(probability: f64) {
    assert!((0.0..=1.0).contains(&probability), "a probability is from 0 to 1, and this is {probability}");
}
