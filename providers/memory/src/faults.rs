//! Injected faults: what a cloud does on a bad day, on order and the same each time.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use skyport_core::{Error, ErrorKind, Result};

use crate::sync::lock;

/// A method of a port, as a place where a fault may strike.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each is the port's method of that name.
pub enum Operation {
    BlobPut,
    BlobStartUpload,
    BlobPutPart,
    BlobComplete,
    BlobGet,
    BlobHead,
    BlobCopy,
    BlobDelete,
    BlobDeleteMany,
    BlobList,
    BlobSign,
    QueueSend,
    QueueReceive,
    QueueExtend,
    QueueSettle,
    QueueDepth,
    KvGet,
    KvGetMany,
    KvWrite,
    KvWriteMany,
    KvTransact,
    KvIncrement,
    KvQuery,
    KvSweep,
}

/// One kind of fault: what happens, and to which calls. By default to every call.
///
/// ```
/// use skyport_core::ErrorKind;
/// use skyport_memory::Fault;
/// use std::time::Duration;
///
/// let busy = Fault::refuse(ErrorKind::Throttled).with_probability(0.2);
/// let lost = Fault::lose_answer(ErrorKind::Timeout).nth(3).on_resource("photos");
/// let slow = Fault::slow(Duration::from_secs(2)).times(10);
/// ```
#[must_use = "give it to `Faults::inject`"]
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    latency: Duration,
    probability: f64,
    nth: Option<u64>,
    times: u64,
    resource: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Refuse(ErrorKind),
    LoseAnswer(ErrorKind),
    Nothing,
}

impl Fault {
    /// The call fails with `kind` and nothing is applied.
    pub fn refuse(kind: ErrorKind) -> Self {
        Self::new(Effect::Refuse(kind))
    }

    /// The call is carried out and its answer is lost: it fails with `kind`, and the error is ambiguous. Of a batch, all
    /// answers are lost. Messages of a lost `receive` stay leased until their lease ends.
    pub fn lose_answer(kind: ErrorKind) -> Self {
        Self::new(Effect::LoseAnswer(kind))
    }

    /// The call takes so much longer, in tokio's time, before it is carried out.
    pub fn slow(latency: Duration) -> Self {
        Self::new(Effect::Nothing).with_latency(latency)
    }

    fn new(effect: Effect) -> Self {
        Self { effect, latency: Duration::ZERO, probability: 1.0, nth: None, times: u64::MAX, resource: None }
    }

    /// Adds time before the call is carried out or refused.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Strikes only the `n`th call that matches, counted from 1 and from the injection.
    pub fn nth(mut self, n: u64) -> Self {
        self.nth = Some(n);
        self
    }

    /// Strikes at most so many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes each matching call with this probability, between 0 and 1, drawn from the seed.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Strikes only calls on the bucket, queue or table of this name.
    pub fn on_resource(mut self, name: impl Into<String>) -> Self {
        self.resource = Some(name.into());
        self
    }
}

/// The faults of a [`Memory`](crate::Memory); clones are the same.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
/// use skyport_core::ErrorKind;
/// use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
/// use skyport_memory::{Fault, Memory, Operation};
///
/// let memory = Memory::new();
/// let url: ResourceUrl = "memory://photos".parse()?;
/// memory.create(&url, &ResourceKind::Bucket).await?;
/// memory.faults().inject(Operation::BlobHead, Fault::refuse(ErrorKind::Unavailable).nth(1));
/// let bucket = memory.bucket(&url)?;
/// assert_eq!(bucket.head("cat").await.unwrap_err().kind(), ErrorKind::Unavailable);
/// assert_eq!(bucket.head("cat").await.unwrap_err().kind(), ErrorKind::NotFound);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    armed: AtomicBool,
    plan: Mutex<Plan>,
}

struct Plan {
    rules: Vec<Rule>,
    random: fastrand::Rng,
    struck: u64,
}

struct Rule {
    operation: Option<Operation>,
    fault: Fault,
    calls: u64,
    struck: u64,
}

impl Faults {
    /// No faults yet; probabilities are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let plan = Plan { rules: Vec::new(), random: fastrand::Rng::with_seed(seed), struck: 0 };
        Self(Arc::new(Inner { armed: AtomicBool::new(false), plan: Mutex::new(plan) }))
    }

    /// Adds a fault of one method. Where several strike one call, their latencies add up and the first failure holds.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        self.add(Some(operation), fault);
    }

    /// Adds a fault of every method of every port.
    pub fn inject_everywhere(&self, fault: Fault) {
        self.add(None, fault);
    }

    fn add(&self, operation: Option<Operation>, fault: Fault) {
        lock(&self.0.plan).rules.push(Rule { operation, fault, calls: 0, struck: 0 });
        self.0.armed.store(true, Ordering::Release);
    }

    /// Removes all faults; calls go through again.
    pub fn clear(&self) {
        self.0.armed.store(false, Ordering::Release);
        lock(&self.0.plan).rules.clear();
    }

    /// How many times a fault struck so far.
    #[must_use]
    pub fn struck(&self) -> u64 {
        lock(&self.0.plan).struck
    }

    /// Whether there may be faults: mostly there are none, and a call need not meet them.
    #[inline]
    pub(crate) fn are_armed(&self) -> bool {
        self.0.armed.load(Ordering::Acquire)
    }

    /// Lets a call meet its faults: waits, fails, or tells what is to become of its answer.
    #[inline]
    pub(crate) fn meet<'a>(&'a self, operation: Operation, resource: &'a str) -> Meeting<'a> {
        let armed = self.0.armed.load(Ordering::Acquire);
        Meeting(armed.then(|| self.strike(operation, resource).boxed()))
    }

    async fn strike(&self, operation: Operation, resource: &str) -> Result<Fate> {
        let drawn = lock(&self.0.plan).draw(operation, resource);
        if !drawn.latency.is_zero() {
            tokio::time::sleep(drawn.latency).await;
        }
        match drawn.refused {
            Some(kind) => Err(Error::new(kind, "an injected fault refused the call")
                .with_provider(crate::provision::NAME)
                .with_resource(resource)),
            None => Ok(Fate { lost: drawn.lost }),
        }
    }
}

/// A call that meets its faults. Mostly there are none: a call without them carries neither their size nor their states.
pub(crate) struct Meeting<'a>(Option<BoxFuture<'a, Result<Fate>>>);

impl Future for Meeting<'_> {
    type Output = Result<Fate>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Ok(Fate::default())),
            Some(striking) => striking.as_mut().poll(cx),
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(0)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = lock(&self.0.plan);
        f.debug_struct("Faults").field("rules", &plan.rules.len()).field("struck", &plan.struck).finish()
    }
}

#[derive(Default)]
struct Drawn {
    latency: Duration,
    refused: Option<ErrorKind>,
    lost: Option<ErrorKind>,
}

impl Plan {
    fn draw(&mut self, operation: Operation, resource: &str) -> Drawn {
        let mut drawn = Drawn::default();
        for rule in &mut self.rules {
            if !rule.strikes(operation, resource, &mut self.random) {
                continue;
            }
            self.struck += 1;
            drawn.latency += rule.fault.latency;
            if drawn.refused.is_none() && drawn.lost.is_none() {
                match rule.fault.effect {
                    Effect::Refuse(kind) => drawn.refused = Some(kind),
                    Effect::LoseAnswer(kind) => drawn.lost = Some(kind),
                    Effect::Nothing => {}
                }
            }
        }
        drawn
    }
}

impl Rule {
    fn strikes(&mut self, operation: Operation, resource: &str, random: &mut fastrand::Rng) -> bool {
        let fault = &self.fault;
        let matches = self.operation.is_none_or(|ours| ours == operation)
            && fault.resource.as_deref().is_none_or(|ours| ours == resource);
        if !matches {
            return false;
        }
        self.calls += 1;
        let strikes = fault.nth.is_none_or(|nth| nth == self.calls)
            && self.struck < fault.times
            && (fault.probability >= 1.0 || random.f64() < fault.probability);
        self.struck += u64::from(strikes);
        strikes
    }
}

/// What becomes of the answer of a call that was carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fate {
    lost: Option<ErrorKind>,
}

impl Fate {
    #[inline]
    pub(crate) fn answer<T>(self, answer: Result<T>) -> Result<T> {
        match self.lost {
            None => answer,
            Some(kind) => Err(lost(kind)),
        }
    }

    #[inline]
    pub(crate) fn answers<T>(self, answers: Vec<Result<T>>) -> Vec<Result<T>> {
        match self.lost {
            None => answers,
            Some(kind) => answers.iter().map(|_| Err(lost(kind))).collect(),
        }
    }
}

fn lost(kind: ErrorKind) -> Error {
    Error::new(kind, "an injected fault lost the answer")
        .with_provider(crate::provision::NAME)
        .with_ambiguous(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pattern(seed: u64) -> Vec<bool> {
        let faults = Faults::new(seed);
        faults.inject(Operation::BlobGet, Fault::refuse(ErrorKind::Throttled).with_probability(0.5));
        let mut calls = Vec::new();
        for _ in 0..64 {
            calls.push(faults.meet(Operation::BlobGet, "b").await.is_err());
        }
        calls
    }

    #[tokio::test]
    async fn the_same_seed_fails_the_same_calls() {
        assert_eq!(pattern(1).await, pattern(1).await);
        assert_ne!(pattern(1).await, pattern(2).await);
    }

    #[tokio::test]
    async fn a_scripted_fault_strikes_its_call_and_no_other() {
        let faults = Faults::default();
        let nth = Fault::refuse(ErrorKind::Timeout).nth(2).on_resource("b");
        faults.inject(Operation::KvWrite, nth);
        assert!(faults.meet(Operation::KvGet, "b").await.is_ok());
        assert!(faults.meet(Operation::KvWrite, "a").await.is_ok());
        assert!(faults.meet(Operation::KvWrite, "b").await.is_ok());
        let error = faults.meet(Operation::KvWrite, "b").await.expect_err("the second");
        assert_eq!((error.kind(), faults.struck()), (ErrorKind::Timeout, 1));
        assert!(faults.meet(Operation::KvWrite, "b").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_takes_virtual_time_and_a_lost_answer_is_ambiguous() {
        let faults = Faults::default();
        faults.inject_everywhere(Fault::slow(Duration::from_secs(5)).times(1));
        faults.inject(Operation::QueueSend, Fault::lose_answer(ErrorKind::Throttled));
        let before = tokio::time::Instant::now();
        let fate = faults.meet(Operation::QueueSend, "q").await.expect("carried out");
        assert_eq!(before.elapsed(), Duration::from_secs(5));
        assert!(fate.answer(Ok(())).expect_err("lost").is_ambiguous());
        faults.clear();
        let fate = faults.meet(Operation::QueueSend, "q").await.expect("carried out");
        assert!(fate.answer(Ok(())).is_ok());
    }
}
