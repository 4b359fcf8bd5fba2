//! One unit of work: its batches one after the other, each handled under renewed leases and then settled.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::renew::keep;
use super::settle::Settler;
use super::unit::Held;
use super::{Worker, WorkerContext};
use crate::queue::port::{Settlement, Verdict};
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Outcome, Shutdown};

/// What a cancelled handler has to report before its future is dropped.
const WIND_DOWN: Duration = Duration::from_secs(1);

/// What all tasks of a worker share.
pub(super) struct Task {
    pub(super) worker: Worker,
    settler: Settler,
    stop: Shutdown,
    cut: Shutdown,
}

/// A message and how it is to end.
struct Ending {
    held: Held,
    verdict: Verdict,
    /// It only returns because one before it did: where the provider returned both together, that is well.
    behind: bool,
}

impl Task {
    pub(super) fn new(worker: Worker, settler: Settler, stop: Shutdown, cut: Shutdown) -> Self {
        Self { worker, settler, stop, cut }
    }

    pub(super) async fn run(self: Arc<Self>, mut unit: Vec<Held>) {
        while !unit.is_empty() {
            if self.stop.is_triggered() {
                // Received and not begun: others may have it at once.
                self.finish(unit.drain(..).map(Ending::let_go).collect()).await;
                return;
            }
            let size = self.worker.config.batch.min(unit.len());
            let outcomes = self.handle(&mut unit, size).await;
            let batch: Vec<Held> = unit.drain(..size).collect();
            let failed_groups = self.settle(batch, outcomes, &mut unit).await;
            self.let_go(failed_groups, &mut unit).await;
        }
    }

    /// Calls the handler with the first `size` messages, and keeps the leases of all.
    async fn handle(&self, unit: &mut [Held], size: usize) -> Vec<Outcome> {
        let messages = unit.iter().take(size).map(|held| held.raw.clone()).collect();
        let context = WorkerContext {
            deadline: Instant::now() + self.worker.config.time_limit,
            cancelled: Shutdown::new(),
        };
        let (finished, lost) = (Shutdown::new(), Shutdown::new());
        let handling = async {
            let outcomes = self.call(messages, context, &lost).await;
            finished.trigger();
            outcomes
        };
        let queue = &*self.worker.queue;
        let keeping = keep(queue, unit, self.worker.config.lease, &finished, &lost);
        let (mut outcomes, ()) = tokio::join!(handling, keeping);
        outcomes.resize_with(size, || Outcome::retry("the handler gave no outcome for this message"));
        outcomes
    }

    /// One call of the handler, to its end or to the end of its time.
    async fn call(
        &self,
        messages: Vec<crate::queue::port::RawDelivery>,
        context: WorkerContext,
        lost: &Shutdown,
    ) -> Vec<Outcome> {
        let count = messages.len();
        let (deadline, cancelled) = (context.deadline, context.cancelled.clone());
        // The call itself may panic, not only its future.
        let calling = async { (self.worker.handler)(messages, context).await };
        let mut calling = pin!(AssertUnwindSafe(calling).catch_unwind());
        let (after, why) = tokio::select! {
            biased;
            ended = &mut calling => return outcomes_of(ended, count),
            () = lost.triggered() => (None, "the message's lease was lost while the handler ran"),
            () = sleep_until(deadline) => (None, "the handler was cancelled: it outlived its time limit"),
            () = self.cut.triggered() => (Some(Duration::ZERO), "the worker stopped before the handler had finished"),
        };
        cancelled.trigger();
        match timeout(WIND_DOWN, calling).await {
            Ok(ended) => outcomes_of(ended, count),
            Err(_) => vec![Outcome::Retry { after, error: why.to_owned() }; count],
        }
    }

    /// Settles a batch by its outcomes. On an ordered queue a failure takes the rest of its group with it, out of the batch
    /// and out of `rest`; gives the groups whose settling failed.
    async fn settle(
        &self,
        batch: Vec<Held>,
        outcomes: Vec<Outcome>,
        rest: &mut Vec<Held>,
    ) -> HashSet<String> {
        let ordered = self.worker.queue.info().settings.ordered;
        let mut blocked: HashSet<String> = HashSet::new();
        let (mut endings, mut returning) = (Vec::new(), Vec::new());
        for (held, outcome) in batch.into_iter().zip(outcomes) {
            let group = held.raw.group.clone().filter(|_| ordered);
            if group.as_ref().is_some_and(|group| blocked.contains(group)) {
                returning.push(Ending::let_go(held));
                continue;
            }
            let verdict = self.verdict(&held, outcome);
            if matches!(verdict, Verdict::Retry(_)) {
                blocked.extend(group);
                returning.push(Ending::new(held, verdict));
            } else {
                endings.push(Ending::new(held, verdict));
            }
        }
        returning.extend(take_groups(rest, &blocked).into_iter().map(Ending::let_go));
        // What is done goes first: nothing later than a returned message of its group can be settled.
        endings.append(&mut returning);
        self.finish(endings).await
    }

    /// Returns what stands behind messages that could not be settled.
    async fn let_go(&self, failed_groups: HashSet<String>, rest: &mut Vec<Held>) {
        let behind = take_groups(rest, &failed_groups);
        self.finish(behind.into_iter().map(Ending::let_go).collect()).await;
    }

    fn verdict(&self, held: &Held, outcome: Outcome) -> Verdict {
        let queue = &self.worker.queue.info().resource;
        match outcome {
            Outcome::Done => Verdict::Ack,
            Outcome::Retry { after, error } => {
                let longest = self.worker.queue.info().limits.delay;
                let pause = after.unwrap_or_else(|| self.worker.config.pause(held.raw.attempt));
                let (id, attempt) = (&*held.raw.id, held.raw.attempt);
                tracing::info!(queue, id, attempt, error, ?pause, "a message comes again");
                Verdict::Retry(pause.min(longest))
            }
            Outcome::Dead { reason } => {
                tracing::warn!(queue, id = &*held.raw.id, reason, "a message goes to the dead letters");
                let message = Box::new(held.raw.to_message());
                Verdict::DeadLetter { reason, message }
            }
        }
    }

    /// Settles, and repeats what may succeed then. Gives the groups of what could not be settled as it was to be.
    async fn finish(&self, mut endings: Vec<Ending>) -> HashSet<String> {
        let policy = RetryPolicy::default();
        let mut failed = HashSet::new();
        let mut attempt = 0;
        while !endings.is_empty() {
            endings = self.in_time(endings, &mut failed);
            let settlements = endings.iter().map(Ending::settlement).collect();
            let results = self.settler.settle(settlements).await;
            attempt += 1;
            let mut pause = Duration::ZERO;
            let mut again = Vec::new();
            for (ending, result) in endings.into_iter().zip(results) {
                let Err(error) = result else { continue };
                let group = ending.held.raw.group.clone();
                let (next, intact) = self.after_failure(ending, &error, attempt < policy.attempts);
                if !intact {
                    failed.extend(group);
                }
                if next.is_some() {
                    pause = pause.max(policy.delay(attempt + 1, &error));
                }
                again.extend(next);
            }
            endings = again;
            if !endings.is_empty() {
                sleep(pause).await;
            }
        }
        failed
    }

    /// Without those whose lease has ended, as far as is known here; the queue may think that it goes on. What stands behind one of them in its
    /// ordered group returns, too.
    fn in_time(&self, endings: Vec<Ending>, failed: &mut HashSet<String>) -> Vec<Ending> {
        let info = self.worker.queue.info();
        let mut kept = Vec::with_capacity(endings.len());
        for ending in endings {
            let group = ending.held.raw.group.as_ref();
            if ending.held.lease.check().is_err() {
                let (queue, id) = (&info.resource, &*ending.held.raw.id);
                tracing::warn!(queue, id, "a lease ended before its message could be settled");
                failed.extend(ending.held.raw.group);
                continue;
            }
            let is_behind = info.settings.ordered && group.is_some_and(|group| failed.contains(group));
            kept.push(if is_behind { Ending::let_go(ending.held) } else { ending });
        }
        kept
    }

    /// What to try after a settlement failed, and whether the message may still end as it was to.
    fn after_failure(&self, ending: Ending, error: &Error, again: bool) -> (Option<Ending>, bool) {
        let queue = &self.worker.queue.info().resource;
        let id = ending.held.raw.id.as_str();
        if ending.behind && error.kind() == ErrorKind::PreconditionFailed {
            return (None, true);
        }
        let held = ending.held.lease.check().is_ok() && error.kind() != ErrorKind::PreconditionFailed;
        if held && again && (error.is_retryable() || error.is_ambiguous()) {
            tracing::debug!(queue, id, %error, "settling a message failed; trying again");
            return (Some(ending), true);
        }
        tracing::warn!(queue, id, %error, "a message could not be settled; it comes again");
        if held && matches!(ending.verdict, Verdict::DeadLetter { .. }) {
            let pause = self.worker.config.pause(ending.held.raw.attempt);
            return (Some(Ending::new(ending.held, Verdict::Retry(pause))), false);
        }
        (None, false)
    }
}

impl Ending {
    fn new(held: Held, verdict: Verdict) -> Self {
        Self { held, verdict, behind: false }
    }

    /// Back at once, for no failure of its own.
    fn let_go(held: Held) -> Self {
        Self { behind: true, ..Self::new(held, Verdict::Retry(Duration::ZERO)) }
    }

    fn settlement(&self) -> Settlement {
        Settlement::new(self.held.raw.receipt.clone(), self.verdict.clone())
    }
}

/// Takes the messages of these groups out, in order.
fn take_groups(from: &mut Vec<Held>, groups: &HashSet<String>) -> Vec<Held> {
    if groups.is_empty() {
        return Vec::new();
    }
    let of_them = |held: &mut Held| held.raw.group.as_ref().is_some_and(|group| groups.contains(group));
    from.extract_if(.., of_them).collect()
}

/// What the handler said, or that it panicked.
fn outcomes_of(ended: Result<Vec<Outcome>, Box<dyn Any + Send>>, count: usize) -> Vec<Outcome> {
    ended.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let error = format!("the handler panicked: {}", text.unwrap_or("without a text"));
        vec![Outcome::retry(error); count]
    })
}
