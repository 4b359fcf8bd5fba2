//! Receiving: how long it waits, how much it brings, and who gets what.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::queue::Outgoing;
use tokio::time::{Instant, timeout};

use super::{LONG, NOW, PATIENCE, SECOND, assert_not_early, bodies, drain, kind_of, send, take};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    an_empty_queue_is_waited_for_as_long_as_asked,
    no_wait_looks_once,
    a_waiting_receive_returns_soon_after_a_send,
    every_waiting_receive_is_woken,
    a_waiting_receive_returns_soon_after_a_retry,
    no_more_than_max_is_received,
    a_max_over_the_limit_is_held_to_it,
    a_max_of_none_is_refused,
    receivers_at_once_get_different_messages,
    a_dropped_receive_loses_nothing,
    a_dropped_wait_takes_nothing_along,
];

async fn an_empty_queue_is_waited_for_as_long_as_asked(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let begun = Instant::now();
    let received = queue.receive(1, SECOND * 2, LONG).await?;
    assert!(received.is_empty());
    assert_not_early(begun, SECOND * 2);
    assert!(begun.elapsed() < SECOND * 5, "{:?}", begun.elapsed());
    Ok(Outcome::Passed)
}

async fn no_wait_looks_once(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let begun = Instant::now();
    assert!(queue.receive(1, NOW, LONG).await?.is_empty());
    assert!(begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
    Ok(Outcome::Passed)
}

async fn a_waiting_receive_returns_soon_after_a_send(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { (queue.receive(10, PATIENCE, LONG).await, Instant::now()) }
    });
    context.pass(SECOND / 2).await;
    send(&queue, "awaited").await?;
    let sent = Instant::now();
    let (received, at) = waiting.await?;
    assert_eq!(received?.len(), 1);
    let took = at.saturating_duration_since(sent);
    assert!(took < SECOND * 3 / 2, "{took:?} after the send");
    Ok(Outcome::Passed)
}

async fn every_waiting_receive_is_woken(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let queue = queue.clone();
        waiting.spawn(async move { queue.receive(1, PATIENCE, LONG).await });
    }
    context.pass(SECOND / 2).await;
    let sent = [0, 1, 2].map(|n: u8| Bytes::from(vec![n]));
    for result in queue.send_all(&sent).await {
        result?;
    }
    let begun = Instant::now();
    let mut seen = BTreeSet::new();
    while let Some(received) = waiting.join_next().await {
        for delivery in received?? {
            seen.insert(delivery.value()?);
        }
    }
    assert_eq!(seen, sent.into());
    assert!(begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
    Ok(Outcome::Passed)
}

async fn a_waiting_receive_returns_soon_after_a_retry(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "again").await?;
    let mut held = take(&queue, 1).await?;
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { (queue.receive(1, PATIENCE, LONG).await, Instant::now()) }
    });
    context.pass(SECOND / 2).await;
    for delivery in held.drain(..) {
        delivery.retry(NOW).await?;
    }
    let returned = Instant::now();
    let (received, at) = waiting.await?;
    assert_eq!(received?.len(), 1);
    let took = at.saturating_duration_since(returned);
    assert!(took < SECOND * 3 / 2, "{took:?} after the retry");
    Ok(Outcome::Passed)
}

async fn no_more_than_max_is_received(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    for n in 0..5 {
        send(&queue, &n.to_string()).await?;
    }
    let received = queue.receive(2, PATIENCE, LONG).await?;
    assert!((1..=2).contains(&received.len()), "{received:?}");
    for delivery in received {
        delivery.retry(NOW).await?;
    }
    assert_eq!(drain(&queue, 5).await?.len(), 5);
    Ok(Outcome::Passed)
}

async fn a_max_over_the_limit_is_held_to_it(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let count = queue.limits().receive + 5;
    for n in 0..count {
        send(&queue, &n.to_string()).await?;
    }
    let received = queue.receive(usize::MAX, PATIENCE, LONG).await?;
    assert!((1..=queue.limits().receive).contains(&received.len()));
    for delivery in received {
        delivery.retry(NOW).await?;
    }
    assert_eq!(drain(&queue, count).await?.len(), count);
    Ok(Outcome::Passed)
}

async fn a_max_of_none_is_refused(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let refused = queue.receive(0, NOW, LONG).await;
    assert_eq!(kind_of(refused), Some(ErrorKind::InvalidArgument));
    Ok(Outcome::Passed)
}

async fn receivers_at_once_get_different_messages(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let sent: Vec<Bytes> = (0..40).map(|n| Bytes::from(format!("{n}"))).collect();
    for result in queue.send_all(sent.iter().map(Outgoing::new)).await {
        result?;
    }
    let mut receivers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let queue = queue.clone();
        receivers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let received = queue.receive(5, SECOND, LONG).await?;
                if received.is_empty() {
                    return Ok::<_, skyport_core::Error>(mine);
                }
                mine.extend(received.iter().map(|delivery| delivery.body().clone()));
            }
        });
    }
    let mut all = Vec::new();
    while let Some(mine) = receivers.join_next().await {
        all.extend(mine??);
    }
    let different: BTreeSet<&Bytes> = all.iter().collect();
    assert_eq!(all.len(), 40, "each message once");
    assert_eq!(different.len(), 40, "no message twice");
    Ok(Outcome::Passed)
}

async fn a_dropped_receive_loses_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let sent: BTreeSet<Bytes> = (0..10).map(|n| Bytes::from(format!("{n}"))).collect();
    for result in queue.send_all(&sent).await {
        result?;
    }
    for micros in [0, 1, 50, 200, 500, 1000, 2000, 5000] {
        // Dropped before, amid or after it has leased something.
        let received = timeout(Duration::from_micros(micros), queue.receive(1, SECOND, SECOND)).await;
        drop(received);
    }
    assert_eq!(drain(&queue, 10).await?, sent);
    Ok(Outcome::Passed)
}

async fn a_dropped_wait_takes_nothing_along(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let dropped = timeout(SECOND / 5, queue.receive(1, PATIENCE, LONG)).await;
    assert!(dropped.is_err(), "nothing was there yet");
    send(&queue, "late").await?;
    assert_eq!(drain(&queue, 1).await?.len(), 1);
    Ok(Outcome::Passed)
}
