//! Versions: new with every write, never reused, bound to their key.

use std::collections::HashSet;

use skyport_core::ErrorKind;
use skyport_core::kv::Version;
use skyport_core::kv::port::{ItemCondition, Key, Write};

use super::{refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    a_write_that_changes_nothing_moves_the_version,
    a_version_is_not_reused_after_delete_and_creation,
    a_version_is_bound_to_its_key,
    a_version_can_be_stored_and_used_later,
    every_way_of_reading_gives_the_same_version,
    an_increment_moves_the_version,
    a_repetition_of_a_write_gives_another_version,
];

async fn a_write_that_changes_nothing_moves_the_version(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let first = table.put("a", &text("same")).await?;
    let second = table.put("a", &text("same")).await?;
    assert_ne!(first, second);
    refused(table.put("a", &text("other")).if_version(&first).await, ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

async fn a_version_is_not_reused_after_delete_and_creation(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let mut seen = HashSet::new();
    for _ in 0..5 {
        let version = table.put("a", &text("same")).if_absent().await?;
        assert!(seen.insert(version.clone()), "{version} came twice");
        table.delete("a").await?;
    }
    table.put("a", &text("same")).await?;
    for stale in &seen {
        refused(table.delete("a").if_version(stale).await, ErrorKind::PreconditionFailed);
    }
    assert_eq!(value(&table, "a").await?, Some(text("same")));
    Ok(Outcome::Passed)
}

async fn a_version_is_bound_to_its_key(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let of_a = table.put(("p", "a"), &text("1")).await?;
    table.put(("p", "b"), &text("2")).await?;
    refused(table.put(("p", "b"), &text("3")).if_version(&of_a).await, ErrorKind::InvalidArgument);
    refused(table.delete(("p", "b")).if_version(&of_a).await, ErrorKind::InvalidArgument);
    let transact = table.transact().delete(("p", "b")).if_version(&of_a).await;
    assert_eq!(refused(transact, ErrorKind::InvalidArgument).item(), Some(0));
    assert_eq!(value(&table, ("p", "b")).await?, Some(text("2")));
    Ok(Outcome::Passed)
}

async fn a_version_can_be_stored_and_used_later(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put("a", &text("1")).await?;
    let stored = serde_json::to_string(&version)?;
    let back: Version = serde_json::from_str(&stored)?;
    assert_eq!(back, version);
    let spoken: Version = version.to_string().parse()?;
    assert_eq!(spoken, version);
    table.put("a", &text("2")).if_version(&back).await?;
    Ok(Outcome::Passed)
}

async fn every_way_of_reading_gives_the_same_version(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let version = table.put(("p", "a"), &text("1")).await?;
    let read = table.get(("p", "a")).await?.ok_or("no item")?;
    let many = table.get_many([("p", "a")]).await.remove(0)?.ok_or("no item")?;
    let queried = table.query("p").collect().await?;
    for entry in [&read, &many, &queried[0]] {
        assert_eq!(entry.version(), &version);
    }
    Ok(Outcome::Passed)
}

async fn an_increment_moves_the_version(cx: Context) -> CaseResult {
    let table = texts(&cx).await?.with_type::<i64, skyport_core::Json>();
    let first = table.put("n", &1).await?;
    assert_eq!(table.increment("n", 0).await?, 1);
    refused(table.put("n", &5).if_version(&first).await, ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

/// As the retry layer repeats a create whose answer was lost, and whose item another has deleted meanwhile.
async fn a_repetition_of_a_write_gives_another_version(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let key = Key::new("a", "");
    let mut create = Write::put(key.clone(), "1".into());
    create.condition = ItemCondition::IfAbsent;
    let first = store.write(create.clone()).await?;
    store.write(Write::delete(key)).await?;
    let second = store.write(create).await?;
    assert!(first.is_some() && second.is_some());
    assert_ne!(first, second, "who read the first would take the second for it");
    Ok(Outcome::Passed)
}
