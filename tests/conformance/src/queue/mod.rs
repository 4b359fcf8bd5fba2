//! Cases of the queue port.
//!
//! They wait in the provider's time: a second or two each, so that a provider which runs in real time is done soon, too.

mod attributes;
mod dead_letters;
mod dedupe;
mod delay;
mod floors;
mod foreign;
mod lease;
mod ledger;
mod missing;
mod ordered;
mod receive;
mod send;
mod settle;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::queue::{Delivery, MessageId, MessageQueue, Queue};
use skyport_core::{BoxError, ErrorKind, Raw, Result};
use tokio::time::Instant;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        attributes::cases(),
        dead_letters::cases(),
        dedupe::cases(),
        delay::cases(),
        floors::cases(),
        foreign::cases(),
        lease::cases(),
        ledger::cases(),
        missing::cases(),
        ordered::cases(),
        receive::cases(),
        send::cases(),
        settle::cases(),
        worker::cases(),
    ]
    .concat()
}

const SECOND: Duration = Duration::from_secs(1);
const NOW: Duration = Duration::ZERO;

/// How long a case waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a case looks for what must not come.
const LOOK: Duration = Duration::from_secs(1);

/// A lease that no case outlives.
const LONG: Duration = Duration::from_secs(60);

/// What two clocks may differ by in two seconds.
const SLACK: Duration = Duration::from_millis(20);

/// A queue of bodies as they are.
type Bodies = Queue<Bytes, Raw>;
type Body = Delivery<Bytes, Raw>;

fn bodies(port: Arc<dyn MessageQueue>) -> Bodies {
    Queue::new(port)
}

async fn send(queue: &Bodies, text: &str) -> Result<MessageId> {
    queue.send(&text.to_owned().into()).await
}

/// The next message; fails the case where none comes.
async fn next(queue: &Bodies, lease: Duration) -> Result<Body, BoxError> {
    let received = queue.receive(1, PATIENCE, lease).await?;
    received.into_iter().next().ok_or_else(|| "no message came".into())
}

/// So many messages, leased for long; fails the case where they do not come.
async fn take(queue: &Bodies, count: usize) -> Result<Vec<Body>, BoxError> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let more = queue.receive(count - taken.len(), PATIENCE, LONG).await?;
        if more.is_empty() {
            return Err(format!("{} of {count} messages came: {taken:?}", taken.len()).into());
        }
        taken.extend(more);
    }
    Ok(taken)
}

/// Receives and acknowledges until so many different bodies have come, or no more does.
async fn drain(queue: &Bodies, count: usize) -> Result<BTreeSet<Bytes>, BoxError> {
    let mut seen = BTreeSet::new();
    while seen.len() < count {
        let received = queue.receive(10, PATIENCE, LONG).await?;
        if received.is_empty() {
            break;
        }
        for delivery in received {
            seen.insert(delivery.value()?);
            delivery.ack().await?;
        }
    }
    Ok(seen)
}

/// Looks for a moment, and fails the case where a message comes.
async fn expect_nothing(queue: &Bodies) -> Result<(), BoxError> {
    let received = queue.receive(10, LOOK, SECOND * 2).await?;
    assert!(received.is_empty(), "a message came that must not: {received:?}");
    Ok(())
}

fn text(delivery: &Body) -> String {
    String::from_utf8_lossy(delivery.body()).into_owned()
}

fn texts(deliveries: &[Body]) -> Vec<String> {
    deliveries.iter().map(text).collect()
}

/// The kind of the error, where there is one.
fn kind_of<T, E: Into<skyport_core::Error>>(result: std::result::Result<T, E>) -> Option<ErrorKind> {
    result.err().map(|error| error.into().kind())
}

/// Fails the case where something is earlier than promised.
fn assert_not_early(since: Instant, promised: Duration) {
    let elapsed = since.elapsed();
    assert!(elapsed + SLACK >= promised, "came after {elapsed:?}, promised {promised:?}");
}
