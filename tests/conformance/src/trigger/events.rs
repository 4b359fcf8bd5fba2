//! Blob events and schedules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncWriteExt;

use super::app::Call;
use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![
    a_created_object_and_an_overwritten_one_start_a_function,
    a_deleted_object_starts_a_function_and_an_overwritten_one_does_not,
    every_way_to_write_and_to_delete_starts_a_function,
    an_event_whose_function_fails_comes_again_and_a_fatal_one_does_not,
    a_schedule_names_the_instant_that_was_scheduled,
];

fn counts(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.what.as_str()).or_default() += 1;
    }
    counts
}

async fn a_created_object_and_an_overwritten_one_start_a_function(stage: Arc<Stage>) -> CaseResult {
    stage.bucket.put("a/b.txt", "one").await?;
    stage.bucket.put("c ☺", "one").await?;
    stage.bucket.put("a/b.txt", "two").await?;
    let calls = stage.journal.wait("created", 3).await?;
    assert_eq!(counts(&calls), BTreeMap::from([("+a/b.txt", 2), ("+c ☺", 1)]));
    Ok(Outcome::Passed)
}

async fn a_deleted_object_starts_a_function_and_an_overwritten_one_does_not(stage: Arc<Stage>) -> CaseResult {
    stage.bucket.put("kept", "one").await?;
    stage.bucket.put("kept", "two").await?;
    stage.bucket.put("gone", "one").await?;
    stage.bucket.delete("gone").await?;
    let calls = stage.journal.wait("deleted", 1).await?;
    assert_eq!(counts(&calls), BTreeMap::from([("-gone", 1)]));
    Ok(Outcome::Passed)
}

async fn every_way_to_write_and_to_delete_starts_a_function(stage: Arc<Stage>) -> CaseResult {
    let mut writer = stage.bucket.writer("written").await?;
    writer.write_all(b"in parts").await?;
    writer.finish().await?;
    stage.bucket.copy("written", "copied").await?;
    // Of what was given up, and of what was never there, nothing is told.
    let mut given_up = stage.bucket.writer("given-up").await?;
    given_up.write_all(b"in vain").await?;
    drop(given_up);
    stage.bucket.delete("never").await?;
    let created = stage.journal.wait("created", 2).await?;
    assert_eq!(counts(&created), BTreeMap::from([("+written", 1), ("+copied", 1)]));
    for deleted in stage.bucket.delete_many(["written", "never", "copied"]).await {
        deleted?;
    }
    let deleted = stage.journal.wait("deleted", 2).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(stage.journal.of("deleted").len(), 2, "{deleted:?}");
    assert_eq!(counts(&deleted), BTreeMap::from([("-written", 1), ("-copied", 1)]));
    Ok(Outcome::Passed)
}

async fn an_event_whose_function_fails_comes_again_and_a_fatal_one_does_not(stage: Arc<Stage>) -> CaseResult {
    stage.bucket.put("lost", "1").await?;
    stage.bucket.put("poor", "1").await?;
    let calls = stage.journal.wait("created", 3).await?;
    assert_eq!(counts(&calls), BTreeMap::from([("+lost", 1), ("+poor", 2)]));
    let attempts: Vec<u32> =
        calls.iter().filter(|call| call.what == "+poor").map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2]);
    Ok(Outcome::Passed)
}

async fn a_schedule_names_the_instant_that_was_scheduled(stage: Arc<Stage>) -> CaseResult {
    let scheduled = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_489_200);
    stage.platform.fire("nightly", scheduled).await?;
    assert_eq!(stage.journal.wait("nightly", 1).await?[0].what, "1795489200");
    assert!(stage.platform.fire("nobody", scheduled).await.is_err());
    Ok(Outcome::Passed)
}
