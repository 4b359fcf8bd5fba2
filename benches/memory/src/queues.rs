//! Queues: one message of 1 KiB at a time, on one task.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Target};
use tokio::runtime::Runtime;

use crate::timing::{Watch, expect, per_operation, runtime};

mod omniqueue_memory;
mod skyport;

use omniqueue_memory::OmniQueue;
use skyport::{Handle, Port};

/// Few and often: where other work takes the processor every few milliseconds, a long stretch is never undisturbed.
const MESSAGES: usize = 2_000;
const STRETCHES: usize = 5;
static BODY: [u8; 1_024] = [7; 1_024];

/// A queue that is measured.
pub trait Queues: Send + Sized {
    /// What was received.
    type Delivery: Send;

    /// Sends a message.
    fn send(&mut self, body: Bytes) -> impl Future<Output = Outcome> + Send;
    /// Receives one that is there; how many bytes its body has.
    fn receive(&mut self) -> impl Future<Output = Outcome<(Self::Delivery, usize)>> + Send;
    /// Is done with one.
    fn ack(&mut self, delivery: Self::Delivery) -> impl Future<Output = Outcome> + Send;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Send,
    ReceiveAndAck,
    Cycle,
}

const STEPS: [(Step, &str); 3] =
    [(Step::Send, "send"), (Step::ReceiveAndAck, "receive-ack"), (Step::Cycle, "cycle")];

/// Measures the port of a queue, and the handle that users hold.
///
/// # Errors
/// What a queue fails with, or that it gave a wrong answer.
pub fn measure(group: &mut Group) -> Outcome {
    let runtime = runtime(1)?;
    let mut port = runtime.block_on(Port::new())?;
    let mut handle = runtime.block_on(Handle::new())?;
    let mut theirs = runtime.block_on(OmniQueue::new())?;
    for (step, name) in STEPS {
        let metric = || [Metric::new("", "ns", Target::AtMost(1.0))];
        let (plan, rival) = (group.plan(), "omniqueue");
        let ours = contender("Skyport", &runtime, &mut port, step);
        let rivals = vec![contender(rival, &runtime, &mut theirs, step)];
        group.contest(&format!("queue/{name}"), metric(), plan, ours, rivals)?;
        let ours = contender("Skyport", &runtime, &mut handle, step);
        let rivals = vec![contender(rival, &runtime, &mut theirs, step)];
        group.contest(&format!("queue-handle/{name}"), metric(), plan, ours, rivals)?;
    }
    Ok(())
}

fn contender<'c, Q: Queues>(
    name: &'static str,
    runtime: &'c Runtime,
    queue: &'c mut Q,
    step: Step,
) -> Contender<'c, 1> {
    Contender::new(name, move || {
        let mut took = Duration::ZERO;
        for _ in 0..STRETCHES {
            took += runtime.block_on(stretch(queue, step))?;
        }
        Ok([per_operation(took, MESSAGES * STRETCHES)])
    })
}

/// The queue is empty before and after.
async fn stretch<Q: Queues>(queue: &mut Q, step: Step) -> Outcome<Duration> {
    let began = Watch::start(1);
    if step == Step::Cycle {
        for _ in 0..MESSAGES {
            queue.send(Bytes::from_static(&BODY)).await?;
            receive(queue).await?;
        }
        return Ok(began.elapsed());
    }
    for _ in 0..MESSAGES {
        queue.send(Bytes::from_static(&BODY)).await?;
    }
    let sent = began.elapsed();
    for _ in 0..MESSAGES {
        receive(queue).await?;
    }
    Ok(if step == Step::Send { sent } else { began.elapsed() - sent })
}

async fn receive<Q: Queues>(queue: &mut Q) -> Outcome {
    let (delivery, bytes) = queue.receive().await?;
    expect(bytes, BODY.len())?;
    queue.ack(delivery).await
}
