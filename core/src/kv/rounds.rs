//! How often a provider tries a write again that rivals were in the way of, and for how long: where the service has no lock, but compares.

use std::time::Duration;

use tokio::time::Instant;

use crate::retry::backoff;
use crate::{Error, ErrorKind, Result};

/// So many rivals in a row may be in the way.
const ROUNDS: u32 = 10;

/// The pauses grow from the first to the last of these, each with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// After this no other round begins: what was refused is to be told as such, rather than to run out of its time.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// The rounds of one write.
#[derive(Debug)]
pub struct Rounds {
    lost: u32,
    stop: Instant,
}

impl Default for Rounds {
    fn default() -> Self {
        Self::new()
    }
}

impl Rounds {
    /// They begin now.
    #[must_use]
    pub fn new() -> Self {
        Self { lost: 0, stop: Instant::now() + PATIENCE }
    }

    /// When no other round begins, and no wait for a turn goes on.
    #[must_use]
    pub fn stop(&self) -> Instant {
        self.stop
    }

    /// Waits before another round, after one that a rival won.
    ///
    /// # Errors
    /// `Conflict` where there were too many.
    pub async fn again(&mut self) -> Result<()> {
        self.lost += 1;
        let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, self.lost).mul_f64(fastrand::f64());
        if self.lost >= ROUNDS || Instant::now() + pause >= self.stop {
            return Err(contended());
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// What a write is told that rivals were in the way of again and again.
#[must_use]
pub fn contended() -> Error {
    let text = "others wrote the same again and again: try once more, or write it less often";
    Error::new(ErrorKind::Conflict, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rounds_end_after_some_rivals_and_before_the_time_of_a_call_is_spent() {
        let mut rounds = Rounds::new();
        for _ in 1..ROUNDS {
            rounds.again().await.expect("another round");
        }
        assert_eq!(rounds.again().await.expect_err("too many").kind(), ErrorKind::Conflict);

        let mut rounds = Rounds::new();
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(rounds.again().await.expect_err("too late").kind(), ErrorKind::Conflict);
    }
}
