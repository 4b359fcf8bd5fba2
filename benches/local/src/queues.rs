//! Queues: messages of 1 KiB, sent, received and acknowledged one at a time.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Target};

use crate::hand::{Hand, jobs};
use crate::load::rate;
use crate::ours;
use crate::stage::Stage;

mod by_hand;
mod skyport;

use by_hand::ByHand;
use skyport::Skyport;

/// The body of each message.
pub const BODY: Bytes = Bytes::from_static(&[7; 1_024]);

/// A queue that is measured.
pub trait Messages: Send + Sync + 'static {
    /// Sends a message.
    fn send(&self) -> impl Future<Output = Outcome> + Send;
    /// Receives one that is there, and is done with it.
    fn finish_one(&self) -> impl Future<Output = Outcome> + Send;
}

const NAMES: [&str; 3] = ["send", "receive-ack", "cycle"];

/// Adds the rows of one writer and of eight.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan();
    for writers in [1, 8] {
        let name = format!("queue/{writers}w");
        if group.wants(&name) {
            contest(group, &name, plan, writers)?;
        }
    }
    Ok(())
}

fn contest(group: &mut Group, name: &str, plan: Plan, writers: usize) -> Outcome {
    let stage = Stage::new()?;
    let count = plan.pick(2_000, 400);
    let ours = Skyport(stage.runtime.block_on(ours::queue(&stage.folder("ours")?))?);
    let thread = ByHand(jobs::Jobs(Hand::thread(&stage.folder("thread")?, jobs::SCHEMA)?));
    let pool = ByHand(jobs::Jobs(Hand::pool(&stage.folder("pool")?, jobs::SCHEMA)?));
    let metrics = NAMES.map(|name| Metric::new(name, "op/s", Target::AtLeast(0.9)));
    let rivals = vec![
        contender("SQLite by hand, a thread", &stage, thread, writers, count),
        contender("SQLite by hand, spawn_blocking", &stage, pool, writers, count),
    ];
    group.contest(name, metrics, plan, contender("skyport", &stage, ours, writers, count), rivals)
}

/// A round sends so many, then receives them, then does both in turn; it leaves the queue empty.
fn contender<'a, M: Messages>(
    name: &'static str,
    stage: &'a Stage,
    queue: M,
    writers: usize,
    count: usize,
) -> Contender<'a, 3> {
    let queue = Arc::new(queue);
    Contender::new(name, move || {
        let (sender, receiver, both) = (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
        let sent = rate(&stage.runtime, writers, count, move |_| {
            let queue = Arc::clone(&sender);
            async move { queue.send().await }
        })?;
        let finished = rate(&stage.runtime, writers, count, move |_| {
            let queue = Arc::clone(&receiver);
            async move { queue.finish_one().await }
        })?;
        let cycled = rate(&stage.runtime, writers, count, move |_| {
            let queue = Arc::clone(&both);
            async move {
                queue.send().await?;
                queue.finish_one().await
            }
        })?;
        Ok([sent, finished, cycled])
    })
}
