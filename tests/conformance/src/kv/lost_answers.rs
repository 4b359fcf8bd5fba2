//! Writes whose answer was lost, under the retry layer: found again, or honestly said to be unknown.

use std::sync::Arc;

use bytes::Bytes;
use skyport_core::idempotency::Idempotency;
use skyport_core::kv::port::{Key, Write};
use skyport_core::kv::{Table, Update};
use skyport_core::layers::{Layer, Retry};
use skyport_core::lease::Lease;
use skyport_core::{Error, ErrorKind, Result};

use super::{SECOND, Texts, refused, text, value};
use crate::case::{CaseResult, Context, Outcome, cases};
use crate::lossy_kv::LostAnswers;

cases![
    a_lost_create_recognises_itself,
    a_lost_create_that_was_replaced_is_indeterminate,
    a_refusal_after_nothing_was_lost_stays_a_refusal,
    a_lost_swap_recognises_itself,
    a_lost_swap_that_was_replaced_is_indeterminate,
    a_lost_conditional_delete_is_indeterminate,
    a_lost_plain_write_is_repeated,
    a_lost_increment_counts_once,
    an_increment_whose_answers_are_all_lost_is_indeterminate,
    a_lost_increment_whose_counter_was_deleted_counts_once_in_its_new_life,
    a_lost_transaction_recognises_itself,
    a_lost_transaction_that_was_replaced_is_indeterminate,
    a_lost_lease_knows_its_own_name,
    holding_outlives_renewals_that_fail_for_a_while,
    holding_ends_where_no_renewal_arrives,
    a_lost_update_is_applied_once,
    a_lost_update_that_was_replaced_is_indeterminate_and_not_repeated,
    work_that_is_done_once_survives_lost_answers,
    a_claim_that_was_renewed_in_vain_is_given_back,
];

/// A table behind retries and a bad line.
async fn bad_line(cx: &Context) -> Result<(Texts, Arc<LostAnswers>)> {
    let line = LostAnswers::new(cx.table().await?);
    let retried = Retry::default().table(line.clone());
    Ok((Table::new(retried), line))
}

fn rival(key: Key) -> Write {
    Write::put(key, Bytes::from_static(b"\"rival\""))
}

async fn a_lost_create_recognises_itself(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    line.lose(1);
    let version = table.put("a", &text("mine")).if_absent().await?;
    let entry = table.get("a").await?.ok_or("no item")?;
    assert_eq!((entry.as_str(), entry.version()), ("mine", &version));
    Ok(Outcome::Passed)
}

async fn a_lost_create_that_was_replaced_is_indeterminate(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    line.lose_to(rival(Key::new("a", "")));
    let result = table.put("a", &text("mine")).if_absent().await;
    let error = refused(result, ErrorKind::Indeterminate);
    assert!(error.is_ambiguous());
    assert_eq!(value(&table, "a").await?, Some(text("rival")));
    Ok(Outcome::Passed)
}

async fn a_refusal_after_nothing_was_lost_stays_a_refusal(cx: Context) -> CaseResult {
    let (table, _line) = bad_line(&cx).await?;
    let old = table.put("a", &text("1")).await?;
    table.put("a", &text("2")).await?;
    refused(table.put("a", &text("3")).if_absent().await, ErrorKind::AlreadyExists);
    refused(table.put("a", &text("3")).if_version(&old).await, ErrorKind::PreconditionFailed);
    refused(table.delete("a").if_version(&old).await, ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

async fn a_lost_swap_recognises_itself(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    let old = table.put("a", &text("1")).await?;
    line.lose(1);
    let new = table.put("a", &text("2")).if_version(&old).await?;
    let entry = table.get("a").await?.ok_or("no item")?;
    assert_eq!((entry.as_str(), entry.version()), ("2", &new));
    Ok(Outcome::Passed)
}

async fn a_lost_swap_that_was_replaced_is_indeterminate(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    let old = table.put("a", &text("1")).await?;
    line.lose_to(rival(Key::new("a", "")));
    let result = table.put("a", &text("2")).if_version(&old).await;
    refused(result, ErrorKind::Indeterminate);
    Ok(Outcome::Passed)
}

async fn a_lost_conditional_delete_is_indeterminate(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    let version = table.put("a", &text("1")).await?;
    line.lose(1);
    let result = table.delete("a").if_version(&version).await;
    refused(result, ErrorKind::Indeterminate);
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn a_lost_plain_write_is_repeated(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    line.lose(1);
    let version = table.put("a", &text("1")).await?;
    assert_eq!(table.get("a").await?.ok_or("no item")?.version(), &version);
    line.lose(2);
    let (one, two) = (text("1"), text("2"));
    let written = table.put_many([("b", &one), ("c", &two)]).await;
    assert_eq!(written.len(), 2);
    for result in written {
        result?;
    }
    line.lose(1);
    table.delete("a").await?;
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn a_lost_increment_counts_once(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    for expected in 1..=20 {
        line.lose(expected % 3);
        assert_eq!(table.increment("n", 1).await?, i64::from(expected));
    }
    Ok(Outcome::Passed)
}

async fn an_increment_whose_answers_are_all_lost_is_indeterminate(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    line.lose(u32::MAX);
    refused(table.increment("n", 1).await, ErrorKind::Indeterminate);
    line.lose(0);
    assert_eq!(table.increment("n", 0).await?, 1);
    Ok(Outcome::Passed)
}

/// The deletion and the increment are concurrent, and so the increment may stand in either life. Where the first answer of
/// the new life is lost, too, it does not stand there twice.
async fn a_lost_increment_whose_counter_was_deleted_counts_once_in_its_new_life(cx: Context) -> CaseResult {
    for lost in [1, 2] {
        let (table, line) = bad_line(&cx).await?;
        let counters = table.with_type::<i64, skyport_core::Json>();
        counters.increment("n", 7).await?;
        line.lose_to(Write::delete(Key::new("n", "")));
        line.lose(lost);
        let result = counters.increment("n", 5).await;
        let there = counters.get("n").await?.map(|entry| entry.value);
        match result {
            Ok(told) => assert_eq!((told, there), (5, Some(5)), "after {lost} lost answers"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}");
                assert!([None, Some(5)].contains(&there), "{there:?} after {lost} lost answers");
            }
        }
    }
    Ok(Outcome::Passed)
}

async fn a_lost_transaction_recognises_itself(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    let old = table.put(("p", "a"), &text("1")).await?;
    line.lose(1);
    let versions = table
        .transact()
        .put(("p", "a"), &text("2"))
        .if_version(&old)
        .put(("p", "b"), &text("2"))
        .if_absent()
        .delete(("p", "c"))
        .await?;
    for (place, sort) in [(0, "a"), (1, "b")] {
        let entry = table.get(("p", sort)).await?.ok_or("no item")?;
        assert_eq!(entry.as_str(), "2");
        assert_eq!(versions[place].as_ref(), Some(entry.version()));
    }
    Ok(Outcome::Passed)
}

async fn a_lost_transaction_that_was_replaced_is_indeterminate(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    line.lose_to(rival(Key::new("p", "b")));
    let transaction =
        table.transact().put(("p", "a"), &text("1")).if_absent().put(("p", "b"), &text("1")).if_absent();
    refused(transaction.await, ErrorKind::Indeterminate);
    assert_eq!(value(&table, ("p", "b")).await?, Some(text("rival")));
    Ok(Outcome::Passed)
}

/// Without a layer that retries: the lease resolves it by its own name in the row.
async fn a_lost_lease_knows_its_own_name(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let table: Texts = Table::new(line.clone());
    line.lose(1);
    let mut lease = Lease::acquire(&table, "lease", SECOND * 30).await?;
    assert_eq!(lease.fence(), 1);
    line.lose(1);
    lease.renew().await?;
    assert!(Lease::try_acquire(&table, "lease", SECOND * 30).await?.is_none());
    lease.release().await?;
    assert_eq!(Lease::acquire(&table, "lease", SECOND).await?.fence(), 2);
    Ok(Outcome::Passed)
}

/// A third of the lease is left when the renewals arrive again.
async fn holding_outlives_renewals_that_fail_for_a_while(cx: Context) -> CaseResult {
    let second = cx.unhurried_second();
    let line = LostAnswers::new(cx.table().await?);
    let table: Texts = Table::new(line.clone());
    let mut lease = Lease::acquire(&table, "lease", second * 2).await?;
    line.refuse(2);
    let work = async {
        cx.pass(second * 3).await;
        // Of later renewals the answers get lost.
        line.lose(2);
        cx.pass(second * 2).await;
        Lease::try_acquire(&table, "lease", second * 2).await
    };
    assert!(lease.hold(work).await??.is_none(), "it was held all the time");
    assert_eq!(lease.fence(), 1);
    lease.release().await?;
    assert_eq!(Lease::acquire(&table, "lease", SECOND).await?.fence(), 2);
    Ok(Outcome::Passed)
}

async fn holding_ends_where_no_renewal_arrives(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let table: Texts = Table::new(line.clone());
    let mut lease = Lease::acquire(&table, "lease", SECOND).await?;
    line.refuse(u32::MAX);
    let held = lease.hold(std::future::pending::<()>()).await;
    refused(held, ErrorKind::PreconditionFailed);
    assert!(lease.remaining().is_zero());
    line.refuse(0);
    assert_eq!(Lease::wait_for(&table, "lease", SECOND, SECOND).await?.fence(), 2);
    Ok(Outcome::Passed)
}

async fn a_lost_update_is_applied_once(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    for expected in ["x", "xx", "xxx"] {
        line.lose(1);
        let written = table.update("a", |old| Ok(Update::Put(old.unwrap_or_default() + "x"))).await?;
        let entry = table.get("a").await?.ok_or("no item")?;
        assert_eq!((entry.as_str(), Some(entry.version())), (expected, written.as_ref()));
    }
    Ok(Outcome::Passed)
}

async fn a_lost_update_that_was_replaced_is_indeterminate_and_not_repeated(cx: Context) -> CaseResult {
    let (table, line) = bad_line(&cx).await?;
    table.put("a", &text("old")).await?;
    line.lose_to(rival(Key::new("a", "")));
    let mut calls = 0;
    let updated = table.update("a", |_| {
        calls += 1;
        Ok(Update::Put(text("mine")))
    });
    let error = refused(updated.await, ErrorKind::Indeterminate);
    assert_eq!(error.operation(), Some("kv.update"));
    assert_eq!(calls, 1, "what may have been applied is not applied again");
    assert_eq!(value(&table, "a").await?, Some(text("rival")));
    Ok(Outcome::Passed)
}

/// With retries around the table and without, whichever answers get lost: those to the claim, to the result, to both.
async fn work_that_is_done_once_survives_lost_answers(cx: Context) -> CaseResult {
    for retried in [false, true] {
        let line = LostAnswers::new(cx.table().await?);
        let store: Arc<dyn skyport_core::kv::port::KeyValueStore> = line.clone();
        let table: Texts = Table::new(if retried { Retry::default().table(store) } else { store });
        let once = Idempotency::new(&table);
        for (before, during) in [(1, 0), (0, 1), (1, 1)] {
            let (key, mut runs) = (format!("job {before} {during}"), 0);
            line.lose(before);
            let work = || {
                runs += 1;
                line.lose(during);
                async { Ok::<_, Error>(text("done")) }
            };
            assert_eq!(once.once(&key, SECOND * 60, work).await?, "done", "{key}, retried: {retried}");
            assert_eq!(runs, 1);
            let again = || async { Err::<String, _>(Error::internal("it ran twice")) };
            assert_eq!(once.once(&key, SECOND * 60, again).await?, "done");
        }
    }
    Ok(Outcome::Passed)
}

/// The renewal's answer was lost, so that the worker's version is not the claim's when the work fails.
async fn a_claim_that_was_renewed_in_vain_is_given_back(cx: Context) -> CaseResult {
    let line = LostAnswers::new(cx.table().await?);
    let table: Texts = Table::new(line.clone());
    let once = Idempotency::new(&table).lease(SECOND * 60).wait(SECOND / 10);
    let key = Key::new("job", "");
    let work = || async {
        // As a renewal does whose caller is gone when it is answered.
        let item = table.port().get(&key).await?.ok_or_else(|| Error::internal("no claim"))?;
        table.port().write(Write::put(key.clone(), item.value)).await?;
        Err::<u32, _>(Error::new(ErrorKind::Throttled, "not now"))
    };
    refused(once.once("job", SECOND * 60, work).await, ErrorKind::Throttled);
    assert_eq!(once.once("job", SECOND * 60, || async { Ok::<_, Error>(7) }).await?, 7);
    Ok(Outcome::Passed)
}
