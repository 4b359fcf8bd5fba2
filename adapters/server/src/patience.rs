//! How long a client is waited for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A limit to each of many waits. The timer of one is kept for the next: to set it anew for each piece of a body costs more than the
/// piece.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Waits of at most `limit` each.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None, timer: None }
    }

    /// Whether something is waited for.
    pub(crate) fn is_tried(&self) -> bool {
        self.since.is_some()
    }

    /// What was waited for has come.
    pub(crate) fn relax(&mut self) {
        self.since = None;
    }

    /// Ready once this wait has taken too long; it begins with the first call.
    pub(crate) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        // A limit beyond all time is none.
        let Some(due) = since.checked_add(self.limit) else { return Poll::Pending };
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= due {
                self.timer = None;
                return Poll::Ready(());
            }
            // It was set for an earlier wait.
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_the_whole_limit() {
        let mut patience = Patience::new(LIMIT);
        for _ in 0..5 {
            let waiting = tokio::time::timeout(LIMIT * 2 / 3, poll_fn(|cx| patience.poll_out(cx)));
            assert!(waiting.await.is_err());
            assert!(patience.is_tried());
            patience.relax();
            sleep(LIMIT * 10).await;
        }
        for _ in 0..2 {
            let start = Instant::now();
            poll_fn(|cx| patience.poll_out(cx)).await;
            assert_eq!(start.elapsed().as_secs(), LIMIT.as_secs());
            patience.relax();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_beyond_all_time_is_none() {
        let mut patience = Patience::new(Duration::MAX);
        let waiting = tokio::time::timeout(LIMIT * 1_000, poll_fn(|cx| patience.poll_out(cx)));
        assert!(waiting.await.is_err());
    }
}
