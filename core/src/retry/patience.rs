//! Waiting for what no service tells: when a rival is done, or when what is new is known everywhere.

use super::{RetryPolicy, backoff};
use crate::{Error, Result};

/// How often something is tried; the pauses between are 2.5 to 5 seconds in all.
const ATTEMPTS: u32 = 8;

/// Repeats what fails for a moment, as `passes` says, with growing pauses: for what providers make and remove, around which there is no
/// layer. Its error names the resource.
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
    let policy = RetryPolicy::default();
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if passes(&error) && attempt < ATTEMPTS => {
                // At least half of the longest pause, since what is new takes a second in any case.
                let least = backoff(policy.base, policy.max_delay, attempt) / 2;
                attempt += 1;
                tokio::time::sleep(policy.delay(attempt, &error).max(least)).await;
            }
            other => return other.map_err(|error| error.with_resource(name)),
        }
    }
}
