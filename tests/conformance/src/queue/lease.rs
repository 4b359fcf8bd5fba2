//! Leases: kept, ended, extended.

use std::time::Duration;

use skyport_core::ErrorKind;
use tokio::time::Instant;

use super::{LONG, NOW, SECOND, assert_not_early, bodies, expect_nothing, kind_of, next, send, text};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    a_leased_message_is_kept_from_others,
    a_message_returns_when_its_lease_ends_and_not_before,
    a_dropped_delivery_returns_when_its_lease_ends,
    attempts_grow,
    an_extended_lease_lasts,
    an_extension_may_shorten_a_lease,
    after_the_lease_every_settlement_fails_and_gives_the_delivery_back,
    leases_out_of_bounds_are_refused,
    a_settlement_that_is_not_awaited_settles_nothing,
];

async fn a_leased_message_is_kept_from_others(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "mine").await?;
    let delivery = next(&queue, SECOND * 10).await?;
    assert!(delivery.lease_remaining() <= SECOND * 10);
    assert!(delivery.lease_remaining() >= SECOND * 5, "half of the lease is left");
    expect_nothing(&queue).await?;
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_message_returns_when_its_lease_ends_and_not_before(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "again").await?;
    let begun = Instant::now();
    let first = next(&queue, SECOND * 2).await?;
    let second = next(&queue, LONG).await?;
    assert_not_early(begun, SECOND * 2);
    assert_eq!(first.body(), second.body());
    second.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_dropped_delivery_returns_when_its_lease_ends(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "dropped").await?;
    drop(next(&queue, SECOND).await?);
    let delivery = next(&queue, LONG).await?;
    assert_eq!(text(&delivery), "dropped");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn attempts_grow(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "thrice").await?;
    let mut attempts = Vec::new();
    for _ in 0..2 {
        let delivery = next(&queue, LONG).await?;
        attempts.push(delivery.attempt());
        delivery.retry(NOW).await?;
    }
    attempts.push(next(&queue, SECOND).await?.attempt());
    let delivery = next(&queue, LONG).await?;
    attempts.push(delivery.attempt());
    delivery.ack().await?;
    if queue.capabilities().attempts.is_supported() {
        assert_eq!(attempts, [1, 2, 3, 4]);
    } else {
        assert_eq!(attempts, [1, 1, 1, 1]);
    }
    Ok(Outcome::Passed)
}

async fn an_extended_lease_lasts(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "long").await?;
    let lease = context.unhurried_second();
    let mut delivery = next(&queue, lease).await?;
    delivery.extend(lease * 5).await?;
    assert!(delivery.lease_remaining() > lease * 4);
    context.pass(lease).await;
    expect_nothing(&queue).await?;
    delivery.ack().await?;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn an_extension_may_shorten_a_lease(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "short").await?;
    let mut delivery = next(&queue, LONG).await?;
    delivery.extend(SECOND).await?;
    let again = next(&queue, LONG).await?;
    again.ack().await?;
    assert_eq!(kind_of(delivery.ack().await), Some(ErrorKind::PreconditionFailed));
    Ok(Outcome::Passed)
}

async fn after_the_lease_every_settlement_fails_and_gives_the_delivery_back(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let id = send(&queue, "late").await?;
    let mut delivery = next(&queue, SECOND).await?;
    context.pass(Duration::from_millis(1100)).await;
    assert_eq!(delivery.lease_remaining(), NOW);
    let failed = Some(ErrorKind::PreconditionFailed);
    assert_eq!(kind_of(delivery.extend(LONG).await), failed);
    let Err(refused) = delivery.ack().await else {
        return Err("acknowledged after the lease".into());
    };
    assert_eq!(refused.error().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(refused.error().operation(), Some("queue.ack"));
    let Err(refused) = refused.into_delivery().retry(NOW).await else {
        return Err("retried after the lease".into());
    };
    assert_eq!(refused.error().kind(), ErrorKind::PreconditionFailed);
    let Err(refused) = refused.into_delivery().dead_letter("late").await else {
        return Err("sent to the dead letters after the lease".into());
    };
    assert_eq!(refused.error().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(refused.into_delivery().id(), &*id);
    let again = next(&queue, LONG).await?;
    assert_eq!(text(&again), "late");
    again.ack().await?;
    Ok(Outcome::Passed)
}

async fn leases_out_of_bounds_are_refused(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "x").await?;
    let limit = queue.limits().lease;
    assert!(limit >= SECOND * 600);
    for lease in [NOW, SECOND / 2, SECOND * 3 / 2, limit + SECOND, Duration::MAX] {
        let refused = queue.receive(1, NOW, lease).await;
        assert_eq!(kind_of(refused), Some(ErrorKind::InvalidArgument), "{lease:?}");
    }
    let mut delivery = next(&queue, limit).await?;
    for lease in [NOW, SECOND * 3 / 2, limit + SECOND] {
        let refused = delivery.extend(lease).await;
        assert_eq!(kind_of(refused), Some(ErrorKind::InvalidArgument), "{lease:?}");
    }
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_settlement_that_is_not_awaited_settles_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "kept").await?;
    drop(next(&queue, SECOND).await?.ack());
    let delivery = next(&queue, LONG).await?;
    assert_eq!(text(&delivery), "kept");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}
