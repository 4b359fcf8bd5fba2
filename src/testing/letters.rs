//! Dead letters, to be looked at.

use std::time::Duration;

use skyport_core::queue::port::{Settlement, Verdict};
use skyport_core::queue::{Delivery, Queue};
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

/// So many are received; a test with more of them looks at something else.
const MOST: usize = 1_000;

/// How long they are leased to be looked at, and how long those are waited for that somebody else has leased.
const LOOK: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(595);

/// How long they are leased to a test.
const LEASE: Duration = Duration::from_secs(60);

/// The dead letters of a queue, up to 1,000, and all of them are there afterwards, too: for a check, which may be one of several. They are
/// only to be looked at: their receipts are spent. Those that somebody has leased are waited for, up to ten minutes.
///
/// ```
/// # use skyport::prelude::*;
/// # #[derive(Resources)] struct Mail { outbox: Queue<String> }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// # let test = skyport::testing::start(App::<Mail>::new("mail")).await;
/// let letters = skyport::testing::dead_letters(&test.resources().outbox).await.expect("no fault");
/// assert!(letters.is_empty());
/// # }
/// ```
///
/// # Errors
/// `Unsupported` for a queue that is one of dead letters itself; `Timeout` where somebody has leased some for longer; what an
/// injected fault says.
pub async fn dead_letters<T, C>(queue: &Queue<T, C>) -> Result<Vec<Delivery<T, C>>> {
    let (queue, end) = (queue.dead_letters()?, Instant::now() + PATIENCE);
    let there = usize::try_from(queue.depth().await?.total()).unwrap_or(MOST).min(MOST);
    let mut letters = Vec::new();
    while letters.len() < there && Instant::now() < end {
        letters.extend(queue.receive(there - letters.len(), Duration::from_secs(1), LOOK).await?);
    }
    // What is retried among dead letters stays there.
    let back =
        |letter: &Delivery<T, C>| Settlement::new(letter.receipt().clone(), Verdict::Retry(Duration::ZERO));
    let settled = queue.port().settle(letters.iter().map(back).collect()).await;
    settled.into_iter().collect::<Result<Vec<_>>>()?;
    if letters.len() < there {
        let held =
            format!("somebody holds {} of {there} dead letters: settle them first", there - letters.len());
        return Err(Error::new(ErrorKind::Timeout, held));
    }
    Ok(letters)
}

/// The dead letters of a queue that nobody has leased, leased for a minute.
pub(super) async fn receive<T, C>(queue: &Queue<T, C>) -> Result<Vec<Delivery<T, C>>> {
    let (queue, mut letters) = (queue.dead_letters()?, Vec::new());
    while letters.len() < MOST {
        let some = queue.receive(MOST - letters.len(), Duration::ZERO, LEASE).await?;
        if some.is_empty() {
            break;
        }
        letters.extend(some);
    }
    Ok(letters)
}
