//! Waiting for what no service tells: when a rival is done, or when what is new is known everywhere.

use std::time::Duration;

use tokio::time::Instant;

use super::{RetryPolicy, backoff};
use crate::{Error, Result};

/// How often something is tried; the pauses between are 2.5 to 5 seconds in all.
const ATTEMPTS: u32 = 8;

/// Repeats what fails for a moment, as `passes` says, with growing pauses: for what providers make and remove, around which there is no
/// layer. What a service asks to wait is obeyed within the longest pause. Its error names the resource.
///
/// # Errors
/// What the last call failed with.
pub async fn patiently<T, F>(
    name: &str,
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
    repeat(name, passes, another, &mut call).await
}

/// As [`patiently`], for so long: for what takes a service its time by nature, as to clear away what was removed. A call that is under
/// way at the end is waited for.
///
/// # Errors
/// What the last call failed with.
pub async fn patiently_for<T, F>(
    name: &str,
    time: Duration,
    passes: impl Fn(&Error) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    repeat(name, passes, || begun.elapsed() < time, &mut call).await
}

async fn repeat<T, F>(
    name: &str,
    passes: impl Fn(&Error) -> bool,
    mut another: impl FnMut() -> bool,
    call: &mut impl FnMut() -> F,
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
}
