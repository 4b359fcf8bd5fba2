//! Queues: one message of 1 KiB at a time through its whole life.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Runtime;

use skyport_measure::Outcome;
use crate::measure::{ROUNDS, best, per_operation};

mod floor;
mod omniqueue_memory;
mod skyport;

pub use floor::Floor;
pub use omniqueue_memory::OmniQueue;
pub use skyport::Port;

/// Few and often: where other work takes the processor every few milliseconds, a long round is never undisturbed.
const CYCLES: usize = 2_000;
const SHORT_ROUNDS: usize = 25 * ROUNDS;
static BODY: [u8; 1_024] = [7; 1_024];

/// A queue that is measured.
pub trait Queues: Send + Sized {
    /// What was received.
    type Delivery: Send;

    /// Sends a message.
    fn send(&mut self, body: Bytes) -> impl Future<Output = Outcome> + Send;
    /// Receives one that is there.
    fn receive(&mut self) -> impl Future<Output = Outcome<Self::Delivery>> + Send;
    /// Is done with one.
    fn ack(&mut self, delivery: Self::Delivery) -> impl Future<Output = Outcome> + Send;
}

/// Measures a queue: nanoseconds by the step's name.
///
/// # Errors
/// What the queue fails with.
pub fn measure<Q: Queues>(runtime: &Runtime, mut queue: Q) -> Outcome<Vec<(String, f64)>> {
    let mut values: [Vec<f64>; 3] = Default::default();
    for _ in 0..SHORT_ROUNDS {
        runtime.block_on(async {
            let began = Instant::now();
            for _ in 0..CYCLES {
                queue.send(Bytes::from_static(&BODY)).await?;
            }
            let sent = began.elapsed();
            for _ in 0..CYCLES {
                let delivery = queue.receive().await?;
                queue.ack(delivery).await?;
            }
            let received = began.elapsed() - sent;
            let cycled = cycle(&mut queue).await?;
            for (values, time) in values.iter_mut().zip([sent, received, cycled]) {
                values.push(per_operation(time, CYCLES));
            }
            Outcome::Ok(())
        })?;
    }
    let names = ["send", "receive and ack", "send, receive and ack in turn"];
    Ok(names.into_iter().zip(values).map(|(name, values)| (name.to_owned(), best(values))).collect())
}

async fn cycle<Q: Queues>(queue: &mut Q) -> Outcome<Duration> {
    let began = Instant::now();
    for _ in 0..CYCLES {
        queue.send(Bytes::from_static(&BODY)).await?;
        let delivery = queue.receive().await?;
        queue.ack(delivery).await?;
    }
    Ok(began.elapsed())
}
