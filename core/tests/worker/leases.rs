//! Leases and time limits of running handlers.

use skyport_core::{ErrorKind, Outcome};
use skyport_memory::{Fault, Operation};
use tokio::time::sleep;

use super::{Bench, SECOND, config};

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_as_long_as_the_handler_runs() {
    let bench = Bench::new(5, false).await;
    bench.send(&["long"]).await;
    let worker = bench.work(config(|c| c.lease = SECOND * 10), |_, _| async {
        sleep(SECOND * 95).await;
        vec![Outcome::Done]
    });
    sleep(SECOND * 200).await;
    assert_eq!(bench.log.texts(), ["long"]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_for_a_moment_is_tried_again() {
    let bench = Bench::new(5, false).await;
    bench.send(&["long"]).await;
    let faults = bench.memory.faults();
    faults.inject(Operation::QueueExtend, Fault::refuse(ErrorKind::Unavailable).times(2));
    let worker = bench.work(config(|c| c.lease = SECOND * 10), |_, _| async {
        sleep(SECOND * 30).await;
        vec![Outcome::Done]
    });
    sleep(SECOND * 100).await;
    assert_eq!(bench.log.texts(), ["long"]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_lease_is_lost_is_told_and_cancelled() {
    let bench = Bench::new(5, false).await;
    bench.send(&["lost"]).await;
    let fault = Fault::refuse(ErrorKind::PreconditionFailed).times(1);
    bench.memory.faults().inject(Operation::QueueExtend, fault);
    let (log, begun) = (bench.log.clone(), bench.begun);
    let worker = bench.work(config(|c| c.lease = SECOND * 10), move |messages, context| {
        let log = log.clone();
        async move {
            if messages[0].attempt > 1 {
                return vec![Outcome::Done];
            }
            context.cancelled.triggered().await;
            log.note(begun, "told");
            sleep(SECOND * 1000).await;
            log.note(begun, "outlived");
            vec![Outcome::Done]
        }
    });
    sleep(SECOND * 2000).await;
    assert_eq!(bench.log.texts(), ["lost", "told", "lost"]);
    assert_eq!(bench.log.seconds()[1], 5, "at half of the lease");
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_returns_is_cancelled_and_its_message_comes_again() {
    let bench = Bench::new(2, false).await;
    bench.send(&["hangs"]).await;
    let settings = config(|c| {
        c.time_limit = SECOND * 30;
        c.backoff = SECOND;
    });
    let worker = bench.work(settings, |_, context| async move {
        assert_eq!(context.remaining(), SECOND * 30);
        std::future::pending::<Vec<Outcome>>().await
    });
    sleep(SECOND * 120).await;
    let seconds = bench.log.seconds();
    assert_eq!(seconds.len(), 2, "{seconds:?}");
    assert!((31..=33).contains(&seconds[1]), "{seconds:?}");
    assert_eq!(bench.dead_reasons().await.len(), 1);
    bench.stop(worker).await;
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_its_lease_is_not_acknowledged() {
    let bench = Bench::new(5, false).await;
    bench.send(&["slow"]).await;
    let faults = bench.memory.faults();
    // Every extension hangs for longer than the lease.
    faults.inject(Operation::QueueExtend, Fault::slow(SECOND * 60).times(1));
    let worker = bench.work(config(|c| c.lease = SECOND * 10), |messages, _| async move {
        if messages[0].attempt == 1 {
            sleep(SECOND * 11).await;
        }
        vec![Outcome::Done]
    });
    sleep(SECOND * 200).await;
    assert_eq!(bench.log.texts(), ["slow", "slow"]);
    assert_eq!(bench.total().await, 0);
    bench.stop(worker).await;
}
