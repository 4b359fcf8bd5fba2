//! Stopping in good order.

use skyport_core::Outcome;
use skyport_memory::{Fault, Operation};
use tokio::time::{Instant, sleep};

use super::{Bench, SECOND, config};

#[tokio::test(start_paused = true)]
async fn an_idle_worker_stops_at_once_and_takes_nothing_along() {
    let bench = Bench::new(5, false).await;
    let worker = bench.work(config(|_| {}), |_, _| async { vec![Outcome::Done] });
    sleep(SECOND * 3).await;
    let asked = Instant::now();
    bench.stop(worker).await;
    assert!(asked.elapsed() < SECOND / 10);
    bench.send(&["later"]).await;
    sleep(SECOND * 60).await;
    assert_eq!(bench.queue.depth().await.expect("a depth").ready, 1);
}

#[tokio::test(start_paused = true)]
async fn running_handlers_may_finish_in_the_grace_period() {
    let bench = Bench::new(5, false).await;
    bench.send(&["running", "waiting"]).await;
    let worker = bench.work(config(|c| c.concurrency = 1), |_, _| async {
        sleep(SECOND * 10).await;
        vec![Outcome::Done]
    });
    sleep(SECOND * 2).await;
    bench.stop(worker).await;
    assert_eq!(bench.begun.elapsed().as_secs(), 10);
    assert_eq!(bench.log.texts(), ["running"]);
    let depth = bench.queue.depth().await.expect("a depth");
    assert_eq!((depth.ready, depth.total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_has_not_finished_then_is_cancelled_and_returns_at_once() {
    let bench = Bench::new(5, false).await;
    bench.send(&["hangs"]).await;
    let (log, begun) = (bench.log.clone(), bench.begun);
    let worker = bench.work(config(|c| c.grace = SECOND * 5), move |_, context| {
        let log = log.clone();
        async move {
            context.cancelled.triggered().await;
            log.note(begun, "told");
            std::future::pending::<Vec<Outcome>>().await
        }
    });
    sleep(SECOND * 2).await;
    bench.stop(worker).await;
    assert_eq!(bench.log.seconds(), [0, 7]);
    assert!(bench.begun.elapsed() <= SECOND * 8);
    assert_eq!(bench.queue.depth().await.expect("a depth").ready, 1);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_group_is_returned_rather_than_begun() {
    let bench = Bench::new(5, true).await;
    bench.send_grouped(&["a:1", "a:2", "a:3"]).await;
    let worker = bench.work(config(|_| {}), |_, _| async {
        sleep(SECOND * 10).await;
        vec![Outcome::Done]
    });
    sleep(SECOND * 2).await;
    bench.stop(worker).await;
    assert_eq!(bench.log.texts(), ["a:1"]);
    assert_eq!(bench.queue.depth().await.expect("a depth").ready, 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_loses_nothing() {
    let bench = Bench::new(5, false).await;
    bench.send(&["dropped"]).await;
    let worker = bench.work(config(|_| {}), |_, _| std::future::pending());
    sleep(SECOND).await;
    worker.abort();
    assert!(worker.await.expect_err("aborted").is_cancelled());
    sleep(SECOND * 60).await;
    assert_eq!(bench.queue.depth().await.expect("a depth").ready, 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_does_not_keep_a_worker_for_ever() {
    let bench = Bench::new(5, false).await;
    bench.memory.faults().inject(Operation::QueueSettle, Fault::slow(SECOND * 86_400));
    bench.send(&["a"]).await;
    let worker = bench.work(config(|c| c.grace = SECOND * 5), |_, _| async { vec![Outcome::Done] });
    sleep(SECOND).await;
    let begun = Instant::now();
    bench.stop(worker).await;
    assert!(begun.elapsed() <= SECOND * 16, "{:?}", begun.elapsed());
}
