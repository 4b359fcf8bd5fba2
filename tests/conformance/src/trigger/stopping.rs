//! When the process is to stop.

use std::sync::Arc;

use super::app::{Act, Job};
use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![what_runs_may_finish, what_has_not_finished_returns, nothing_new_is_begun_once_it_has_stopped,];

async fn what_runs_may_finish(stage: Arc<Stage>) -> CaseResult {
    stage.jobs.send(&Job::new("short", Act::Nap)).await?;
    stage.journal.wait("job", 1).await?;
    stage.platform.stop().await?;
    assert_eq!(stage.jobs.depth().await?.total(), 0);
    assert_eq!(stage.jobs.dead_letters()?.depth().await?.total(), 0);
    Ok(Outcome::Passed)
}

async fn what_has_not_finished_returns(stage: Arc<Stage>) -> CaseResult {
    // Without a limit of its own: only the stop ends it.
    let sending = stage.ordered.send(&Job::new("long", Act::Hang));
    if stage.ordered.capabilities().ordered.is_supported() {
        sending.group("a").await?
    } else {
        sending.await?
    };
    stage.journal.wait("ordered", 1).await?;
    stage.platform.stop().await?;
    let depth = stage.ordered.depth().await?;
    assert_eq!((depth.total(), depth.in_flight), (1, 0), "{depth:?}");
    Ok(Outcome::Passed)
}

async fn nothing_new_is_begun_once_it_has_stopped(stage: Arc<Stage>) -> CaseResult {
    stage.platform.stop().await?;
    stage.jobs.send(&Job::new("late", Act::Succeed)).await?;
    assert!(stage.get("/status/ok").await.is_err(), "a stopped server answers");
    assert_eq!(stage.jobs.depth().await?.ready, 1);
    assert_eq!(stage.journal.of("job").len(), 0);
    Ok(Outcome::Passed)
}
