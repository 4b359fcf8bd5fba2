//! What is fetched once for many callers, kept, and fetched anew before its end: a token, a key that signs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skyport_core::{Error, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// After a renewal that failed, what is still good is used for so long before the next one is tried.
const PAUSE: Duration = Duration::from_secs(30);

/// How good a thing still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// To be used.
    Fresh,
    /// To be renewed; to be used where that fails.
    Stale,
    /// Of no use.
    Spent,
}

/// One thing of which all callers get the same.
pub(crate) struct Kept<T>(Mutex<State<T>>);

struct State<T> {
    value: Option<T>,
    /// The fetch that callers wait for. What it brought, a failure too, is that of all who waited for it.
    flight: Flight<T>,
    /// No renewal before.
    paused_until: Option<Instant>,
}

type Flight<T> = Arc<OnceCell<std::result::Result<T, Error>>>;

impl<T: Clone> Kept<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { value: None, flight: Arc::default(), paused_until: None }))
    }

    /// What is kept, or what `fetch` brings. Callers who come while one fetches wait for that one; where it is dropped, the next goes on.
    pub(crate) async fn get(
        &self,
        freshness: impl Fn(&T) -> Freshness,
        fetch: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (kept, flight) = {
            let state = self.state();
            let kept = state.value.clone().map(|value| (freshness(&value), value));
            let paused = state.paused_until.is_some_and(|end| Instant::now() < end);
            match kept {
                Some((Freshness::Fresh, value)) => return Ok(value),
                Some((Freshness::Stale, value)) if paused => return Ok(value),
                Some((Freshness::Stale, value)) => (Some(value), Arc::clone(&state.flight)),
                Some((Freshness::Spent, _)) | None => (None, Arc::clone(&state.flight)),
            }
        };
        let landed = flight.get_or_init(|| fetch).await;
        self.land(&flight, landed);
        match (landed, kept) {
            (Ok(value), _) => Ok(value.clone()),
            (Err(error), Some(kept)) => {
                tracing::warn!(%error, "a renewal failed: what is kept is used as long as it is good");
                Ok(kept)
            }
            (Err(error), None) => Err(error.again()),
        }
    }

    /// Forgets what is kept, where somebody refused it; whether it was that.
    pub(crate) fn forget(&self, is_it: impl Fn(&T) -> bool) -> bool {
        self.state().value.take_if(|value| is_it(value)).is_some()
    }

    /// The first of those who waited keeps what the flight brought.
    fn land(&self, flight: &Flight<T>, landed: &std::result::Result<T, Error>) {
        let mut state = self.state();
        if !Arc::ptr_eq(&state.flight, flight) {
            return;
        }
        state.flight = Arc::default();
        match landed {
            Ok(value) => (state.value, state.paused_until) = (Some(value.clone()), None),
            Err(_) => state.paused_until = Some(Instant::now() + PAUSE),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use skyport_core::ErrorKind;

    use super::*;

    /// Brings a number that grows, or fails, after a second.
    struct Source {
        asked: AtomicUsize,
        fails: bool,
    }

    impl Source {
        async fn fetch(&self) -> Result<usize> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.fails {
                Err(Error::new(ErrorKind::Unavailable, format!("no {asked}")))
            } else {
                Ok(asked)
            }
        }
    }

    fn source(fails: bool) -> Source {
        Source { asked: AtomicUsize::new(0), fails }
    }

    async fn ten(kept: &Kept<usize>, source: &Source, freshness: Freshness) -> Vec<Result<usize>> {
        let each = (0..10).map(|_| kept.get(|_| freshness, source.fetch()));
        futures_util::future::join_all(each).await
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_wait_for_one_fetch_and_the_next_find_it_kept() {
        let (kept, source) = (Kept::new(), source(false));
        assert!(ten(&kept, &source, Freshness::Spent).await.into_iter().all(|got| got.is_ok_and(|n| n == 1)));
        assert!(ten(&kept, &source, Freshness::Fresh).await.into_iter().all(|got| got.is_ok_and(|n| n == 1)));
        assert!(ten(&kept, &source, Freshness::Stale).await.into_iter().all(|got| got.is_ok_and(|n| n == 2)));
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_that_of_all_who_waited_and_the_next_caller_tries_anew() {
        let (kept, source) = (Kept::new(), source(true));
        for round in 1..=2 {
            for got in ten(&kept, &source, Freshness::Spent).await {
                assert_eq!(got.expect_err("fails").message(), format!("no {round}"));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_leaves_what_is_still_good_and_is_not_tried_at_once_again() {
        let (kept, good, bad) = (Kept::new(), source(false), source(true));
        ten(&kept, &good, Freshness::Spent).await;
        for _ in 0..3 {
            assert!(
                ten(&kept, &bad, Freshness::Stale).await.into_iter().all(|got| got.is_ok_and(|n| n == 1))
            );
        }
        assert_eq!(bad.asked.load(Ordering::SeqCst), 1);
        tokio::time::advance(PAUSE).await;
        ten(&kept, &bad, Freshness::Stale).await;
        assert_eq!(bad.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_is_dropped_does_not_leave_the_others_waiting() {
        let (kept, source) = (Kept::new(), source(false));
        let dropped = kept.get(|_| Freshness::Spent, source.fetch());
        assert!(tokio::time::timeout(Duration::from_millis(10), dropped).await.is_err());
        assert_eq!(kept.get(|_| Freshness::Spent, source.fetch()).await.expect("fetched"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_is_forgotten_and_nothing_newer() {
        let (kept, source) = (Kept::new(), source(false));
        assert_eq!(kept.get(|_| Freshness::Fresh, source.fetch()).await.expect("fetched"), 1);
        assert!(!kept.forget(|value| *value == 0));
        assert_eq!(kept.get(|_| Freshness::Fresh, source.fetch()).await.expect("kept"), 1);
        assert!(kept.forget(|value| *value == 1));
        assert_eq!(kept.get(|_| Freshness::Fresh, source.fetch()).await.expect("fetched"), 2);
    }
}
