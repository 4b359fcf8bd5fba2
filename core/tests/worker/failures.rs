//! What becomes of messages whose handler fails, and of a worker whose queue does.

use skyport_core::{ErrorKind, Outcome};
use skyport_memory::{Fault, Operation};
use tokio::time::sleep;

use super::{Bench, SECOND, config, text};

#[tokio::test(start_paused = true)]
async fn what_is_done_never_comes_again() {
    let bench = Bench::new(5, false).await;
    let worker = bench.work(config(|_| {}), |messages, _| async move { vec![Outcome::Done; messages.len()] });
    bench.send(&["a", "b", "c"]).await;
    sleep(SECOND * 120).await;
    let mut seen = bench.log.texts();
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    bench.stop(worker).await;
    assert_eq!(bench.total().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_comes_again_after_growing_pauses_and_then_is_a_dead_letter() {
    let bench = Bench::new(4, false).await;
    bench.send(&["poison"]).await;
    let worker = bench.work(config(|c| c.backoff = SECOND * 10), |_, _| async { vec![Outcome::retry("no")] });
    sleep(SECOND * 200).await;
    let seconds = bench.log.seconds();
    let pauses: Vec<u64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), 3, "four attempts: {seconds:?}");
    for (pause, full) in pauses.iter().zip([10, 20, 40]) {
        assert!((full / 2..=full).contains(pause), "{pauses:?}");
    }
    assert_eq!(bench.dead_reasons().await, [("poison".to_owned(), "attempts".to_owned())]);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_does_not_stop_its_neighbours() {
    let bench = Bench::new(2, false).await;
    bench.send(&["panics", "fine", "panics late"]).await;
    let worker = bench.work(config(|_| {}), |messages, _| {
        let text = text(&messages[0]);
        assert_ne!(text, "panics", "in the call itself");
        async move {
            assert_ne!(text, "panics late", "in its future");
            vec![Outcome::Done]
        }
    });
    sleep(SECOND * 60).await;
    let mut dead = bench.dead_reasons().await;
    dead.sort();
    assert_eq!(dead.iter().map(|(text, _)| text).collect::<Vec<_>>(), ["panics", "panics late"]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_returns_only_what_failed_and_what_was_forgotten() {
    let bench = Bench::new(5, false).await;
    bench.send(&["done", "dead", "failed", "forgotten"]).await;
    let worker = bench.work(config(|c| c.batch = 10), |messages, _| async move {
        if messages.len() == 4 {
            return vec![Outcome::Done, Outcome::dead("no cure"), Outcome::retry("once")];
        }
        vec![Outcome::Done; messages.len()]
    });
    sleep(SECOND * 30).await;
    let mut again = bench.log.texts().split_off(4);
    again.sort();
    assert_eq!(again, ["failed", "forgotten"]);
    let dead = bench.dead_reasons().await;
    assert_eq!(dead, [("dead".to_owned(), "no cure".to_owned())]);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn receives_and_settlements_that_fail_are_survived() {
    let bench = Bench::new(5, false).await;
    let faults = bench.memory.faults();
    faults.inject(Operation::QueueReceive, Fault::refuse(ErrorKind::Unavailable).times(5));
    faults.inject(Operation::QueueSettle, Fault::refuse(ErrorKind::Throttled).times(2));
    bench.send(&["a"]).await;
    let worker = bench.work(config(|_| {}), |_, _| async { vec![Outcome::Done] });
    sleep(SECOND * 300).await;
    assert_eq!(bench.log.texts(), ["a"]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_to_the_dead_letters_comes_again() {
    let bench = Bench::new(9, false).await;
    bench.send(&["a"]).await;
    // For good, so that no repetition within the lease helps.
    bench.memory.faults().inject(Operation::QueueSettle, Fault::refuse(ErrorKind::PermissionDenied).times(1));
    let worker = bench.work(config(|_| {}), |_, _| async { vec![Outcome::dead("no cure")] });
    sleep(SECOND * 300).await;
    assert_eq!(bench.log.texts(), ["a", "a"], "once more, and then it went there");
    assert_eq!(bench.dead_reasons().await, [("a".to_owned(), "no cure".to_owned())]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_is_received_than_can_be_started() {
    let bench = Bench::new(5, false).await;
    bench.send(&["1", "2", "3", "4", "5", "6", "7"]).await;
    let worker = bench.work(config(|c| c.concurrency = 3), |_, _| async {
        sleep(SECOND * 10).await;
        vec![Outcome::Done]
    });
    sleep(SECOND).await;
    let depth = bench.queue.depth().await.expect("a depth");
    assert_eq!((depth.in_flight, depth.ready), (3, 4));
    sleep(SECOND * 30).await;
    assert_eq!(bench.log.seconds(), [0, 0, 0, 10, 10, 10, 20]);
    bench.stop(worker).await;
}
