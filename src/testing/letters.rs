//! Dead letters, to be looked at.

use std::time::Duration;

use skyport_core::queue::port::{Settlement, Verdict};
use skyport_core::queue::{Delivery, Queue, Receipt};
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

/// So many are received; a test with more of them looks at something else.
const MOST: usize = 1_000;

/// How long they are leased to be looked at, and how long those are waited for that somebody else has leased.
const LOOK: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(595);

/// How long one receive waits for some.
const POLL: Duration = Duration::from_secs(1);

/// How long they are leased to a test.
const LEASE: Duration = Duration::from_secs(60);

/// The dead letters of a queue, up to 1,000, and all of them are there afterwards, too: for a check, which may be one of several. They are
/// only to be looked at: their receipts are spent. Those that somebody has leased are waited for, up to ten minutes. One that a fault
/// delivers twice is there once.
///
/// It takes the queue itself, since a [check](super::Simulation::check) is given the resources alone;
/// [`Test::dead_letters`](super::Test::dead_letters) is the same for who has the test.
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
    let (mut letters, mut receipts): (Vec<Delivery<T, C>>, Vec<Receipt>) = (Vec::new(), Vec::new());
    while receipts.len() < there && Instant::now() < end {
        let before = receipts.len();
        for letter in queue.receive(MOST, POLL, LOOK).await? {
            // One with a receipt that is here already was made by this very look, and is none of those that were there.
            if receipts.contains(letter.receipt()) {
                continue;
            }
            receipts.push(letter.receipt().clone());
            if letters.iter().all(|other| other.id() != letter.id()) {
                letters.push(letter);
            }
        }
        if receipts.len() == before {
            // Where each receive is answered at once, and with what is known, no time would pass.
            tokio::time::sleep(POLL).await;
        }
    }
    let found = receipts.len();
    put_back(queue.port().settle(receipts.into_iter().map(again).collect()).await)?;
    if found < there {
        let held = format!("somebody holds {} of {there} dead letters: settle them first", there - found);
        return Err(Error::new(ErrorKind::Timeout, held));
    }
    Ok(letters)
}

/// What is retried among dead letters stays there.
fn again(receipt: Receipt) -> Settlement {
    Settlement::new(receipt, Verdict::Retry(Duration::ZERO))
}

/// A receipt that is no longer good is one of an earlier delivery, or its lease has ended: the letter is back already.
fn put_back(settled: Vec<Result<()>>) -> Result<()> {
    let over = |result: &Result<()>| {
        result.as_ref().is_err_and(|error| error.kind() == ErrorKind::PreconditionFailed)
    };
    settled.into_iter().filter(|result| !over(result)).collect()
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
