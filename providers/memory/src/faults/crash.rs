//! Invocations that can crash: as if their process was killed between any two effects.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use skyport_core::queue::port::{MessageId, RawDelivery, Receipt};

use crate::Memory;

tokio::task_local! {
    /// Whether the invocation that this task runs has crashed.
    static CRASHED: Arc<AtomicBool>;
}

/// The invocation crashed: see [`Memory::invocation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashed;

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an injected fault crashed the invocation")
    }
}

impl std::error::Error for Crashed {}

/// A delivery that an invocation was called with: what it no longer settles once it has crashed. Made of a [`RawDelivery`], or by
/// [`Held::attempt`] where that is not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held(pub(crate) Named);

/// How a delivery is known from others of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Receipt(Receipt),
    Attempt(MessageId, u32),
}

impl Held {
    /// The delivery of this message with this number, from 1. On an ordered queue several may bear one number: there hand on the delivery
    /// itself.
    #[must_use]
    pub fn attempt(id: MessageId, attempt: u32) -> Self {
        Self(Named::Attempt(id, attempt))
    }
}

impl From<&RawDelivery> for Held {
    fn from(delivery: &RawDelivery) -> Self {
        Self(Named::Receipt(delivery.receipt.clone()))
    }
}

impl Memory {
    /// Runs one invocation of a function, for whoever calls functions in tests: faults may crash it, as
    /// [`Fault::crash`](crate::Fault::crash) says. `held` are the deliveries that it was called with.
    ///
    /// It crashes at a call of this task: there `work` stops, and is dropped. What it had written stays, what it had not is never
    /// written. Its messages are then nobody's: settling or extending them by the receipts of these deliveries fails with
    /// `PreconditionFailed`, and they return when their leases end. Whoever holds a later delivery of one keeps it. Tasks that it spawned go on, as does what its values do when
    /// they are dropped: keep effects in the invocation's own task.
    ///
    /// # Errors
    /// [`Crashed`] where it crashed, also where `work` had got on without the struck call.
    pub async fn invocation<F: IntoFuture>(&self, held: &[Held], work: F) -> Result<F::Output, Crashed> {
        let crashed = Arc::new(AtomicBool::new(false));
        let mut work = pin!(CRASHED.scope(Arc::clone(&crashed), work.into_future()));
        let ended = poll_fn(|cx| {
            let polled = work.as_mut().poll(cx);
            // The struck call, which told it, was polled just now.
            if crashed.load(Ordering::Relaxed) { Poll::Ready(Err(Crashed)) } else { polled.map(Ok) }
        })
        .await;
        if ended.is_err() {
            for delivery in held {
                self.abandon(delivery);
            }
        }
        ended
    }
}

/// Whether this is called inside of an invocation that can crash.
pub(super) fn is_invocation() -> bool {
    CRASHED.try_with(|_| ()).is_ok()
}

/// Returns where the invocation goes on; a call of one that has crashed never does.
pub(super) async fn alive() {
    if CRASHED.try_with(|crashed| crashed.load(Ordering::Relaxed)).unwrap_or(false) {
        pending::<()>().await;
    }
}

/// Crashes the invocation; never returns inside of one.
pub(super) async fn crash() {
    if CRASHED.try_with(|crashed| crashed.store(true, Ordering::Relaxed)).is_ok() {
        pending::<()>().await;
    }
}
