//! How many requests are at work, and what those are told that are one too many.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use skyport_core::http::{Response, problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// When whoever was refused may come again, in seconds.
const RETRY_AFTER: &str = "1";

/// The log tells of refusals no more often: it is not to drown in them while the server has too much to do anyway.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Lets so many requests in at once.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    refusals: Refusals,
}

/// A request's place; free again once it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn new(most: usize, what: &'static str) -> Self {
        let places = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
        Self { places, refusals: Refusals::new(what) }
    }

    /// A place, or what to answer where there is none.
    pub(crate) fn enter(&self) -> Result<Place, Box<Response>> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.refusals.count();
            Box::new(refusal("this server has as many requests at work as it takes: try again later"))
        })
    }
}

/// Too much at once: a 503 that says when to come again.
pub(crate) fn refusal(detail: &str) -> Response {
    problem::response(StatusCode::SERVICE_UNAVAILABLE, Some(detail), None)
        .with_header("retry-after", RETRY_AFTER)
}

/// Counts what was refused, and tells the log of it now and then.
#[derive(Debug)]
pub(crate) struct Refusals {
    what: &'static str,
    state: Mutex<(u64, Option<Instant>)>,
}

impl Refusals {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, state: Mutex::new((0, None)) }
    }

    /// One more; whether the log was told.
    pub(crate) fn count(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, told) = &mut *state;
        *count += 1;
        let due = told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
        if due {
            tracing::warn!(count = *count, "{} were refused: there were too many at once", self.what);
            (*count, *told) = (0, Some(Instant::now()));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_of_the_first_refusal_and_then_no_more_often_than_it_can_bear() {
        let refusals = Refusals::new("requests");
        assert!(refusals.count());
        assert!(!refusals.count());
        tokio::time::advance(TOLD_EVERY).await;
        assert!(refusals.count());
        assert!(!refusals.count());
    }

    #[test]
    fn a_place_that_is_given_back_is_taken_again() {
        let gate = Gate::new(1, "requests");
        let place = gate.enter().expect("free");
        let refused = gate.enter().expect_err("taken");
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"1".parse().expect("sound"))
        );
        drop(place);
        drop(gate.enter().expect("free again"));
        // One that could never let anybody in would be of no use.
        drop(Gate::new(0, "requests").enter().expect("one place"));
    }
}
