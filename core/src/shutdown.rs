//! A signal that is given once and seen by all: stop, or cancel.

use std::fmt;
use std::iter::successors;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::select_all;
use tokio::sync::Notify;

/// A cloneable token: once triggered by anyone, it stays so for everyone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use skyport_core::Shutdown;
///
/// let shutdown = Shutdown::new();
/// let seen_elsewhere = shutdown.clone();
/// assert!(!seen_elsewhere.is_triggered());
/// shutdown.trigger();
/// seen_elsewhere.triggered().await;
/// # }
/// ```
#[derive(Clone)]
pub struct Shutdown(Arc<Inner>);

struct Inner {
    triggered: AtomicBool,
    waiting: Notify,
    parent: Option<Shutdown>,
}

impl Shutdown {
    /// A token that is not triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::under(None)
    }

    /// A token that is triggered along with this one, but not the other way round.
    #[must_use]
    pub fn child(&self) -> Self {
        Self::under(Some(self.clone()))
    }

    fn under(parent: Option<Self>) -> Self {
        Self(Arc::new(Inner { triggered: AtomicBool::new(false), waiting: Notify::new(), parent }))
    }

    /// Triggers it; again does nothing.
    pub fn trigger(&self) {
        if !self.0.triggered.swap(true, Ordering::AcqRel) {
            self.0.waiting.notify_waiters();
        }
    }

    /// Whether it was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::Acquire) || self.0.parent.as_ref().is_some_and(Self::is_triggered)
    }

    /// Returns once it is triggered, at once if it was. Safe to drop and call again; any number may wait.
    pub async fn triggered(&self) {
        if self.0.parent.is_none() {
            return self.own().await;
        }
        let line = successors(Some(self), |shutdown| shutdown.0.parent.as_ref());
        select_all(line.map(|shutdown| Box::pin(shutdown.own()))).await;
    }

    async fn own(&self) {
        // Before the look: a trigger after it is not missed.
        let notified = self.0.waiting.notified();
        if !self.0.triggered.load(Ordering::Acquire) {
            notified.await;
        }
    }

    /// As [`triggered`](Self::triggered), in a future that borrows nothing.
    pub fn triggered_owned(&self) -> impl Future<Output = ()> + Send + 'static {
        let shutdown = self.clone();
        async move { shutdown.triggered().await }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shutdown").field(&self.is_triggered()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_follows_its_parent_and_not_the_other_way_round() {
        let parent = Shutdown::new();
        let (first, second) = (parent.child(), parent.child().child());
        first.trigger();
        assert!(first.is_triggered() && !parent.is_triggered() && !second.is_triggered());
        let waiting = tokio::spawn(second.triggered_owned());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        parent.trigger();
        waiting.await.expect("returns");
        assert!(second.is_triggered());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_trigger_is_never_missed() {
        for _ in 0..2_000 {
            let shutdown = Shutdown::new();
            let waiting = tokio::spawn(shutdown.child().triggered_owned());
            shutdown.trigger();
            waiting.await.expect("returns");
        }
    }

    #[tokio::test]
    async fn everyone_who_waits_sees_it_and_late_comers_too() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn(shutdown.triggered_owned());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        shutdown.clone().trigger();
        shutdown.trigger();
        waiting.await.expect("returns");
        shutdown.triggered().await;
        assert!(shutdown.is_triggered());
    }
}
