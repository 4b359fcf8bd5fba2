//! Waiting for what no service tells: when a rival is done, or when what is new is known everywhere.

use std::time::Duration;

use tokio::time::Instant;

use super::{RetryPolicy, answered, backoff};
use crate::{Error, Result};

/// How often something is tried; the pauses between are 2.5 to 5 seconds in all.
const ATTEMPTS: u32 = 8;

/// Repeats what fails for a moment, as `passes` says, with growing pauses: for what providers make and remove, around which there is no
/// layer. A call is given as long as one attempt of the default policy; what a service asks to wait is obeyed within the longest pause. Its error
/// names the resource.
///
/// # Errors
/// What the last call failed with, or that it was not done in time.
pub async fn patiently<T, F>(
    name: &str,
    passes: impl Fn(&Error) -> bool,
    call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    patiently_each(name, RetryPolicy::default().attempt_timeout, passes, call).await
}

/// As [`patiently`], where each call is given so long: for one that is many requests, as to remove all that is in a bucket.
///
/// # Errors
/// As there.
pub async fn patiently_each<T, F>(
    name: &str,
    limit: Duration,
    passes: impl Fn(&Error) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut attempts = ATTEMPTS;
    let another = move || {
        attempts -= 1;
        attempts > 0
    };
    repeat(name, passes, another, || answered(limit, "no answer came", call())).await
}

/// As [`patiently`], for so long: for what takes a service its time by nature, as to clear away what was removed. A call that is under
/// way at the end is waited for, as long as it takes: it has a limit of its own.
///
/// # Errors
/// What the last call failed with.
pub async fn patiently_for<T, F>(
    name: &str,
    time: Duration,
    passes: impl Fn(&Error) -> bool,
    call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    repeat(name, passes, || begun.elapsed() < time, call).await
}

async fn repeat<T, F>(
    name: &str,
    passes: impl Fn(&Error) -> bool,
    mut another: impl FnMut() -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let policy = RetryPolicy::default();
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if passes(&error) && another() => {
                // At least half of the longest pause, since what is new takes a second in any case.
                let least = backoff(policy.base, policy.max_delay, attempt) / 2;
                attempt += 1;
                tokio::time::sleep(policy.delay(attempt, &error).clamp(least, policy.max_delay)).await;
            }
            other => return other.map_err(|error| error.with_resource(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[tokio::test(start_paused = true)]
    async fn no_service_is_waited_for_longer_than_the_pauses_are() {
        let began = tokio::time::Instant::now();
        let slow = || Error::new(ErrorKind::Throttled, "slower").with_retry_after(Duration::from_secs(3_600));
        let ended = patiently::<(), _>("it", Error::is_retryable, || async { Err(slow()) }).await;
        assert_eq!(ended.expect_err("slow").resource(), Some("it"));
        assert!(began.elapsed() <= Duration::from_secs(14), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_its_time_is_waited_for_as_long_as_that_and_not_longer() {
        let began = Instant::now();
        let busy = || async { Err(Error::new(ErrorKind::Unavailable, "being removed")) };
        let minute = Duration::from_secs(60);
        let ended = patiently_for::<(), _>("it", minute, Error::is_retryable, busy).await;
        assert!(ended.is_err() && began.elapsed() >= minute);
        assert!(began.elapsed() < minute + Duration::from_secs(3), "{:?}", began.elapsed());
        let began = Instant::now();
        let done = || async { if began.elapsed() > minute / 2 { Ok(()) } else { busy().await } };
        patiently_for("it", minute, Error::is_retryable, done).await.expect("done by then");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_answers_is_asked_again_and_not_waited_for_longer_than_attempts_take() {
        let (began, mut asked) = (Instant::now(), 0);
        let ended = patiently::<(), _>("it", Error::is_retryable, || {
            asked += 1;
            std::future::pending()
        });
        let error = ended.await.expect_err("nobody answers");
        assert_eq!(
            (error.kind(), error.is_ambiguous(), error.resource()),
            (ErrorKind::Timeout, true, Some("it"))
        );
        assert_eq!(asked, ATTEMPTS);
        let attempts = RetryPolicy::default().attempt_timeout * ATTEMPTS;
        assert!(began.elapsed() < attempts + Duration::from_secs(6), "{:?}", began.elapsed());
        // What answers at the second call is done.
        let mut first = true;
        let done = patiently("it", Error::is_retryable, || {
            let hangs = std::mem::take(&mut first);
            async move { if hangs { std::future::pending().await } else { Ok(7) } }
        });
        assert_eq!(done.await.expect("at last"), 7);
    }
}
