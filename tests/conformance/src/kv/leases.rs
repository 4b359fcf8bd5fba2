//! Leases: one holder, a fence that only grows.

use futures_util::future::join_all;
use skyport_core::ErrorKind;
use skyport_core::lease::Lease;

use super::{SECOND, refused, texts};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_lease_keeps_others_away_until_it_is_released,
    of_racing_holders_exactly_one_wins,
    the_fence_grows_through_release_and_expiry,
    an_expired_lease_is_lost_once_another_has_it,
    an_expired_lease_that_nobody_took_can_be_renewed,
    renewal_keeps_a_lease,
    holding_renews_while_work_runs,
    holding_stops_the_work_when_the_lease_is_lost,
    waiting_takes_a_lease_when_it_is_free,
    waiting_gives_up_with_conflict,
    a_wrong_duration_is_refused,
];

const LEASE: &str = "lease";

async fn a_lease_keeps_others_away_until_it_is_released(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let lease = Lease::acquire(&table, LEASE, SECOND * 30).await?;
    assert!(lease.remaining() > SECOND * 20);
    assert!(Lease::try_acquire(&table, LEASE, SECOND * 30).await?.is_none());
    let error = refused(Lease::acquire(&table, LEASE, SECOND).await, ErrorKind::Conflict);
    assert!(error.is_retryable());
    assert!(Lease::try_acquire(&table, "another", SECOND).await?.is_some());
    lease.release().await?;
    Lease::acquire(&table, LEASE, SECOND).await?;
    Ok(Outcome::Passed)
}

async fn of_racing_holders_exactly_one_wins(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    for round in 1..=2 {
        let racer = |_| {
            let table = table.clone();
            tokio::spawn(async move { Lease::try_acquire(&table, LEASE, SECOND * 30).await })
        };
        let mut won = Vec::new();
        for result in join_all((0..10).map(racer)).await {
            won.extend(result??);
        }
        assert_eq!(won.len(), 1);
        for lease in won {
            assert_eq!(lease.fence(), round);
            lease.release().await?;
        }
    }
    Ok(Outcome::Passed)
}

async fn the_fence_grows_through_release_and_expiry(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let first = Lease::acquire(&table, LEASE, SECOND).await?;
    let first_fence = first.fence();
    first.release().await?;
    let second = Lease::acquire(&table, LEASE, SECOND).await?;
    assert!(second.fence() > first_fence);
    cx.pass(SECOND * 3 / 2).await;
    // What expired is swept, but a lease's row has no expiry.
    table.sweep().await?;
    let third = Lease::acquire(&table, LEASE, SECOND).await?;
    assert!(third.fence() > second.fence());
    Ok(Outcome::Passed)
}

async fn an_expired_lease_is_lost_once_another_has_it(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let mut old = Lease::acquire(&table, LEASE, SECOND).await?;
    cx.pass(SECOND * 3 / 2).await;
    assert!(old.remaining().is_zero());
    let new = Lease::acquire(&table, LEASE, SECOND * 30).await?;
    refused(old.renew().await, ErrorKind::PreconditionFailed);
    refused(old.release().await, ErrorKind::PreconditionFailed);
    new.release().await?;
    Ok(Outcome::Passed)
}

async fn an_expired_lease_that_nobody_took_can_be_renewed(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let second = cx.unhurried_second();
    let mut lease = Lease::acquire(&table, LEASE, second).await?;
    cx.pass(second * 3 / 2).await;
    lease.renew().await?;
    assert!(!lease.remaining().is_zero());
    assert!(Lease::try_acquire(&table, LEASE, second).await?.is_none());
    Ok(Outcome::Passed)
}

async fn renewal_keeps_a_lease(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let second = cx.unhurried_second();
    let mut lease = Lease::acquire(&table, LEASE, second * 2).await?;
    let fence = lease.fence();
    for _ in 0..3 {
        cx.pass(second).await;
        lease.renew().await?;
    }
    assert!(Lease::try_acquire(&table, LEASE, SECOND).await?.is_none());
    assert_eq!(lease.fence(), fence);
    lease.release().await?;
    Ok(Outcome::Passed)
}

async fn holding_renews_while_work_runs(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let holding = async move {
        let second = cx.unhurried_second();
        let mut lease = Lease::acquire(&table, LEASE, second).await?;
        let work = async {
            cx.pass(second * 5 / 2).await;
            Lease::try_acquire(&table, LEASE, second).await
        };
        assert!(lease.hold(work).await??.is_none());
        lease.release().await
    };
    tokio::spawn(holding).await??;
    Ok(Outcome::Passed)
}

async fn holding_stops_the_work_when_the_lease_is_lost(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let mut lease = Lease::acquire(&table, LEASE, SECOND).await?;
    cx.pass(SECOND * 3 / 2).await;
    let _new = Lease::acquire(&table, LEASE, SECOND * 30).await?;
    let held = lease.hold(std::future::pending::<()>()).await;
    refused(held, ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

async fn waiting_takes_a_lease_when_it_is_free(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let old = Lease::acquire(&table, LEASE, SECOND).await?;
    let new = Lease::wait_for(&table, LEASE, SECOND, SECOND * 10).await?;
    assert!(old.remaining().is_zero());
    assert!(new.fence() > old.fence());
    Ok(Outcome::Passed)
}

async fn waiting_gives_up_with_conflict(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let _held = Lease::acquire(&table, LEASE, SECOND * 30).await?;
    let waited = Lease::wait_for(&table, LEASE, SECOND, SECOND / 2).await;
    refused(waited, ErrorKind::Conflict);
    Ok(Outcome::Passed)
}

async fn a_wrong_duration_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    for wrong in [SECOND / 2, SECOND * 86_401] {
        let acquired = Lease::acquire(&table, LEASE, wrong).await;
        refused(acquired, ErrorKind::InvalidArgument);
    }
    Ok(Outcome::Passed)
}
