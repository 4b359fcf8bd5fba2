//! A large batch in pieces, some of them under way at once.

use std::vec;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::task::yield_now;

use super::attempts::too_few;
use crate::pieces::Pieces;
use crate::{Error, Result};

/// So many bytes are under way within one limit of time: as fast as 4 MiB a second they arrive in time.
const BYTES: usize = 32 << 20;

/// Cuts a batch into pieces, and has some of them under way.
pub(super) struct Rolling<I> {
    pub(super) pieces: Pieces,
    /// The bytes that an item brings along.
    pub(super) weigh: fn(&I) -> usize,
}

impl<I> Rolling<I> {
    /// Takes the next piece: at least one item where there is any.
    pub(super) fn take(&self, items: &mut vec::IntoIter<I>) -> Vec<I> {
        let (count, _) = self.next(items.as_slice());
        items.by_ref().take(count).collect()
    }

    /// How many items the next piece has, and how many bytes.
    fn next(&self, items: &[I]) -> (usize, usize) {
        let most = self.pieces.bytes.min(BYTES);
        let (mut count, mut bytes) = (0, 0_usize);
        for item in items.iter().take(self.pieces.items.max(1)) {
            let all = bytes.saturating_add((self.weigh)(item));
            if count > 0 && all > most {
                break;
            }
            (count, bytes) = (count + 1, all);
        }
        (count, bytes)
    }

    /// A batch in pieces, a new one whenever one ends: each has attempts and time of its own, so that a large batch gets
    /// done, and what is done of it stays done. Where nothing of those that are under way could be done, the rest is not
    /// tried. One result each, in order.
    pub(super) async fn all<T, F>(
        &self,
        items: Vec<I>,
        mut piece: impl FnMut(Vec<I>) -> F + Send,
    ) -> Vec<Result<T>>
    where
        I: Send,
        T: Send,
        F: Future<Output = Vec<Result<T>>> + Send,
    {
        let count = items.len();
        if self.next(&items).0 == count {
            return piece(items).await;
        }
        let mut items = items.into_iter();
        // By piece, in order.
        let mut answered: Vec<Vec<Result<T>>> = Vec::new();
        let mut under_way = FuturesUnordered::new();
        let mut bytes_under_way = 0_usize;
        // What the last piece failed with, where nothing of it could be done: none begins until one has done better.
        let mut in_vain: Option<Error> = None;
        loop {
            let (count, bytes) = self.next(items.as_slice());
            let may_begin =
                count > 0 && in_vain.is_none() && self.has_room(&under_way, bytes_under_way, bytes);
            let ended = if may_begin {
                let (place, going) = (answered.len(), piece(items.by_ref().take(count).collect()));
                under_way.push(async move { (place, count, bytes, going.await) });
                answered.push(Vec::new());
                bytes_under_way += bytes;
                set_out(&mut under_way).await
            } else if under_way.is_empty() {
                break;
            } else {
                under_way.next().await
            };
            let Some((place, count, bytes, mut answers)) = ended else { continue };
            bytes_under_way -= bytes;
            in_vain = hopeless(&answers);
            answers.resize_with(count, || Err(too_few()));
            answered[place] = answers;
        }
        let mut results = Vec::with_capacity(count);
        results.extend(answered.into_iter().flatten());
        if let Some(error) = in_vain {
            results.extend(error.of_each(items.len()));
        }
        results
    }

    /// Whether one more piece, of so many bytes, may be under way.
    fn has_room<F>(&self, under_way: &FuturesUnordered<F>, bytes_under_way: usize, bytes: usize) -> bool {
        let fits = bytes_under_way == 0 || bytes_under_way.saturating_add(bytes) <= BYTES;
        under_way.len() < self.pieces.at_once.max(1) && fits
    }
}

/// Lets a piece that has begun set out before the next one is made, which is work; what ended of all that are under way.
async fn set_out<F: Future>(under_way: &mut FuturesUnordered<F>) -> Option<F::Output> {
    let ended = under_way.next().now_or_never().flatten();
    yield_now().await;
    ended
}

/// What the pieces after this one fail with, untried, where nothing of it could be done.
pub(super) fn hopeless<T>(answers: &[Result<T>]) -> Option<Error> {
    match answers {
        [Err(first), rest @ ..] if first.is_retryable() && rest.iter().all(Result::is_err) => {
            Some(first.again().with_ambiguous(false))
        }
        [] => Some(too_few()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::future::ready;
    use std::sync::Mutex;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::super::attempts::Attempts;
    use super::*;
    use crate::ErrorKind;
    use crate::retry::RetryPolicy;

    const MIB: usize = 1 << 20;

    /// Tens of numbers that weigh nothing, so many at once.
    fn tens(at_once: usize) -> Rolling<u32> {
        Rolling { pieces: Pieces { at_once, ..Pieces::new(10) }, weigh: |_| 0 }
    }

    /// A piece that takes so long, and keeps what is under way beside it.
    #[derive(Default)]
    struct Watch {
        under_way: Mutex<Vec<usize>>,
        most: Mutex<(usize, usize)>,
    }

    impl Watch {
        async fn pass<I>(&self, weight: usize, time: Duration, items: Vec<I>) -> Vec<Result<I>> {
            {
                let mut under_way = self.under_way.lock().expect("unpoisoned");
                under_way.push(weight);
                let now = (under_way.len(), under_way.iter().sum());
                let mut most = self.most.lock().expect("unpoisoned");
                *most = (most.0.max(now.0), most.1.max(now.1));
            }
            sleep(time).await;
            let mut under_way = self.under_way.lock().expect("unpoisoned");
            let at = under_way.iter().position(|other| *other == weight).expect("it is under way");
            under_way.swap_remove(at);
            items.into_iter().map(Ok).collect()
        }

        /// The most pieces, and the most bytes, that were under way at once.
        fn most(&self) -> (usize, usize) {
            *self.most.lock().expect("unpoisoned")
        }
    }

    #[test]
    fn a_piece_has_so_many_items_and_bytes_and_never_none() {
        let rolling = Rolling { pieces: Pieces::new(3), weigh: |item: &usize| *item };
        let mut items = vec![1, 1, 1, 1, BYTES - 1, 1, BYTES + 1, usize::MAX, 1].into_iter();
        let mut sizes = Vec::new();
        while !items.as_slice().is_empty() {
            sizes.push(rolling.take(&mut items).len());
        }
        assert_eq!(sizes, [3, 2, 1, 1, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_batch_has_time_for_each_piece_and_what_is_done_stays_done() {
        let policy = RetryPolicy::default();
        // Half a second an item: all together would never be done in one attempt.
        let slow = |items: Vec<u32>, _| async {
            sleep(Duration::from_millis(500) * items.len() as u32).await;
            items.into_iter().map(Ok).collect::<Vec<Result<u32>>>()
        };
        let told = |_: &u32, _, error| Err(error);
        for at_once in [1, 4] {
            let batch = |items| Attempts::new(policy).batch(items, slow, told);
            let results = tens(at_once).all((0..100).collect(), batch).await;
            let done: Vec<u32> = results.into_iter().map(|result| result.expect("done")).collect();
            assert_eq!(done, (0..100).collect::<Vec<u32>>());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_pieces_are_under_way_and_whoever_ends_last_the_order_stays() {
        for at_once in [1, 4] {
            let watch = Watch::default();
            let begun = tokio::time::Instant::now();
            let results = tens(at_once)
                .all((0..95).collect(), |items: Vec<u32>| {
                    // The first one takes as long as all others together.
                    let time = if items[0] == 0 { 1_000 } else { 300 };
                    watch.pass(1, Duration::from_millis(time), items)
                })
                .await;
            let done: Vec<u32> = results.into_iter().map(|result| result.expect("done")).collect();
            assert_eq!(done, (0..95).collect::<Vec<u32>>());
            assert_eq!(watch.most().0, at_once);
            // Beside the first, the nine others by three: nobody waits for it.
            let time = if at_once == 1 { 3_700 } else { 1_000 };
            assert_eq!(begun.elapsed(), Duration::from_millis(time));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_together_has_bounded_bytes() {
        let watch = Watch::default();
        let rolling = Rolling { pieces: Pieces::requests(10, 20 * MIB, 8), weigh: |item: &usize| *item };
        let items = [vec![6 * MIB; 9], vec![40 * MIB], vec![MIB; 30]].concat();
        let pass = |items: Vec<usize>| {
            let weight = items.iter().sum();
            watch.pass(weight, Duration::from_millis(10), items)
        };
        let results = rolling.all(items.clone(), pass).await;
        assert_eq!(results.into_iter().map(|result| result.expect("done")).collect::<Vec<_>>(), items);
        // What is larger than the bound alone goes alone.
        assert_eq!(watch.most(), (3, 40 * MIB));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_of_what_is_under_way_can_be_done_the_rest_is_not_tried() {
        for at_once in [1, 3] {
            let calls = Mutex::new(0);
            let results = tens(at_once)
                .all((0..100).collect(), |items: Vec<u32>| {
                    *calls.lock().expect("unpoisoned") += 1;
                    async move {
                        sleep(Duration::from_secs(10)).await;
                        Error::new(ErrorKind::Timeout, "lost").of_each::<u32>(items.len())
                    }
                })
                .await;
            assert_eq!((results.len(), *calls.lock().expect("unpoisoned")), (100, at_once));
            assert!(results.iter().all(|result| result.as_ref().is_err_and(Error::is_retryable)));
            let tried = results.iter().filter(|result| result.as_ref().is_err_and(Error::is_ambiguous));
            assert_eq!(tried.count(), 10 * at_once, "what was not tried is not in doubt");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_piece_of_which_nothing_could_be_done_those_beside_it_are_awaited_and_decide() {
        let tried = Mutex::new(BTreeSet::new());
        let send = |items: Vec<u32>, lost: fn(u32) -> bool| {
            let first = items[0];
            tried.lock().expect("unpoisoned").insert(first);
            async move {
                sleep(Duration::from_millis(u64::from(first) + 1)).await;
                if lost(first) {
                    return Error::new(ErrorKind::Unavailable, "down").of_each::<u32>(items.len());
                }
                items.into_iter().map(Ok).collect()
            }
        };
        let failed = |results: Vec<Result<u32>>| -> Vec<usize> {
            results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(at, _)| at).collect()
        };
        let one = tens(3).all((0..80).collect(), |items| send(items, |first| first == 0)).await;
        assert_eq!(failed(one), (0..10).collect::<Vec<_>>(), "the others could be done");
        tried.lock().expect("unpoisoned").clear();
        let all = tens(3).all((0..80).collect(), |items| send(items, |first| first >= 10)).await;
        assert_eq!(failed(all), (10..80).collect::<Vec<_>>());
        assert_eq!(*tried.lock().expect("unpoisoned"), BTreeSet::from([0, 10, 20, 30]));
    }

    #[tokio::test]
    async fn a_piece_that_is_answered_short_shifts_no_other_result() {
        let short = |items: Vec<u32>| ready(items.into_iter().skip(1).map(Ok).collect());
        let results = tens(2).all((0..20).collect(), short).await;
        assert_eq!(results.len(), 20);
        assert!(results[9].is_err() && results[19].is_err());
        assert_eq!(*results[10].as_ref().expect("the second piece's first answer"), 11);
    }
}
