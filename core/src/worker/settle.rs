//! Settling together what is ready together, without waiting for more to come.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use crate::queue::port::{MessageQueue, Settlement};
use crate::{Error, Result};

/// Calls of the port at once; while they run, more is collected for the next.
const CALLS: usize = 2;

/// Settlements of one call, about: providers cut them to their own sizes.
const TOGETHER: usize = 100;

/// Settlements that stay in this order, and where their results go.
struct Job {
    settlements: Vec<Settlement>,
    reply: oneshot::Sender<Vec<Result<()>>>,
}

/// Where the ends of messages are handed in.
#[derive(Clone, Debug)]
pub(super) struct Settler(mpsc::Sender<Job>);

impl Settler {
    /// The settler of a queue, and the work behind it: it ends once all clones are dropped and all is settled.
    pub(super) fn new(queue: Arc<dyn MessageQueue>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, jobs) = mpsc::channel(TOGETHER);
        (Self(sender), work(queue, jobs))
    }

    /// Settles these in this order; one result each.
    pub(super) async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let count = settlements.len();
        let (reply, results) = oneshot::channel();
        let handed_in = self.0.send(Job { settlements, reply }).await.is_ok();
        let mut results = match handed_in.then_some(results) {
            Some(results) => results.await.unwrap_or_default(),
            None => Vec::new(),
        };
        // Fewer come only from a provider that broke its promise, or from one that panicked.
        results.resize_with(count, || Err(unsettled()));
        results
    }
}

fn unsettled() -> Error {
    Error::internal("the provider gave no result for a settlement; whether it was applied is not known")
}

async fn work(queue: Arc<dyn MessageQueue>, mut jobs: mpsc::Receiver<Job>) {
    let mut calls = FuturesUnordered::new();
    let mut open = true;
    while open || !calls.is_empty() {
        tokio::select! {
            biased;
            Some(()) = calls.next() => {}
            job = jobs.recv(), if open && calls.len() < CALLS => match job {
                Some(first) => calls.push(call(Arc::clone(&queue), collect(first, &mut jobs))),
                None => open = false,
            },
        }
    }
}

/// The first job and whatever else is there already.
fn collect(first: Job, jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut count = first.settlements.len();
    let mut batch = vec![first];
    while count < TOGETHER {
        let Ok(next) = jobs.try_recv() else { break };
        count += next.settlements.len();
        batch.push(next);
    }
    batch
}

async fn call(queue: Arc<dyn MessageQueue>, batch: Vec<Job>) {
    let mut settlements = Vec::new();
    let mut replies = Vec::with_capacity(batch.len());
    for job in batch {
        replies.push((job.settlements.len(), job.reply));
        settlements.extend(job.settlements);
    }
    let mut results = queue.settle(settlements).await.into_iter();
    for (count, reply) in replies {
        // Nobody waits where the task was aborted; its messages are settled all the same.
        drop(reply.send(results.by_ref().take(count).collect()));
    }
}
