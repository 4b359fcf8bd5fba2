//! Writes whose answer was lost, under the retry layer: found again, or honestly said to be unknown.

use std::sync::Arc;

use bytes::Bytes;
use skyport_core::kv::Table;
use skyport_core::kv::port::{Key, Write};
use skyport_core::layers::{Layer, Retry};
use skyport_core::lease::Lease;
use skyport_core::{ErrorKind, Result};

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
    a_lost_transaction_recognises_itself,
    a_lost_transaction_that_was_replaced_is_indeterminate,
    a_lost_lease_knows_its_own_name,
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
