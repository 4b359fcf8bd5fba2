//! How many calls run now.

use tokio::sync::watch;

/// Counts calls that run; cheap to clone, clones count together.
#[derive(Clone, Debug)]
pub(super) struct Gauge(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    running: usize,
    begun: u64,
}

impl Gauge {
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Counts one call until the result is dropped.
    pub(super) fn enter(&self) -> Running {
        self.0.send_modify(|count| {
            count.running += 1;
            count.begun += 1;
        });
        Running(self.0.clone())
    }

    pub(super) fn running(&self) -> usize {
        self.0.borrow().running
    }

    /// How many calls have begun since the start.
    pub(super) fn begun(&self) -> u64 {
        self.0.borrow().begun
    }

    /// Returns once nothing runs, at once if nothing does.
    pub(super) async fn idle(&self) {
        let mut receiver = self.0.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = receiver.wait_for(|count| count.running == 0).await;
    }
}

/// One call that runs.
#[derive(Debug)]
pub(super) struct Running(watch::Sender<Count>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gauge_is_idle_once_the_last_call_has_ended() {
        let gauge = Gauge::new();
        gauge.idle().await;
        let (first, second) = (gauge.enter(), gauge.clone().enter());
        assert_eq!(gauge.running(), 2);
        let waiting = tokio::spawn({
            let gauge = gauge.clone();
            async move { gauge.idle().await }
        });
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.expect("returns");
        assert_eq!((gauge.running(), gauge.begun()), (0, 2));
    }
}
