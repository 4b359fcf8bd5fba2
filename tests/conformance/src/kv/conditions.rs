//! What `if_absent` and `if_version` promise, alone and against rivals.

use futures_util::future::join_all;
use skyport_core::ErrorKind;

use super::{refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_missing_item_reads_as_none,
    create_over_an_existing_item_is_refused,
    a_stale_version_is_refused,
    a_version_of_a_missing_item_is_refused,
    delete_takes_a_missing_item_for_done,
    delete_with_a_stale_version_deletes_nothing,
    delete_with_the_current_version_deletes,
    of_racing_creates_exactly_one_wins,
    of_racing_swaps_exactly_one_wins,
    an_error_says_where_it_comes_from,
];

async fn a_missing_item_reads_as_none(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert_eq!(value(&table, "nobody").await?, None);
    table.put(("p", "s"), &text("there")).await?;
    assert_eq!(value(&table, ("p", "s")).await?, Some(text("there")));
    assert_eq!(value(&table, ("p", "t")).await?, None);
    assert_eq!(value(&table, "p").await?, None);
    Ok(Outcome::Passed)
}

async fn create_over_an_existing_item_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("a", &text("first")).if_absent().await?;
    refused(table.put("a", &text("second")).if_absent().await, ErrorKind::AlreadyExists);
    let entry = table.get("a").await?.ok_or("the item is gone")?;
    assert_eq!((entry.as_str(), entry.version()), ("first", &version));
    Ok(Outcome::Passed)
}

async fn a_stale_version_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let first = table.put("a", &text("1")).await?;
    let second = table.put("a", &text("2")).if_version(&first).await?;
    refused(table.put("a", &text("3")).if_version(&first).await, ErrorKind::PreconditionFailed);
    assert_eq!(value(&table, "a").await?, Some(text("2")));
    table.put("a", &text("3")).if_version(&second).await?;
    Ok(Outcome::Passed)
}

async fn a_version_of_a_missing_item_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("a", &text("1")).await?;
    table.delete("a").await?;
    refused(table.put("a", &text("2")).if_version(&version).await, ErrorKind::PreconditionFailed);
    refused(table.delete("a").if_version(&version).await, ErrorKind::PreconditionFailed);
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn delete_takes_a_missing_item_for_done(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.delete("a").await?;
    table.put("a", &text("1")).await?;
    table.delete("a").await?;
    table.delete("a").await?;
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn delete_with_a_stale_version_deletes_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let stale = table.put("a", &text("1")).await?;
    table.put("a", &text("2")).await?;
    refused(table.delete("a").if_version(&stale).await, ErrorKind::PreconditionFailed);
    assert_eq!(value(&table, "a").await?, Some(text("2")));
    Ok(Outcome::Passed)
}

async fn delete_with_the_current_version_deletes(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("a", &text("1")).await?;
    table.delete("a").if_version(&version).await?;
    assert_eq!(value(&table, "a").await?, None);
    Ok(Outcome::Passed)
}

async fn of_racing_creates_exactly_one_wins(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let racer = |number: usize| {
        let table = table.clone();
        tokio::spawn(async move { table.put("race", &number.to_string()).if_absent().await })
    };
    let mut winners = Vec::new();
    for (number, result) in join_all((0..20).map(racer)).await.into_iter().enumerate() {
        match result? {
            Ok(_) => winners.push(number.to_string()),
            Err(error) => assert!(is_lost_race(error.kind()), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(value(&table, "race").await?, winners.pop());
    Ok(Outcome::Passed)
}

async fn of_racing_swaps_exactly_one_wins(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("race", &text("start")).await?;
    let racer = |number: usize| {
        let (table, version) = (table.clone(), version.clone());
        tokio::spawn(async move { table.put("race", &number.to_string()).if_version(&version).await })
    };
    let mut winners = Vec::new();
    for (number, result) in join_all((0..20).map(racer)).await.into_iter().enumerate() {
        match result? {
            Ok(_) => winners.push(number.to_string()),
            Err(error) => assert!(is_lost_race(error.kind()), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(value(&table, "race").await?, winners.pop());
    Ok(Outcome::Passed)
}

fn is_lost_race(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict)
}

async fn an_error_says_where_it_comes_from(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.put(("a", "b"), &text("1")).await?;
    let error = refused(table.put(("a", "b"), &text("2")).if_absent().await, ErrorKind::AlreadyExists);
    assert_eq!(error.operation(), Some("kv.put"));
    assert_eq!(error.provider(), Some(table.info().provider));
    assert_eq!(error.resource(), Some(table.info().resource.as_str()));
    assert_eq!(error.key(), Some("a b"));
    Ok(Outcome::Passed)
}
