//! Leases are renewed while a handler runs.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::unit::Held;
use crate::queue::LeaseTimer;
use crate::queue::port::MessageQueue;
use crate::{ErrorKind, Shutdown};

/// Renews the leases at half of their length until `finished`; an extension that is under way is waited for, since it may
/// bring a new receipt. Triggers `lost` and returns where one lease cannot be kept.
pub(super) async fn keep(
    queue: &dyn MessageQueue,
    held: &mut [Held],
    length: Duration,
    finished: &Shutdown,
    lost: &Shutdown,
) {
    loop {
        let shortest = held.iter().map(|held| held.lease.remaining()).min();
        let pause = shortest.unwrap_or(length).saturating_sub(length / 2);
        tokio::select! {
            biased;
            () = finished.triggered() => return,
            () = sleep(pause) => {}
        }
        let kept = join_all(held.iter_mut().map(|held| renew(queue, held, length))).await;
        if kept.contains(&false) {
            lost.trigger();
            return;
        }
    }
}

/// Renews one lease; tries again after transient errors for as long as the lease lasts. False where it is lost.
async fn renew(queue: &dyn MessageQueue, held: &mut Held, length: Duration) -> bool {
    loop {
        let timer = LeaseTimer::start(queue.info().clock, length);
        let remaining = held.lease.remaining();
        let error = match timeout(remaining, queue.extend(&held.raw.receipt, length)).await {
            Ok(Ok(receipt)) => {
                held.raw.receipt = receipt;
                held.lease = timer;
                return true;
            }
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::warn!(id = &*held.raw.id, "a lease ended while it was being renewed");
                return false;
            }
        };
        // A quarter of what is left: a few more attempts, each sooner.
        let pause = held.lease.remaining() / 4;
        let hopeless = matches!(
            error.kind(),
            ErrorKind::PreconditionFailed | ErrorKind::NotFound | ErrorKind::Unsupported
        );
        tracing::warn!(id = &*held.raw.id, %error, "a lease could not be renewed");
        if hopeless || pause < Duration::from_millis(50) {
            return false;
        }
        sleep(pause).await;
    }
}
