//! How often what DynamoDB left unprocessed is asked for again.

use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind};

use crate::provision::NAME;

/// So many rounds in a row may bring nothing.
const IDLE_ROUNDS: u32 = 5;

/// The pace of one batch: rounds go on while they bring something, with pauses that grow while they do not.
#[derive(Debug, Default)]
pub(super) struct Pace {
    idle: u32,
}

impl Pace {
    /// Waits before the next round, after one that left `left` of `asked` items.
    ///
    /// # Errors
    /// `Throttled` where too many rounds brought nothing.
    pub(super) async fn wait(&mut self, asked: usize, left: usize) -> Result<(), Error> {
        self.idle = if left < asked { 0 } else { self.idle + 1 };
        let throttled = throttled();
        if self.idle >= IDLE_ROUNDS {
            return Err(throttled);
        }
        // What a round brought says nothing of the next one's luck: there is always a pause.
        let delay = RetryPolicy::default().delay(2 + self.idle, &throttled);
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

fn throttled() -> Error {
    let text =
        "DynamoDB left this undone again and again: ask for less at once, or give the table more capacity";
    Error::new(ErrorKind::Throttled, text).with_provider(NAME)
}
