//! Transactions: all or nothing, and the failing item is named.

use futures_util::future::join_all;
use skyport_core::ErrorKind;

use super::{Texts, refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    all_writes_are_applied_and_give_their_versions,
    one_failing_item_rolls_all_back_and_is_named,
    a_failing_check_is_named,
    a_check_that_holds_changes_nothing,
    an_empty_transaction_does_nothing,
    a_hundred_items_are_taken_and_one_more_is_not,
    values_are_limited_in_all,
    a_key_that_stands_twice_is_refused,
    two_partitions_are_refused,
    a_check_without_a_condition_is_refused,
    a_concurrent_write_is_not_lost,
    racing_transfers_keep_the_sum,
];

async fn all_writes_are_applied_and_give_their_versions(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let old = table.put(("p", "old"), &text("1")).await?;
    let gone = table.put(("p", "gone"), &text("1")).await?;
    let versions = table
        .transact()
        .put(("p", "new"), &text("2"))
        .if_absent()
        .delete(("p", "gone"))
        .if_version(&gone)
        .put(("p", "old"), &text("2"))
        .if_version(&old)
        .delete(("p", "never was"))
        .await?;
    assert_eq!(versions.len(), 4);
    for (place, sort) in [(0, "new"), (2, "old")] {
        let entry = table.get(("p", sort)).await?.ok_or("the item is missing")?;
        assert_eq!(entry.as_str(), "2");
        assert_eq!(versions[place].as_ref(), Some(entry.version()));
    }
    assert!(versions[1].is_none() && versions[3].is_none());
    assert_eq!(value(&table, ("p", "gone")).await?, None);
    assert_ne!(versions[2].as_ref(), Some(&old));
    Ok(Outcome::Passed)
}

async fn one_failing_item_rolls_all_back_and_is_named(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put(("p", "there"), &text("1")).await?;
    let result = table
        .transact()
        .put(("p", "a"), &text("2"))
        .delete(("p", "there"))
        .if_version(&version)
        .put(("p", "b"), &text("2"))
        .await;
    result?;
    table.put(("p", "there"), &text("1")).await?;
    table.delete(("p", "a")).await?;
    let result = table
        .transact()
        .put(("p", "a"), &text("3"))
        .put(("p", "b"), &text("3"))
        .put(("p", "there"), &text("3"))
        .if_absent()
        .await;
    let error = refused(result, ErrorKind::AlreadyExists);
    assert_eq!((error.item(), error.key()), (Some(2), Some("p there")));
    assert_eq!(value(&table, ("p", "a")).await?, None);
    assert_eq!(value(&table, ("p", "b")).await?, Some(text("2")));
    let stale = table.transact().put(("p", "c"), &text("4")).delete(("p", "there"));
    let error = refused(stale.if_version(&version).await, ErrorKind::PreconditionFailed);
    assert_eq!(error.item(), Some(1));
    assert!(!error.is_retryable());
    assert_eq!(value(&table, ("p", "c")).await?, None);
    assert_eq!(value(&table, ("p", "there")).await?, Some(text("1")));
    Ok(Outcome::Passed)
}

async fn a_failing_check_is_named(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let stale = table.put(("p", "guard"), &text("1")).await?;
    table.put(("p", "guard"), &text("2")).await?;
    let result = table.transact().put(("p", "a"), &text("1")).check(("p", "guard")).if_version(&stale).await;
    assert_eq!(refused(result, ErrorKind::PreconditionFailed).item(), Some(1));
    let result = table.transact().check(("p", "guard")).if_absent().put(("p", "a"), &text("1")).await;
    assert_eq!(refused(result, ErrorKind::AlreadyExists).item(), Some(0));
    assert_eq!(value(&table, ("p", "a")).await?, None);
    Ok(Outcome::Passed)
}

async fn a_check_that_holds_changes_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let guard = table.put(("p", "guard"), &text("1")).await?;
    let versions = table
        .transact()
        .check(("p", "guard"))
        .if_version(&guard)
        .check(("p", "nobody"))
        .if_absent()
        .put(("p", "a"), &text("1"))
        .await?;
    assert!(versions[0].is_none() && versions[1].is_none() && versions[2].is_some());
    let entry = table.get(("p", "guard")).await?.ok_or("the guard is gone")?;
    assert_eq!(entry.version(), &guard);
    assert_eq!(value(&table, ("p", "nobody")).await?, None);
    Ok(Outcome::Passed)
}

async fn an_empty_transaction_does_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert!(table.transact().await?.is_empty());
    Ok(Outcome::Passed)
}

async fn a_hundred_items_are_taken_and_one_more_is_not(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let fill = |partition: &'static str, count: usize| {
        (0..count).fold(table.transact(), |transaction, number| {
            transaction.put((partition, format!("{number:03}")), &text("x"))
        })
    };
    let most = table.info().limits.transact_items;
    assert!(most >= 100, "the floor is 100 items");
    assert_eq!(fill("full", most).await?.len(), most);
    assert_eq!(table.query("full").collect().await?.len(), most);
    let error = refused(fill("over", most + 1).await, ErrorKind::TooLarge);
    assert!(error.to_string().contains(&most.to_string()), "{error}");
    assert!(table.query("over").collect().await?.is_empty());
    Ok(Outcome::Passed)
}

async fn values_are_limited_in_all(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    // Two quotes belong to each value as JSON.
    let part = "x".repeat((256 << 10) - 2);
    let fill = |count: usize| {
        (0..count)
            .fold(table.transact(), |transaction, number| transaction.put(("p", number.to_string()), &part))
    };
    fill(8).await?;
    let over = fill(8).put(("p", "one more"), &String::new());
    refused(over.await, ErrorKind::TooLarge);
    assert_eq!(value(&table, ("p", "one more")).await?, None);
    Ok(Outcome::Passed)
}

async fn a_key_that_stands_twice_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let twice = table.transact().put(("p", "a"), &text("1")).delete(("p", "a"));
    let error = refused(twice.await, ErrorKind::InvalidArgument);
    assert_eq!(error.item(), Some(1));
    assert_eq!(value(&table, ("p", "a")).await?, None);
    Ok(Outcome::Passed)
}

async fn two_partitions_are_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let two = table.transact().put(("p", "a"), &text("1")).put(("q", "a"), &text("1"));
    let error = refused(two.await, ErrorKind::InvalidArgument);
    assert_eq!(error.item(), Some(1));
    assert_eq!(value(&table, ("p", "a")).await?, None);
    Ok(Outcome::Passed)
}

async fn a_check_without_a_condition_is_refused(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    refused(table.transact().check(("p", "a")).await, ErrorKind::InvalidArgument);
    refused(table.transact().if_absent().await, ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn a_concurrent_write_is_not_lost(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put(("p", "a"), &text("start")).await?;
    let rivals = (0..10).map(|number| {
        let (table, version) = (table.clone(), version.clone());
        tokio::spawn(async move {
            if number % 2 == 0 {
                let transaction = table.transact().put(("p", "a"), &number.to_string());
                transaction.if_version(&version).await.map(|_| ())
            } else {
                let put = table.put(("p", "a"), &number.to_string());
                put.if_version(&version).await.map(|_| ())
            }
        })
    });
    let mut winners = Vec::new();
    for (number, result) in join_all(rivals).await.into_iter().enumerate() {
        match result? {
            Ok(()) => winners.push(number.to_string()),
            Err(error) => {
                let lost = [ErrorKind::PreconditionFailed, ErrorKind::Conflict];
                assert!(lost.contains(&error.kind()), "{error}");
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(value(&table, ("p", "a")).await?, winners.pop());
    Ok(Outcome::Passed)
}

/// Moves 1 from one account to the other, as often as others come between.
async fn transfer(table: Texts, from: &'static str, to: &'static str) -> skyport_core::Result<()> {
    let accounts = table.with_type::<i64, skyport_core::Json>();
    loop {
        let mut read = accounts.get_many([("bank", from), ("bank", to)]).await.into_iter();
        let (Some(Ok(Some(source))), Some(Ok(Some(target)))) = (read.next(), read.next()) else {
            return Err(skyport_core::Error::internal("an account is missing"));
        };
        let moved = accounts
            .transact()
            .put(&source.key, &(source.value - 1))
            .if_version(source.version())
            .put(&target.key, &(target.value + 1))
            .if_version(target.version())
            .await;
        match moved {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::Conflict) => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(fastrand::u64(1..20))).await;
    }
}

async fn racing_transfers_keep_the_sum(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let accounts = table.with_type::<i64, skyport_core::Json>();
    for account in ["a", "b", "c"] {
        accounts.put(("bank", account), &10).await?;
    }
    let moves = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("a", "c"), ("a", "b")];
    let moves = moves.map(|(from, to)| tokio::spawn(transfer(table.clone(), from, to)));
    for moved in join_all(moves).await {
        moved??;
    }
    let balances = accounts.query("bank").collect().await?;
    let balances: Vec<i64> = balances.into_iter().map(|entry| entry.value).collect();
    assert_eq!(balances, [9, 10, 11]);
    Ok(Outcome::Passed)
}
