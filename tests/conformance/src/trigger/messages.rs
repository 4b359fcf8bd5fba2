//! Messages and what becomes of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::app::{Act, Job, MAX_ATTEMPTS};
use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![
    ok_acknowledges,
    an_error_comes_again_after_a_pause_until_its_attempts_are_spent,
    a_fatal_error_goes_to_the_dead_letters_at_once_with_its_reason,
    what_cannot_be_decoded_goes_to_the_dead_letters_and_blocks_nobody,
    a_panic_comes_again,
    a_handler_that_outlives_its_time_is_cancelled_and_its_message_returns,
    of_a_batch_only_what_failed_comes_back,
    after_a_failure_the_rest_of_an_ordered_group_returns,
];

async fn ok_acknowledges(stage: Arc<Stage>) -> CaseResult {
    stage.jobs.send(&Job::new("fine", Act::Succeed)).await?;
    let calls = stage.journal.wait("job", 1).await?;
    assert_eq!((calls[0].what.as_str(), calls[0].attempt), ("fine", 1));
    stage.drained(&stage.jobs).await?;
    assert_eq!(stage.jobs.dead_letters()?.depth().await?.total(), 0);
    assert_eq!(stage.journal.of("job").len(), 1);
    Ok(Outcome::Passed)
}

async fn an_error_comes_again_after_a_pause_until_its_attempts_are_spent(stage: Arc<Stage>) -> CaseResult {
    stage.jobs.send(&Job::new("poor", Act::Fail)).await?;
    let letter = stage.dead_letter(&stage.jobs).await?;
    assert_eq!(letter.value()?, Job::new("poor", Act::Fail));
    assert_eq!(letter.reason(), Some("attempts"));
    let calls = stage.journal.of("job");
    assert_eq!(calls.len(), MAX_ATTEMPTS as usize, "{calls:?}");
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2]);
    let pause = calls[1].at - calls[0].at;
    assert!(pause >= Duration::from_millis(100), "{pause:?}");
    Ok(Outcome::Passed)
}

async fn a_fatal_error_goes_to_the_dead_letters_at_once_with_its_reason(stage: Arc<Stage>) -> CaseResult {
    stage.jobs.send(&Job::new("lost", Act::Fatal)).attribute("tenant", "a7").await?;
    let letter = stage.dead_letter(&stage.jobs).await?;
    assert_eq!(letter.reason(), Some("this will never do"));
    assert_eq!(letter.attributes().get("tenant").map(String::as_str), Some("a7"));
    assert_eq!(stage.journal.of("job").len(), 1);
    Ok(Outcome::Passed)
}

async fn what_cannot_be_decoded_goes_to_the_dead_letters_and_blocks_nobody(stage: Arc<Stage>) -> CaseResult {
    stage.send_raw(&stage.jobs, "{\"name\":").await?;
    stage.send_raw(&stage.batches, "no JSON at all").await?;
    stage.jobs.send(&Job::new("neighbour", Act::Succeed)).await?;
    stage.batches.send(&Job::new("neighbour", Act::Succeed)).await?;
    assert_eq!(stage.journal.wait("job", 1).await?[0].what, "neighbour");
    assert_eq!(stage.journal.wait("batch", 1).await?[0].what, "neighbour");
    for queue in [&stage.jobs, &stage.batches] {
        let letter = stage.dead_letter(queue).await?;
        assert!(letter.reason().is_some_and(|reason| reason.contains("JSON")), "{:?}", letter.reason());
        stage.drained(queue).await?;
    }
    Ok(Outcome::Passed)
}

async fn a_panic_comes_again(stage: Arc<Stage>) -> CaseResult {
    stage.jobs.send(&Job::new("jumpy", Act::Panic)).await?;
    stage.jobs.send(&Job::new("steady", Act::Succeed)).await?;
    let calls = stage.journal.wait("job", 3).await?;
    assert_eq!(calls.iter().filter(|call| call.what == "jumpy").count(), 2, "{calls:?}");
    assert_eq!(stage.dead_letter(&stage.jobs).await?.reason(), Some("attempts"));
    Ok(Outcome::Passed)
}

async fn a_handler_that_outlives_its_time_is_cancelled_and_its_message_returns(
    stage: Arc<Stage>,
) -> CaseResult {
    stage.jobs.send(&Job::new("stuck", Act::Hang)).await?;
    let calls = stage.journal.wait("job", 2).await?;
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(calls[1].at - calls[0].at >= Duration::from_millis(300), "{calls:?}");
    Ok(Outcome::Passed)
}

async fn of_a_batch_only_what_failed_comes_back(stage: Arc<Stage>) -> CaseResult {
    let jobs = [
        Job::new("a", Act::Succeed),
        Job::new("b", Act::FailOnce),
        Job::new("c", Act::Succeed),
        Job::new("d", Act::Fatal),
    ];
    for sent in stage.batches.send_all(&jobs).await {
        sent?;
    }
    let calls = stage.journal.wait("batch", 5).await?;
    stage.drained(&stage.batches).await?;
    let count = |name: &str| calls.iter().filter(|call| call.what == name).count();
    assert_eq!([count("a"), count("b"), count("c"), count("d")], [1, 2, 1, 1], "{calls:?}");
    assert_eq!(stage.dead_letter(&stage.batches).await?.value()?.name, "d");
    Ok(Outcome::Passed)
}

async fn after_a_failure_the_rest_of_an_ordered_group_returns(stage: Arc<Stage>) -> CaseResult {
    if !stage.ordered.capabilities().ordered.is_supported() {
        return Ok(Outcome::Skipped("the provider has no ordered queues"));
    }
    for (name, act, group) in [
        ("a1", Act::FailOnce, "a"),
        ("a2", Act::Succeed, "a"),
        ("b1", Act::Succeed, "b"),
        ("a3", Act::Succeed, "a"),
    ] {
        stage.ordered.send(&Job::new(name, act)).group(group).await?;
    }
    stage.drained(&stage.ordered).await?;
    let calls = stage.journal.of("ordered");
    let of_a: Vec<&str> =
        calls.iter().map(|call| call.what.as_str()).filter(|what| what.starts_with('a')).collect();
    assert_eq!(of_a, ["a1", "a1", "a2", "a3"], "{calls:?}");
    let all: BTreeSet<&str> = calls.iter().map(|call| call.what.as_str()).collect();
    assert!(all.contains("b1"), "{calls:?}");
    Ok(Outcome::Passed)
}
