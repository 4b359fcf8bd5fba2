//! Receiving: looks, takes, and waits for the first message.

use std::sync::Arc;

use skyport_core::clock::from_millis;
use skyport_core::queue::port::{RawDelivery, ReceiveOptions};
use skyport_core::{Error, Result};
use tokio::time::Instant;

use super::receive::{self, Outlook, Taken};
use super::rows::{self, QueueRow};
use super::send::whole_millis;
use crate::engine::{Engine, millis};
use crate::writer::WeakWriter;

/// Waits up to `options.wait` for the first message.
pub(super) async fn receive(
    engine: &Arc<Engine>,
    name: &Arc<str>,
    options: ReceiveOptions,
) -> Result<Vec<RawDelivery>> {
    // Most find something: a look before would be a second step. Who then waits looks, and keeps no writer waiting.
    let taken = take(engine, name, options).await?;
    if !taken.deliveries.is_empty() || options.wait.is_zero() {
        return Ok(taken.deliveries);
    }
    let deadline = later(Instant::now(), options.wait);
    let waiting = engine.wait(taken.queue.id).await?;
    loop {
        let mut told = std::pin::pin!(waiting.notified());
        // From here on no change is missed.
        told.as_mut().enable();
        let outlook = look(engine, name).await?;
        if outlook.ready {
            let taken = take(engine, name, options).await?;
            if !taken.deliveries.is_empty() {
                return Ok(taken.deliveries);
            }
        }
        if Instant::now() >= deadline {
            return Ok(Vec::new());
        }
        let due = outlook.next_due.map(|due| engine.clock().instant_at(from_millis(due.unsigned_abs())));
        let until = due.map_or(deadline, |due| due.min(deadline));
        match tokio::time::timeout_at(until, told).await {
            // Told, or a lease, a delay or the wait is over: look again.
            Ok(()) | Err(_) => {}
        }
    }
}

async fn look(engine: &Engine, name: &Arc<str>) -> Result<Outlook> {
    let (name, now) = (Arc::clone(name), engine.now());
    engine.read(move |connection| receive::outlook(connection, &name, now)).await
}

async fn take(engine: &Engine, name: &Arc<str>, options: ReceiveOptions) -> Result<Taken> {
    let writer = engine.writer().await?;
    let (name, clock) = (Arc::clone(name), engine.clock());
    let lease = millis(whole_millis(options.lease));
    let hand = engine
        .write(move |job| {
            // The time at which it is done, not that at which it was asked for: it may have stood in line.
            let now = millis(clock.now_millis());
            let taken = receive::take(job, &name, options.max, now.saturating_add(lease), now)?;
            Ok(Hand { taken: Some(taken), writer })
        })
        .await?;
    hand.open()
}

/// Messages on their way to a receiver. Dropped on that way, they return at once.
struct Hand {
    taken: Option<Taken>,
    writer: WeakWriter,
}

impl Hand {
    fn open(mut self) -> Result<Taken> {
        self.taken.take().ok_or_else(|| Error::internal("what was received was handed over twice"))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let Some(Taken { queue, deliveries }) =
            self.taken.take().filter(|taken| !taken.deliveries.is_empty())
        else {
            return;
        };
        let left = self.writer.leave(move |job| {
            for delivery in deliveries.iter().rev() {
                untake(job, &queue, delivery)?;
            }
            Ok(())
        });
        if !left {
            tracing::debug!("messages of a receive that was dropped return when their lease ends");
        }
    }
}

/// Undoes a delivery that nobody saw.
fn untake(
    job: &mut crate::writer::Job<'_>,
    queue: &QueueRow,
    delivery: &RawDelivery,
) -> std::result::Result<(), crate::error::Fault> {
    let (id, lease) = receive::read_receipt(&delivery.receipt)?;
    let Some(message) = rows::leased(job.connection, queue, id)?.filter(|message| message.lease == lease)
    else {
        return Ok(());
    };
    job.connection
        .prepare_cached(
            "UPDATE messages SET head = head & 1, lease = NULL, attempts = attempts - 1, visible_at = sent_at WHERE id = ?1",
        )?
        .execute([message.id])?;
    job.after.wake.push(queue.id);
    Ok(())
}

/// `now` and so much more, held to what can be told.
fn later(now: Instant, by: std::time::Duration) -> Instant {
    const FAR: std::time::Duration = std::time::Duration::from_secs(86_400 * 365);
    now.checked_add(by).unwrap_or_else(|| now + FAR)
}
