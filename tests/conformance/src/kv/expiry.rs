//! Past its expiry an item is absent to every operation and condition.

use std::time::Duration;

use skyport_core::ErrorKind;

use super::{SECOND, Texts, refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    an_expiry_can_be_read,
    an_expired_item_is_absent_to_every_read,
    an_expired_item_can_be_created_anew,
    a_condition_on_an_expired_version_fails,
    a_transaction_takes_an_expired_item_for_absent,
    an_expired_counter_begins_anew,
    an_increment_leaves_the_expiry_of_a_counter,
    a_plain_write_takes_the_expiry_away,
    an_update_keeps_the_expiry,
    a_wrong_expiry_is_refused,
    a_sweep_deletes_what_has_expired,
];

const PAST: Duration = Duration::from_millis(1_100);

async fn expired(cx: &Context) -> Result<(Texts, skyport_core::kv::Version), skyport_core::Error> {
    let table = texts(cx).await?;
    let version = table.put(("p", "a"), &text("old")).expires(SECOND).await?;
    table.put(("p", "b"), &text("stays")).await?;
    cx.pass(PAST).await;
    Ok((table, version))
}

async fn an_expiry_can_be_read(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let now = table.info().clock.now();
    table.put("a", &text("1")).expires(SECOND * 60).await?;
    table.put("b", &text("1")).await?;
    let expires = table.get("a").await?.ok_or("no item")?.expires().ok_or("no expiry")?;
    let after = expires.duration_since(now)?;
    assert!((SECOND * 59..=SECOND * 65).contains(&after), "{after:?}");
    assert_eq!(table.get("b").await?.ok_or("no item")?.expires(), None);
    Ok(Outcome::Passed)
}

async fn an_expired_item_is_absent_to_every_read(cx: Context) -> CaseResult {
    let (table, _) = expired(&cx).await?;
    assert_eq!(value(&table, ("p", "a")).await?, None);
    let many = table.get_many([("p", "a"), ("p", "b")]).await;
    let found: Vec<bool> =
        many.into_iter().map(|result| result.map(|entry| entry.is_some())).collect::<Result<_, _>>()?;
    assert_eq!(found, [false, true]);
    let queried = table.query("p").page_size(1).collect().await?;
    assert_eq!(queried.len(), 1);
    assert_eq!(queried[0].as_str(), "stays");
    Ok(Outcome::Passed)
}

async fn an_expired_item_can_be_created_anew(cx: Context) -> CaseResult {
    let (table, old) = expired(&cx).await?;
    let new = table.put(("p", "a"), &text("new")).if_absent().await?;
    assert_ne!(old, new);
    assert_eq!(value(&table, ("p", "a")).await?, Some(text("new")));
    refused(table.put(("p", "a"), &text("x")).if_absent().await, ErrorKind::AlreadyExists);
    Ok(Outcome::Passed)
}

async fn a_condition_on_an_expired_version_fails(cx: Context) -> CaseResult {
    let (table, old) = expired(&cx).await?;
    let put = table.put(("p", "a"), &text("new")).if_version(&old).await;
    refused(put, ErrorKind::PreconditionFailed);
    let delete = table.delete(("p", "a")).if_version(&old).await;
    refused(delete, ErrorKind::PreconditionFailed);
    table.delete(("p", "a")).await?;
    Ok(Outcome::Passed)
}

async fn a_transaction_takes_an_expired_item_for_absent(cx: Context) -> CaseResult {
    let (table, old) = expired(&cx).await?;
    let stale = table.transact().put(("p", "c"), &text("x")).check(("p", "a")).if_version(&old);
    let error = refused(stale.await, ErrorKind::PreconditionFailed);
    assert_eq!(error.item(), Some(1));
    let checked = table.transact().put(("p", "c"), &text("x")).check(("p", "a")).if_absent();
    checked.await?;
    table.transact().put(("p", "a"), &text("new")).if_absent().await?;
    assert_eq!(value(&table, ("p", "a")).await?, Some(text("new")));
    let second = cx.unhurried_second();
    table.transact().put(("p", "d"), &text("x")).expires(second).await?;
    assert!(value(&table, ("p", "d")).await?.is_some());
    cx.pass(second + PAST).await;
    assert_eq!(value(&table, ("p", "d")).await?, None);
    Ok(Outcome::Passed)
}

async fn an_expired_counter_begins_anew(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert_eq!(table.increment("n", 5).expires(SECOND).await?, 5);
    cx.pass(PAST).await;
    assert_eq!(table.increment("n", 2).await?, 2);
    Ok(Outcome::Passed)
}

async fn an_increment_leaves_the_expiry_of_a_counter(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let second = cx.unhurried_second();
    table.increment("n", 1).expires(second).await?;
    assert_eq!(table.increment("n", 1).expires(SECOND * 600).await?, 2);
    assert_eq!(table.increment("n", 1).await?, 3);
    cx.pass(second + PAST).await;
    assert_eq!(table.increment("n", 1).await?, 1);
    Ok(Outcome::Passed)
}

async fn a_plain_write_takes_the_expiry_away(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.put("a", &text("1")).expires(SECOND).await?;
    table.put("a", &text("2")).await?;
    cx.pass(PAST).await;
    assert_eq!(value(&table, "a").await?, Some(text("2")));
    Ok(Outcome::Passed)
}

async fn an_update_keeps_the_expiry(cx: Context) -> CaseResult {
    use skyport_core::kv::Update;
    let table = texts(&cx).await?;
    let second = cx.unhurried_second();
    table.put("a", &text("1")).expires(second).await?;
    table.update("a", |_| Ok(Update::Put(text("2")))).await?;
    assert_eq!(value(&table, "a").await?, Some(text("2")));
    table.update("b", |_| Ok(Update::PutFor(text("3"), SECOND))).await?;
    cx.pass(second + PAST).await;
    assert_eq!(value(&table, "a").await?, None);
    assert_eq!(value(&table, "b").await?, None);
    Ok(Outcome::Passed)
}

async fn a_wrong_expiry_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    for wrong in [Duration::ZERO, Duration::MAX] {
        refused(table.put("a", &text("1")).expires(wrong).await, ErrorKind::InvalidArgument);
        refused(table.increment("n", 1).expires(wrong).await, ErrorKind::InvalidArgument);
    }
    refused(table.transact().delete("a").expires(SECOND).await, ErrorKind::InvalidArgument);
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn a_sweep_deletes_what_has_expired(cx: Context) -> CaseResult {
    let (table, old) = expired(&cx).await?;
    let swept = table.sweep().await?;
    // A cloud that deletes by itself may have been faster, or have nothing to sweep.
    if !table.info().capabilities.deletes_expired.is_supported() {
        assert_eq!(swept, 1);
    }
    assert_eq!(table.sweep().await?, 0);
    assert_eq!(value(&table, ("p", "b")).await?, Some(text("stays")));
    let new = table.put(("p", "a"), &text("new")).if_absent().await?;
    assert_ne!(old, new);
    Ok(Outcome::Passed)
}
