//! What a handler is told of its call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::app::{Act, Call, Job};
use super::stage::Stage;
use super::{DEADLINE_MILLIS, trigger_cases};
use crate::{CaseResult, Outcome};

trigger_cases![
    a_call_knows_its_function_and_has_an_id_of_its_own,
    a_call_knows_how_much_time_it_has,
    of_calls_at_once_one_is_the_cold_start,
];

/// Beyond a function's own limit, for whoever drives it.
const SLACK: Duration = Duration::from_millis(1500);

async fn a_call_knows_its_function_and_has_an_id_of_its_own(stage: Arc<Stage>) -> CaseResult {
    stage.get("/status/ok").await?;
    stage.get("/status/ok").await?;
    stage.jobs.send(&Job::new("one", Act::Succeed)).await?;
    stage.bucket.put("a", "1").await?;
    let mut calls = stage.journal.wait("status", 2).await?;
    calls.extend(stage.journal.wait("job", 1).await?);
    calls.extend(stage.journal.wait("created", 1).await?);
    let ids: BTreeSet<&str> = calls.iter().map(|call| call.id.as_str()).filter(|id| !id.is_empty()).collect();
    assert_eq!(ids.len(), 4, "{calls:?}");
    assert!(calls.iter().all(|call| call.attempt == 1), "{calls:?}");
    Ok(Outcome::Passed)
}

async fn a_call_knows_how_much_time_it_has(stage: Arc<Stage>) -> CaseResult {
    stage.get("/status/ok").await?;
    stage.jobs.send(&Job::new("one", Act::Succeed)).await?;
    let within =
        |call: &Call, limit: Duration| call.remaining.is_some_and(|left| !left.is_zero() && left <= limit);
    let request = stage.journal.wait("status", 1).await?;
    assert!(within(&request[0], Duration::from_millis(DEADLINE_MILLIS)), "{request:?}");
    // The function's own limit is sooner than the lease's and the platform's.
    let message = stage.journal.wait("job", 1).await?;
    assert!(within(&message[0], Duration::from_millis(400)), "{message:?}");
    stage.bucket.put("a", "1").await?;
    let event = stage.journal.wait("created", 1).await?;
    assert!(within(&event[0], Duration::from_secs(900) + SLACK), "{event:?}");
    Ok(Outcome::Passed)
}

async fn of_calls_at_once_one_is_the_cold_start(stage: Arc<Stage>) -> CaseResult {
    for response in join_all((0..8).map(|_| stage.get("/status/ok"))).await {
        assert_eq!(response?.status(), 200);
    }
    let calls = stage.journal.wait("status", 8).await?;
    assert_eq!(calls.iter().filter(|call| call.cold_start).count(), 1, "{calls:?}");
    Ok(Outcome::Passed)
}
