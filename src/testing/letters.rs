//! Dead letters, to be looked at.

use std::time::Duration;

use skyport_core::Result;
use skyport_core::queue::port::{Settlement, Verdict};
use skyport_core::queue::{Delivery, Queue};

/// So many are received; a test with more of them looks at something else.
const MOST: usize = 1_000;

/// How long they are leased.
const LEASE: Duration = Duration::from_secs(60);

/// The dead letters of a queue, up to 1,000, and all of them are there afterwards, too: for a check, which may be one of several. They are
/// only to be looked at: their receipts are spent.
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
/// `Unsupported` for a queue that is one of dead letters itself; what an injected fault says.
pub async fn dead_letters<T, C>(queue: &Queue<T, C>) -> Result<Vec<Delivery<T, C>>> {
    let letters = receive(queue).await?;
    // What is retried among dead letters stays there.
    let back =
        |letter: &Delivery<T, C>| Settlement::new(letter.receipt().clone(), Verdict::Retry(Duration::ZERO));
    let settled = queue.dead_letters()?.port().settle(letters.iter().map(back).collect()).await;
    settled.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(letters)
}

/// The dead letters of a queue, leased for a minute.
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
