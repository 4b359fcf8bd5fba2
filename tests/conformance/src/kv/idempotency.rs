//! Work that is done once for each key.

use std::cell::Cell;

use skyport_core::idempotency::Idempotency;
use skyport_core::{Error, ErrorKind, Result};

use super::{SECOND, refused, text, texts};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_redelivered_event_gets_the_stored_result,
    a_concurrent_event_waits_for_the_result,
    a_concurrent_event_that_waits_too_long_gets_conflict,
    work_that_failed_runs_again,
    the_claim_of_a_crashed_worker_is_taken_over,
    a_claim_is_renewed_while_its_work_runs,
    a_result_is_forgotten_after_its_time,
    a_result_that_is_too_large_is_refused,
    a_result_of_another_type_is_malformed,
    a_wrong_time_to_keep_is_refused_before_the_work,
];

const KEEP: std::time::Duration = std::time::Duration::from_secs(600);

async fn a_redelivered_event_gets_the_stored_result(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    let runs = Cell::new(0);
    for _ in 0..3 {
        let work = || async {
            runs.set(runs.get() + 1);
            Ok::<_, Error>(format!("run {}", runs.get()))
        };
        assert_eq!(once.once(("job", "1"), KEEP, work).await?, "run 1");
    }
    assert_eq!(runs.get(), 1);
    // Handlers run on many threads: with work that is `Send`, so is the whole.
    let spawned = once.clone();
    let other =
        async move { spawned.once(("job", "3"), KEEP, || async { Ok::<_, Error>(text("spawned")) }).await };
    assert_eq!(tokio::spawn(other).await??, "spawned");
    let other = once.once(("job", "2"), KEEP, || async { Ok::<_, Error>(text("other")) });
    assert_eq!(other.await?, "other");
    Ok(Outcome::Passed)
}

async fn a_concurrent_event_waits_for_the_result(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    let runs = Cell::new(0);
    let deliver = || {
        once.once("job", KEEP, || async {
            runs.set(runs.get() + 1);
            cx.pass(SECOND).await;
            Ok::<u32, Error>(runs.get())
        })
    };
    let (first, second, third) = tokio::join!(deliver(), deliver(), deliver());
    assert_eq!((first?, second?, third?), (1, 1, 1));
    assert_eq!(runs.get(), 1);
    Ok(Outcome::Passed)
}

async fn a_concurrent_event_that_waits_too_long_gets_conflict(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?).wait(SECOND / 5);
    let (sender, begun) = tokio::sync::oneshot::channel();
    let (give_up, given_up) = tokio::sync::oneshot::channel();
    let slow = once.once("job", KEEP, || async {
        sender.send(()).map_err(|()| Error::internal("nobody listens"))?;
        given_up.await.map_err(|_| Error::internal("nobody gave up"))?;
        Ok::<_, Error>(1)
    });
    let second = async {
        begun.await.map_err(|_| Error::internal("the work never began"))?;
        let second = once.once("job", KEEP, || async { Ok::<_, Error>(2) }).await;
        give_up.send(()).map_err(|()| Error::internal("the work has ended"))?;
        second
    };
    let (first, second): (Result<i32>, Result<i32>) = tokio::join!(slow, second);
    let error = refused(second, ErrorKind::Conflict);
    assert!(error.is_retryable());
    assert_eq!(first?, 1);
    Ok(Outcome::Passed)
}

async fn work_that_failed_runs_again(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    let fail = || async { Err::<u32, _>(Error::new(ErrorKind::Throttled, "not now")) };
    let error = refused(once.once("job", KEEP, fail).await, ErrorKind::Throttled);
    assert_eq!(error.message(), "not now");
    let again = once.once("job", KEEP, || async { Ok::<_, Error>(7) }).await?;
    assert_eq!(again, 7);
    Ok(Outcome::Passed)
}

async fn the_claim_of_a_crashed_worker_is_taken_over(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?).lease(SECOND);
    let (sender, begun) = tokio::sync::oneshot::channel::<()>();
    let crashing = once.once("job", KEEP, || async {
        sender.send(()).map_err(|()| Error::internal("nobody listens"))?;
        std::future::pending::<Result<u32>>().await
    });
    tokio::select! {
        _ = crashing => return Err("work without an end has ended".into()),
        // Here the worker is dropped, claim and all.
        begun = begun => begun?,
    }
    let taken = once.once("job", KEEP, || async { Ok::<_, Error>(8) }).await?;
    assert_eq!(taken, 8);
    Ok(Outcome::Passed)
}

async fn a_claim_is_renewed_while_its_work_runs(cx: Context) -> CaseResult {
    let second = cx.unhurried_second();
    let once = Idempotency::new(&texts(&cx).await?).lease(second).wait(second * 10);
    let runs = Cell::new(0);
    let deliver = || {
        once.once("job", KEEP, || async {
            runs.set(runs.get() + 1);
            cx.pass(second * 5 / 2).await;
            Ok::<u32, Error>(runs.get())
        })
    };
    let (first, second) = tokio::join!(deliver(), deliver());
    assert_eq!((first?, second?), (1, 1));
    Ok(Outcome::Passed)
}

async fn a_result_is_forgotten_after_its_time(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    let second = cx.unhurried_second();
    let run = |number: u32| once.once("job", second, move || async move { Ok::<_, Error>(number) });
    assert_eq!(run(1).await?, 1);
    assert_eq!(run(2).await?, 1);
    cx.pass(second * 3 / 2).await;
    assert_eq!(run(3).await?, 3);
    Ok(Outcome::Passed)
}

async fn a_result_that_is_too_large_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let once = Idempotency::new(&table);
    let most = table.info().limits.value_bytes;
    let huge = once.once("job", KEEP, || async { Ok::<_, Error>("x".repeat(most)) });
    let error = refused(huge.await, ErrorKind::TooLarge);
    assert!(error.to_string().contains(&most.to_string()), "{error}");
    let small = once.once("job", KEEP, || async { Ok::<_, Error>(text("small")) });
    assert_eq!(small.await?, "small");
    Ok(Outcome::Passed)
}

async fn a_result_of_another_type_is_malformed(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    once.once("job", KEEP, || async { Ok::<_, Error>(text("words")) }).await?;
    let number = once.once("job", KEEP, || async { Ok::<u32, Error>(1) }).await;
    refused(number, ErrorKind::Malformed);
    Ok(Outcome::Passed)
}

async fn a_wrong_time_to_keep_is_refused_before_the_work(cx: Context) -> CaseResult {
    let once = Idempotency::new(&texts(&cx).await?);
    let runs = Cell::new(0);
    for wrong in [std::time::Duration::ZERO, std::time::Duration::MAX] {
        let work = || async {
            runs.set(runs.get() + 1);
            Ok::<_, Error>(1)
        };
        refused(once.once("job", wrong, work).await, ErrorKind::InvalidArgument);
    }
    assert_eq!(runs.get(), 0);
    Ok(Outcome::Passed)
}
