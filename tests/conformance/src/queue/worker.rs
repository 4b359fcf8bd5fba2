//! The worker of core over the provider's queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::Shutdown;
use skyport_core::queue::QueueSettings;
use skyport_core::queue::port::RawDelivery;
use skyport_core::worker::{Worker, WorkerConfig};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Bodies, LONG, PATIENCE, SECOND, bodies, expect_nothing, next, send, take, text};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    a_worker_handles_every_message_once,
    a_worker_keeps_a_lease_for_as_long_as_its_handler_runs,
    a_worker_retries_what_fails_and_gives_up_on_what_cannot_succeed,
    a_stopped_worker_returns_what_it_holds,
    an_aborted_worker_loses_nothing,
];

fn body(message: &RawDelivery) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

fn worker(
    queue: &Bodies,
    change: impl FnOnce(&mut WorkerConfig),
    handler: impl Fn(String, u32) -> Handled + Send + Sync + 'static,
) -> Worker {
    let mut config = WorkerConfig::default();
    config.backoff = SECOND;
    change(&mut config);
    Worker::new(Arc::clone(queue.port()), config, move |messages, _| {
        let handled: Vec<Handled> =
            messages.iter().map(|message| handler(body(message), message.attempt)).collect();
        async move {
            let mut outcomes = Vec::new();
            for (time, outcome) in handled {
                tokio::time::sleep(time).await;
                outcomes.push(outcome);
            }
            outcomes
        }
    })
}

/// How long a message takes, and what comes of it.
type Handled = (Duration, skyport_core::Outcome);

async fn a_worker_handles_every_message_once(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let (seen, mut all) = mpsc::unbounded_channel();
    let stop = Shutdown::new();
    let working = worker(
        &queue,
        |config| config.batch = 3,
        move |body, _| {
            // The case may have ended already.
            drop(seen.send(body));
            (Duration::ZERO, skyport_core::Outcome::Done)
        },
    );
    let running = tokio::spawn(working.run(stop.clone()));
    for n in 0..30 {
        send(&queue, &n.to_string()).await?;
    }
    let mut handled = Vec::new();
    while handled.len() < 30 {
        let next = tokio::time::timeout(PATIENCE, all.recv()).await?;
        handled.push(next.ok_or("the worker ended")?);
    }
    stop.trigger();
    running.await?;
    assert_eq!(handled.iter().collect::<BTreeSet<_>>().len(), 30, "{handled:?}");
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_worker_keeps_a_lease_for_as_long_as_its_handler_runs(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "long").await?;
    let stop = Shutdown::new();
    let second = context.unhurried_second();
    let working = worker(
        &queue,
        |config| config.lease = second * 2,
        move |_, _| (second * 4, skyport_core::Outcome::Done),
    );
    let running = tokio::spawn(working.run(stop.clone()));
    context.pass(second * 3).await;
    expect_nothing(&queue).await?;
    stop.trigger();
    running.await?;
    context.pass(SECOND).await;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_worker_retries_what_fails_and_gives_up_on_what_cannot_succeed(context: Context) -> CaseResult {
    let mut settings = QueueSettings::default();
    settings.max_attempts = 2;
    let queue = bodies(context.queue_with(settings).await?);
    for name in ["good", "fails", "hopeless"] {
        send(&queue, name).await?;
    }
    let stop = Shutdown::new();
    let working = worker(
        &queue,
        |_| {},
        |body, _| {
            let outcome = match body.as_str() {
                "good" => skyport_core::Outcome::Done,
                "fails" => skyport_core::Outcome::retry("again"),
                _ => skyport_core::Outcome::dead("never"),
            };
            (Duration::ZERO, outcome)
        },
    );
    let running = tokio::spawn(working.run(stop.clone()));
    let mut letters: Vec<_> = take(&queue.dead_letters()?, 2).await?;
    stop.trigger();
    running.await?;
    letters.sort_by_key(text);
    let told: Vec<_> =
        letters.iter().map(|letter| (text(letter), letter.reason().unwrap_or_default().to_owned())).collect();
    let expected =
        [("fails", "attempts"), ("hopeless", "never")].map(|(body, why)| (body.to_owned(), why.to_owned()));
    assert_eq!(told, expected);
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_stopped_worker_returns_what_it_holds(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "held").await?;
    let stop = Shutdown::new();
    let working = worker(
        &queue,
        |config| config.grace = SECOND / 2,
        |_, _| (SECOND * 3600, skyport_core::Outcome::Done),
    );
    let running = tokio::spawn(working.run(stop.clone()));
    context.pass(SECOND).await;
    let asked = Instant::now();
    stop.trigger();
    running.await?;
    // Its lease of a minute would last for long still.
    assert_eq!(text(&next(&queue, LONG).await?), "held");
    assert!(asked.elapsed() < SECOND * 6, "{:?}", asked.elapsed());
    Ok(Outcome::Passed)
}

async fn an_aborted_worker_loses_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "held").await?;
    let working = worker(
        &queue,
        |config| config.lease = SECOND * 2,
        |_, _| (SECOND * 3600, skyport_core::Outcome::Done),
    );
    let running = tokio::spawn(working.run(Shutdown::new()));
    context.pass(SECOND).await;
    running.abort();
    assert!(running.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(text(&next(&queue, LONG).await?), "held");
    Ok(Outcome::Passed)
}
