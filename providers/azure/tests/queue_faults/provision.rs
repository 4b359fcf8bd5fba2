//! Creating and removing queues.

use skyport_core::ErrorKind;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::QueueSettings;
use skyport_stub::Answer;

use crate::silence::unanswered;
use crate::stub::{Call, azure, kind, refusal};

fn jobs() -> (ResourceUrl, ResourceKind) {
    (ResourceUrl::new("azqueue", "jobs"), ResourceKind::Queue(QueueSettings::default()))
}

#[tokio::test]
async fn a_queue_is_made_behind_its_dead_letters() {
    let (azure, log) = azure(|_, _, _| None).await;
    let (url, queue) = jobs();
    azure.create(&url, &queue).await.expect("created");
    assert_eq!(log.lines(), ["PUT /acct/jobs-poison", "PUT /acct/jobs"]);
}

#[tokio::test]
async fn what_is_there_stays_whatever_metadata_it_has() {
    let (azure, log) = azure(|_, _, _| Some(refusal(409, "QueueAlreadyExists"))).await;
    let (url, queue) = jobs();
    azure.create(&url, &queue).await.expect("there");
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn a_queue_that_is_still_being_cleared_away_is_waited_for() {
    let busy = |call, queue: &str, before| {
        (call == Call::Create && queue == "jobs" && before < 2).then(|| refusal(409, "QueueBeingDeleted"))
    };
    let (azure, log) = azure(busy).await;
    let (url, queue) = jobs();
    azure.create(&url, &queue).await.expect("created in the end");
    assert_eq!(log.all().len(), 4);
}

#[tokio::test]
async fn what_fails_for_a_moment_is_repeated() {
    let busy = |_, _: &str, before| match before {
        0 => Some(refusal(503, "ServerBusy")),
        1 => Some(Answer::Lost),
        _ => None,
    };
    let (azure, log) = azure(busy).await;
    let (url, queue) = jobs();
    azure.create(&url, &queue).await.expect("created in the end");
    assert_eq!(log.all().len(), 6);
}

#[tokio::test]
async fn what_is_not_permitted_is_said_at_once_and_names_the_queue() {
    let (azure, log) = azure(|_, _, _| Some(refusal(403, "AuthorizationPermissionMismatch"))).await;
    let (url, queue) = jobs();
    let error = azure.create(&url, &queue).await.expect_err("not permitted");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs-poison")));
    assert_eq!(log.all().len(), 1);
}

#[tokio::test]
async fn removing_takes_both_and_what_is_gone_is_no_error() {
    let script = |call, queue: &str, _| {
        (call == Call::Remove && queue == "jobs").then(|| refusal(404, "QueueNotFound"))
    };
    let (azure, log) = azure(script).await;
    let (url, queue) = jobs();
    azure.remove(&url, &queue).await.expect("removed");
    assert_eq!(log.lines(), ["DELETE /acct/jobs", "DELETE /acct/jobs-poison"]);
}

#[tokio::test]
async fn a_removal_that_fails_for_a_moment_is_repeated_and_one_that_has_begun_is_no_error() {
    let busy = |_, queue: &str, before| match (queue, before) {
        (_, 0) => Some(refusal(503, "ServerBusy")),
        ("jobs", 1) => Some(Answer::Lost),
        ("jobs", _) => Some(refusal(404, "QueueNotFound")),
        _ => Some(refusal(409, "QueueBeingDeleted")),
    };
    let (azure, log) = azure(busy).await;
    let (url, queue) = jobs();
    azure.remove(&url, &queue).await.expect("removed in the end");
    assert_eq!(log.all().len(), 5);
}

#[tokio::test]
async fn a_removal_that_is_not_permitted_is_said_at_once_and_names_the_queue() {
    let (azure, log) = azure(|_, _, _| Some(refusal(403, "AuthorizationPermissionMismatch"))).await;
    let (url, queue) = jobs();
    let error = azure.remove(&url, &queue).await.expect_err("not permitted");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs")));
    assert_eq!(log.all().len(), 1);
}

#[tokio::test]
async fn making_and_removing_a_queue_end_where_no_answer_comes() {
    for silent in [Call::Create, Call::Remove] {
        let (azure, log) = azure(move |call, _, _| (call == silent).then_some(Answer::Silent)).await;
        let ended = unanswered(&log, silent, async move {
            let (url, queue) = jobs();
            match silent {
                Call::Create => azure.create(&url, &queue).await,
                _ => azure.remove(&url, &queue).await,
            }
        })
        .await;
        assert_eq!(ended.expect_err("no answer").kind(), ErrorKind::Timeout);
    }
}

#[tokio::test]
async fn an_ordered_queue_and_a_name_that_is_none_are_refused_without_a_request() {
    let (azure, log) = azure(|_, _, _| None).await;
    let mut ordered = QueueSettings::default();
    ordered.ordered = true;
    let (url, plain) = jobs();
    let unsupported = Some(ErrorKind::Unsupported);
    assert_eq!(kind(azure.queue(&url, &ordered)), unsupported);
    assert_eq!(kind(azure.create(&url, &ResourceKind::Queue(ordered)).await), unsupported);
    let wrong = ResourceUrl::new("azqueue", "Jobs");
    assert_eq!(kind(azure.create(&wrong, &plain).await), Some(ErrorKind::InvalidArgument));
    assert!(log.all().is_empty());
}
