//! Blob events and schedules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::app::Call;
use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![
    a_created_object_and_an_overwritten_one_start_a_function,
    a_deleted_object_starts_a_function_and_an_overwritten_one_does_not,
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

async fn a_schedule_names_the_instant_that_was_scheduled(stage: Arc<Stage>) -> CaseResult {
    let scheduled = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_489_200);
    stage.platform.fire("nightly", scheduled).await?;
    assert_eq!(stage.journal.wait("nightly", 1).await?[0].what, "1795489200");
    assert!(stage.platform.fire("nobody", scheduled).await.is_err());
    Ok(Outcome::Passed)
}
