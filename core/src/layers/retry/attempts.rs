//! The attempts of one call: their number, their limits, and whether one of them was ambiguous.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Result};

/// What may take longer than other calls: a copy, or the completion of an upload, of which the service reads every byte, and a sweep, which may
/// have to look at every item.
pub(super) const LONG: Duration = Duration::from_secs(300);

/// The attempts of one call.
pub(super) struct Attempts {
    policy: RetryPolicy,
    /// No attempt runs past this.
    stop: Instant,
    made: u32,
    /// An attempt so far may have been applied although it failed.
    pub(super) ambiguous: bool,
}

impl Attempts {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, stop: later(policy.total_timeout), made: 0, ambiguous: false }
    }

    /// With so much more time, for an operation that waits by design.
    pub(super) fn waiting(policy: RetryPolicy, wait: Duration) -> Self {
        Self::new(policy.with_more_time(wait))
    }

    /// The attempts of a write that is read back in case of doubt, and those of the reading.
    pub(super) fn with_reading_back(policy: RetryPolicy) -> (Self, Self) {
        let reading = Self::new(policy);
        let writing = Self { stop: later(policy.total_timeout / 5 * 4), ..Self::new(policy) };
        (writing, reading)
    }

    /// Calls until it succeeds, fails for good, or attempts or time are spent. `call` is told whether an attempt
    /// before it was ambiguous.
    pub(super) async fn repeat<T, F>(&mut self, mut call: impl FnMut(bool) -> F + Send) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        loop {
            let error = match self.attempt(call(self.ambiguous)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(TimedOut(limit)) => timed_out(limit),
            };
            self.ambiguous |= error.is_ambiguous();
            if !error.is_retryable() || !self.pause(&error).await {
                return Err(error);
            }
        }
    }

    /// Calls with all items, then with those that failed and may succeed. `call` is told the attempt's number; `told`
    /// makes the final result of an item that failed, from whether one of its attempts was ambiguous.
    pub(super) async fn batch<I, T, F>(
        mut self,
        items: Vec<I>,
        mut call: impl FnMut(Vec<I>, u32) -> F + Send,
        told: impl Fn(&I, bool, Error) -> Result<T> + Send,
    ) -> Vec<Result<T>>
    where
        I: Clone + Send + Sync,
        T: Send,
        F: Future<Output = Vec<Result<T>>> + Send,
    {
        if let [item] = items.as_slice() {
            let item = item.clone();
            return self.only(item, items, call, told).await;
        }
        let mut results: Vec<Option<Result<T>>> = items.iter().map(|_| None).collect();
        let mut ambiguous = vec![false; items.len()];
        let mut pending: Vec<usize> = (0..items.len()).collect();
        while !pending.is_empty() {
            let batch = pending.iter().map(|&at| items[at].clone()).collect();
            let (mut answers, limit) = match self.attempt(call(batch, self.made + 1)).await {
                Ok(answers) => (answers.into_iter(), None),
                Err(TimedOut(limit)) => (Vec::new().into_iter(), Some(limit)),
            };
            for &at in &pending {
                let answer = answers.next().unwrap_or_else(|| Err(limit.map_or_else(too_few, timed_out)));
                ambiguous[at] |= answer.as_ref().is_err_and(Error::is_ambiguous);
                results[at] = Some(answer);
            }
            pending.retain(|&at| matches!(&results[at], Some(Err(error)) if error.is_retryable()));
            let slowest = pending
                .iter()
                .filter_map(|&at| results[at].as_ref()?.as_ref().err())
                .max_by_key(|error| error.retry_after());
            let go_on = match slowest {
                Some(error) => self.pause(error).await,
                None => false,
            };
            if !go_on {
                break;
            }
        }
        let ended = items.iter().zip(results).zip(ambiguous);
        ended
            .map(|((item, result), ambiguous)| match result {
                Some(Err(error)) => told(item, ambiguous, error),
                Some(Ok(value)) => Ok(value),
                None => Err(Error::internal("an item of the batch was never tried")),
            })
            .collect()
    }

    /// As [`batch`](Self::batch), with no list but those that are handed over and that come back: most batches have one item.
    async fn only<I, T, F>(
        &mut self,
        item: I,
        items: Vec<I>,
        mut call: impl FnMut(Vec<I>, u32) -> F + Send,
        told: impl Fn(&I, bool, Error) -> Result<T> + Send,
    ) -> Vec<Result<T>>
    where
        I: Clone + Send + Sync,
        T: Send,
        F: Future<Output = Vec<Result<T>>> + Send,
    {
        let (mut attempt, mut items) = (0, Some(items));
        let called = self.repeat(|_| {
            attempt += 1;
            let answers = call(items.take().unwrap_or_else(|| vec![item.clone()]), attempt);
            async {
                let mut answers = answers.await;
                answers.truncate(1);
                let value = answers.pop().unwrap_or_else(|| Err(too_few()))?;
                answers.push(Ok(value));
                Ok(answers)
            }
        });
        let called = called.await;
        called.unwrap_or_else(|error| vec![told(&item, self.ambiguous, error)])
    }

    async fn attempt<T>(&mut self, call: impl Future<Output = T> + Send) -> Result<T, TimedOut> {
        self.made += 1;
        let own = later(self.policy.attempt_timeout);
        let limit = if own < self.stop {
            Limit::Attempt(self.policy.attempt_timeout)
        } else {
            Limit::Call(self.policy.total_timeout)
        };
        timeout_at(own.min(self.stop), call).await.map_err(|_| TimedOut(limit))
    }

    /// Waits before the next attempt; whether there is one.
    async fn pause(&self, error: &Error) -> bool {
        if self.made >= self.policy.attempts {
            return false;
        }
        let delay = self.policy.delay(self.made + 1, error);
        if later(delay) >= self.stop {
            return false;
        }
        sleep(delay).await;
        true
    }
}

/// A fault of the provider's: never a success.
pub(super) fn too_few() -> Error {
    Error::internal("the provider answered fewer items than the batch had")
}

/// The limit that ran out.
struct TimedOut(Limit);

#[derive(Clone, Copy)]
enum Limit {
    Attempt(Duration),
    Call(Duration),
}

fn timed_out(limit: Limit) -> Error {
    let text = match limit {
        Limit::Attempt(limit) => {
            format!(
                "no answer within {limit:?}, the limit of one attempt; raise `attempt_timeout` or send less"
            )
        }
        Limit::Call(limit) => {
            format!(
                "not done within {limit:?}, the limit of the whole call; raise `total_timeout` or send less"
            )
        }
    };
    Error::new(ErrorKind::Timeout, text)
}

/// So long from now, or very long where that cannot be told.
fn later(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365))
}

/// Whether a write that met this may have been refused because of its own earlier attempt.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed)
}

/// What a write that nobody can read back says in the end.
pub(super) fn told(ambiguous: bool, error: Error) -> Error {
    if !ambiguous {
        error
    } else if is_refusal(&error) {
        indeterminate(error)
    } else {
        error.with_ambiguous(true)
    }
}

/// The end of a write of which nobody knows whether it was applied.
pub(super) fn indeterminate(error: Error) -> Error {
    let mut unknown = Error::new(
        ErrorKind::Indeterminate,
        "an answer was lost, and this may or may not have been applied; read what stands there before you go on",
    );
    if let Some(provider) = error.provider() {
        unknown = unknown.with_provider(provider);
    }
    if let Some(operation) = error.operation() {
        unknown = unknown.with_operation(operation);
    }
    if let Some(resource) = error.resource() {
        unknown = unknown.with_resource(resource);
    }
    if let Some(key) = error.key() {
        unknown = unknown.with_key(key);
    }
    unknown.with_source(error)
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Mutex;

    use super::*;

    fn told(_: &u32, _: bool, error: Error) -> Result<u32> {
        Err(error)
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_for_a_moment_is_repeated_and_the_order_stays() {
        let calls = Mutex::new(Vec::new());
        let call = |items: Vec<u32>, attempt: u32| {
            calls.lock().unwrap().push(items.clone());
            let answers = items.into_iter().map(|item| match item % 3 {
                1 if attempt < 3 => Err(Error::new(ErrorKind::Throttled, "slower")),
                2 => Err(Error::new(ErrorKind::PermissionDenied, "never")),
                _ => Ok(item * 10),
            });
            ready(answers.collect())
        };
        let results = Attempts::new(RetryPolicy::default()).batch((0..6).collect(), call, told).await;
        assert_eq!(*calls.lock().unwrap(), [vec![0, 1, 2, 3, 4, 5], vec![1, 4], vec![1, 4]]);
        let results: Vec<Result<u32, ErrorKind>> =
            results.into_iter().map(|result| result.map_err(|error| error.kind())).collect();
        let denied = Err(ErrorKind::PermissionDenied);
        assert_eq!(results, [Ok(0), Ok(10), denied, Ok(30), Ok(40), denied]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_without_an_answer_is_a_fault_and_never_a_success() {
        let call = |items: Vec<u32>, _| ready(items.into_iter().take(1).map(Ok).collect());
        let results = Attempts::new(RetryPolicy::default()).batch(vec![1, 2], call, told).await;
        assert_eq!(results.len(), 2);
        assert!(results[0].is_ok());
        assert!(results[1].as_ref().is_err_and(|error| error.kind() == ErrorKind::Internal));
    }
}
