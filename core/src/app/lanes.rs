//! Work on several messages side by side, in order within a group.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use crate::outcome::Outcome;

/// What a message gets that nobody came to.
pub(crate) const NOT_REACHED: &str =
    "a message before it in its group failed, or the handler did not get to it";

/// Calls `work` for each item, at most `concurrency` at once; the items of a group one after the other, and none after
/// one that is to come again. A panic fails its item only. One outcome an item, in order.
pub(crate) async fn run<T, F, Fut>(
    items: Vec<(Option<String>, T)>,
    concurrency: usize,
    work: F,
) -> Vec<Outcome>
where
    F: Fn(T) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
    let work = &work;
    let lanes = stream::iter(lanes(items).into_iter().map(|lane| async move {
        let (index, item) = lane.first;
        let outcome = one(work, item).await;
        let mut stop = holds_up(&outcome);
        let (first, mut others) = ((index, outcome), Vec::new());
        for (index, item) in lane.others {
            if stop {
                break;
            }
            let outcome = one(work, item).await;
            stop = holds_up(&outcome);
            others.push((index, outcome));
        }
        (first, others)
    }));
    let mut lanes = pin!(lanes.buffer_unordered(concurrency.max(1)));
    while let Some((first, others)) = lanes.next().await {
        for (index, outcome) in std::iter::once(first).chain(others) {
            outcomes[index] = Some(outcome);
        }
    }
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Outcome::retry(NOT_REACHED))).collect()
}

/// `work` for one item; a panic fails the item.
async fn one<T, Fut: Future<Output = Outcome>>(work: &impl Fn(T) -> Fut, item: T) -> Outcome {
    // The call itself may panic, too, before it returns a future.
    let call = AssertUnwindSafe(async { work(item).await }).catch_unwind();
    call.await.unwrap_or_else(|_| panicked())
}

/// The outcomes of one item that stands alone; a panic fails it.
pub(crate) async fn caught(work: impl Future<Output = Vec<Outcome>>) -> Vec<Outcome> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| vec![panicked()])
}

fn panicked() -> Outcome {
    Outcome::retry("the handler panicked")
}

/// Whether the rest of its group waits for it: what goes to the dead letters does not hold its group up.
fn holds_up(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. })
}

/// Items of one group, with their positions; most often it is one item without a group.
struct Lane<T> {
    group: Option<String>,
    first: (usize, T),
    others: Vec<(usize, T)>,
}

/// Items that may run side by side: each group in a lane of its own, and each item without one.
fn lanes<T>(items: Vec<(Option<String>, T)>) -> Vec<Lane<T>> {
    let mut lanes: Vec<Lane<T>> = Vec::with_capacity(items.len());
    for (index, (group, item)) in items.into_iter().enumerate() {
        let known =
            group.as_ref().and_then(|group| lanes.iter().position(|lane| lane.group.as_ref() == Some(group)));
        match known.and_then(|place| lanes.get_mut(place)) {
            Some(lane) => lane.others.push((index, item)),
            None => lanes.push(Lane { group, first: (index, item), others: Vec::new() }),
        }
    }
    lanes
}
