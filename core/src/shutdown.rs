//! A signal that is given once and seen by all: stop, or cancel.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

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
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    /// A token that is not triggered.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Triggers it; again does nothing.
    pub fn trigger(&self) {
        self.0.send_if_modified(|triggered| !std::mem::replace(triggered, true));
    }

    /// Whether it was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is triggered, at once if it was. Safe to drop and call again; any number may wait.
    pub async fn triggered(&self) {
        let mut receiver = self.0.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = receiver.wait_for(|triggered| *triggered).await;
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
