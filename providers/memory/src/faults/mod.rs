//! Injected faults: what a cloud does on a bad day, on order and the same each time.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::queue::QueueCell;
use crate::sync::lock;

mod body;
mod call;
mod chaos;
mod crash;
mod draw;
mod effect;
mod fault;
mod operation;
mod plan;
mod rates;
mod receive;
mod rule;
mod trace;

pub use chaos::Chaos;
pub use crash::{Crashed, Held};
pub use fault::Fault;
pub use operation::{Operation, Port};
pub use trace::{Called, Injected};

pub(crate) use call::{call, call_each};
pub(crate) use crash::Named;
pub(crate) use draw::Draw;
pub(crate) use rule::Site;

use effect::Effect;
use plan::{Drawn, Plan};
use rule::Rule;

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
/// for injected in memory.faults().trace() {
///     println!("{injected}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    armed: AtomicBool,
    plan: Mutex<Plan>,
    /// Told when the faults are cleared: nobody goes on waiting for one.
    cleared: Notify,
    /// Queues that hold back duplicates.
    holding: Mutex<Vec<Weak<QueueCell>>>,
}

impl Faults {
    /// No faults yet; what is left to chance is drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner {
            armed: AtomicBool::new(false),
            plan: Mutex::new(Plan::new(seed)),
            cleared: Notify::new(),
            holding: Mutex::default(),
        }))
    }

    /// Adds a fault of one method. Where several strike one call, their latencies add up and the first failure holds.
    ///
    /// It never strikes calls on a resource of another name than the fault's, nor what the fault itself says that it never strikes: a crash
    /// outside of an invocation, a duplicate on an ordered queue. [`struck`](Self::struck) tells whether it did.
    ///
    /// # Panics
    /// Where the fault can do nothing to any call of this method: a body that breaks off, of `KvGet`.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        fault.must_be_of(operation);
        self.add(Some(operation), fault);
    }

    /// Adds a fault of every method of every port, to which it can do something.
    pub fn inject_everywhere(&self, fault: Fault) {
        self.add(None, fault);
    }

    fn add(&self, operation: Option<Operation>, fault: Fault) {
        lock(&self.0.plan).rules.push(Rule::new(operation, fault));
        self.0.armed.store(true, Ordering::Release);
    }

    /// Lets chaos loose, in the place of any that was before. The [trace](Self::trace), the numbers of calls and the times begin
    /// anew. Faults that were injected by themselves stay.
    pub fn unleash(&self, chaos: Chaos) {
        lock(&self.0.plan).unleash(chaos);
        self.0.armed.store(true, Ordering::Release);
    }

    /// Ends all faults and chaos: calls go through again, waits that a fault had made end, and duplicates that were held back
    /// are delivered. A clock that jumped stays where it is. The trace stays, too.
    pub fn clear(&self) {
        self.0.armed.store(false, Ordering::Release);
        lock(&self.0.plan).clear();
        self.0.cleared.notify_waiters();
        let holding = std::mem::take(&mut *lock(&self.0.holding));
        for queue in holding.iter().filter_map(Weak::upgrade) {
            queue.let_echoes_go();
        }
    }

    /// How many times a fault struck so far.
    #[must_use]
    pub fn struck(&self) -> u64 {
        lock(&self.0.plan).struck()
    }

    /// What was injected so far, in order: since the faults were made, or since chaos was unleashed. At most 100,000 faults are
    /// kept, the first ones. Delays of a chaos are none.
    #[must_use]
    pub fn trace(&self) -> Vec<Injected> {
        lock(&self.0.plan).trace()
    }

    /// The calls since chaos was unleashed, where it [keeps](Chaos::keep_calls) them; at most 100,000, the first ones.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        lock(&self.0.plan).calls()
    }

    /// A number that follows from every call since chaos was unleashed, with its virtual time, and from what was done to it: two
    /// runs with the same are the same run.
    #[must_use]
    pub fn digest(&self) -> u64 {
        lock(&self.0.plan).digest()
    }

    /// Whether there may be faults: mostly there are none, and a call need not meet them.
    #[inline]
    pub(crate) fn are_armed(&self) -> bool {
        self.0.armed.load(Ordering::Acquire)
    }

    fn begin(&self, site: &Site<'_>) -> Drawn {
        lock(&self.0.plan).begin(site)
    }

    fn answer(&self, site: &Site<'_>, call: u64) -> Vec<Effect> {
        lock(&self.0.plan).answer(site, call)
    }

    /// Waits for so long, or until the faults are cleared.
    async fn pause(&self, time: Duration) {
        // Before the look: what is told from here on is not missed.
        let cleared = self.0.cleared.notified();
        if time.is_zero() || !self.are_armed() {
            return;
        }
        tokio::select! {
            biased;
            () = cleared => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Lets go what a queue holds back, once the faults are cleared.
    fn hold(&self, queue: &Arc<QueueCell>) {
        let mut holding = lock(&self.0.holding);
        let known = |held: &Weak<QueueCell>| std::ptr::eq(held.as_ptr(), Arc::as_ptr(queue));
        if !holding.iter().any(known) {
            holding.push(Arc::downgrade(queue));
        }
        drop(holding);
        if !self.are_armed() {
            queue.let_echoes_go();
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
        f.debug_struct("Faults").field("rules", &plan.rules()).field("struck", &plan.struck()).finish()
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::{ErrorKind, Result};

    use super::*;

    async fn meet(faults: &Faults, operation: Operation, resource: &str) -> Result<()> {
        faults.call(operation, resource, || Ok(())).await
    }

    async fn pattern(seed: u64) -> Vec<bool> {
        let faults = Faults::new(seed);
        faults.inject(Operation::BlobGet, Fault::refuse(ErrorKind::Throttled).with_probability(0.5));
        let mut calls = Vec::new();
        for _ in 0..64 {
            calls.push(meet(&faults, Operation::BlobGet, "b").await.is_err());
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
        assert!(meet(&faults, Operation::KvGet, "b").await.is_ok());
        assert!(meet(&faults, Operation::KvWrite, "a").await.is_ok());
        assert!(meet(&faults, Operation::KvWrite, "b").await.is_ok());
        let error = meet(&faults, Operation::KvWrite, "b").await.expect_err("the second");
        assert_eq!((error.kind(), faults.struck()), (ErrorKind::Timeout, 1));
        assert!(meet(&faults, Operation::KvWrite, "b").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_takes_virtual_time_and_a_lost_answer_is_ambiguous() {
        let faults = Faults::default();
        faults.inject_everywhere(Fault::slow(Duration::from_secs(5)).times(1));
        faults.inject(Operation::QueueSend, Fault::lose_answer(ErrorKind::Throttled));
        let before = tokio::time::Instant::now();
        let lost = meet(&faults, Operation::QueueSend, "q").await.expect_err("lost");
        assert_eq!(before.elapsed(), Duration::from_secs(5));
        assert!(lost.is_ambiguous());
        faults.clear();
        assert!(meet(&faults, Operation::QueueSend, "q").await.is_ok());
    }
}
