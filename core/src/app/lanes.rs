//! Work on several messages side by side, in order within a group.

use std::future::Future;
use std::panic::AssertUnwindSafe;

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
    let mut outcomes: Vec<Outcome> = items.iter().map(|_| Outcome::retry(NOT_REACHED)).collect();
    let work = &work;
    let lanes = stream::iter(lanes(items).into_iter().map(|lane| async move {
        let mut done = Vec::with_capacity(lane.len());
        for (index, item) in lane {
            // The call itself may panic, too, before it returns a future.
            let call = AssertUnwindSafe(async { work(item).await }).catch_unwind();
            let outcome = call.await.unwrap_or_else(|_| Outcome::retry("the handler panicked"));
            // What goes to the dead letters does not hold its group up.
            let stop = matches!(outcome, Outcome::Retry { .. });
            done.push((index, outcome));
            if stop {
                break;
            }
        }
        done
    }));
    let done: Vec<_> = lanes.buffer_unordered(concurrency.max(1)).concat().await;
    for (index, outcome) in done {
        outcomes[index] = outcome;
    }
    outcomes
}

/// Items of one group, with their positions.
type Lane<T> = Vec<(usize, T)>;

/// Items that may run side by side: each group in a lane of its own, and each item without one.
fn lanes<T>(items: Vec<(Option<String>, T)>) -> Vec<Lane<T>> {
    let mut lanes: Vec<(Option<String>, Lane<T>)> = Vec::new();
    for (index, (group, item)) in items.into_iter().enumerate() {
        match lanes.iter_mut().find(|(known, _)| group.is_some() && *known == group) {
            Some((_, lane)) => lane.push((index, item)),
            None => lanes.push((group, vec![(index, item)])),
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).collect()
}
