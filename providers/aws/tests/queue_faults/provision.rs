//! Creating and removing queues.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::QueueSettings;
use skyport_core::{ErrorKind, Result};
use tokio::time::Instant;

use super::stub::{Call, Reply, Sqs, obliging, url_of};

fn settings(ordered: bool, max_attempts: u32) -> QueueSettings {
    let mut settings = QueueSettings::default();
    (settings.ordered, settings.max_attempts) = (ordered, max_attempts);
    settings
}

async fn create(sqs: &Sqs, settings: QueueSettings) -> Result<()> {
    sqs.provider().create(&ResourceUrl::new("sqs", "jobs"), &ResourceKind::Queue(settings)).await
}

/// A service with these queues, and with these attributes of each.
fn with(there: &'static [&'static str], attributes: Value) -> Sqs {
    Sqs::scripted(move |call| match call.action.as_str() {
        "GetQueueUrl" if there.iter().any(|name| call.input["QueueName"] == *name) => url_of(call),
        "GetQueueUrl" => Reply::Refused(400, "AWS.SimpleQueueService.NonExistentQueue"),
        "CreateQueue" => url_of(call),
        "GetQueueAttributes" => {
            let mut told = attributes.clone();
            told["QueueArn"] = json!(format!("arn:aws:sqs:us-east-1:1:{}", call.queue()));
            Reply::Done(json!({ "Attributes": told }))
        }
        _ => obliging(call),
    })
}

fn attribute(call: &Call, name: &str) -> String {
    call.input["Attributes"][name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_created_behind_its_dead_letters() {
    let sqs = with(&[], json!({}));
    create(&sqs, settings(true, 3)).await.expect("created");
    let created = sqs.calls("CreateQueue");
    let names: Vec<&str> = created.iter().filter_map(|call| call.input["QueueName"].as_str()).collect();
    assert_eq!(names, ["jobs-dead.fifo", "jobs.fifo"]);
    for queue in &created {
        assert_eq!(attribute(queue, "FifoQueue"), "true");
        assert_eq!(attribute(queue, "ContentBasedDeduplication"), "false");
        assert_eq!(attribute(queue, "ReceiveMessageWaitTimeSeconds"), "20");
        assert_eq!(attribute(queue, "MaximumMessageSize"), "1048576");
    }
    assert_eq!(attribute(&created[0], "MessageRetentionPeriod"), "1209600");
    assert_eq!(attribute(&created[1], "MessageRetentionPeriod"), "345600");
    assert_eq!(attribute(&created[0], "RedrivePolicy"), "");
    let policy: Value = serde_json::from_str(&attribute(&created[1], "RedrivePolicy")).expect("JSON");
    let arn = "arn:aws:sqs:us-east-1:1:jobs-dead.fifo";
    assert_eq!(policy, json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 3 }));
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_changed_only_where_it_falls_short() {
    let policy = r#"{"maxReceiveCount":"5","deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:jobs-dead"}"#;
    let good = json!({ "MessageRetentionPeriod": "1209600", "MaximumMessageSize": "1048576", "RedrivePolicy": policy });
    let sqs = with(&["jobs", "jobs-dead"], good.clone());
    create(&sqs, settings(false, 5)).await.expect("there");
    assert!(sqs.calls("SetQueueAttributes").is_empty() && sqs.calls("CreateQueue").is_empty());
    create(&sqs, settings(false, 7)).await.expect("changed");
    let changed = sqs.calls("SetQueueAttributes");
    assert_eq!((changed.len(), changed[0].queue()), (1, "jobs"));
    assert!(attribute(&changed[0], "RedrivePolicy").contains(r#""maxReceiveCount":7"#));
    assert_eq!(changed[0].input["Attributes"].as_object().map(serde_json::Map::len), Some(1));
    let short =
        json!({ "MessageRetentionPeriod": "60", "MaximumMessageSize": "262144", "RedrivePolicy": policy });
    let sqs = with(&["jobs", "jobs-dead"], short);
    create(&sqs, settings(false, 5)).await.expect("raised");
    let raised: Vec<(String, String)> = sqs
        .calls("SetQueueAttributes")
        .iter()
        .map(|call| (attribute(call, "MessageRetentionPeriod"), attribute(call, "MaximumMessageSize")))
        .collect();
    let largest = || "1048576".to_owned();
    assert_eq!(raised, [("1209600".to_owned(), largest()), ("345600".to_owned(), largest())]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_changed_is_a_conflict() {
    let error = create(&with(&["jobs"], json!({})), settings(true, 5)).await.expect_err("the other order");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    let error =
        create(&with(&["jobs.fifo"], json!({})), settings(false, 5)).await.expect_err("the other order");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    let error = create(&with(&[], json!({})), settings(false, 1001)).await.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_deleted_a_moment_ago_can_be_tried_again() {
    for code in ["QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", "QueueNameExists"] {
        let sqs = Sqs::scripted(move |call| match call.action.as_str() {
            "GetQueueUrl" => Reply::Refused(400, "QueueDoesNotExist"),
            "CreateQueue" => Reply::Refused(400, code),
            _ => obliging(call),
        });
        let error = create(&sqs, settings(false, 5)).await.expect_err(code);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true), "{code}");
    }
}

/// A service that has no queue, and to which those that are created are unknown for so long.
fn slow_to_know(slowness: Duration) -> Sqs {
    let mut since: HashMap<String, Instant> = HashMap::new();
    Sqs::scripted(move |call| {
        let name = |call: &Call| call.input["QueueName"].as_str().unwrap_or_default().to_owned();
        let knows = |queue: &str| since.get(queue).is_some_and(|made| made.elapsed() >= slowness);
        match call.action.as_str() {
            "GetQueueUrl" if knows(&name(call)) => url_of(call),
            "GetQueueAttributes" if knows(call.queue()) => {
                let arn = format!("arn:aws:sqs:us-east-1:1:{}", call.queue());
                Reply::Done(json!({ "Attributes": { "QueueArn": arn } }))
            }
            "CreateQueue" if attribute(call, "RedrivePolicy").is_empty() || knows("jobs-dead") => {
                since.insert(name(call), Instant::now());
                url_of(call)
            }
            "CreateQueue" => Reply::Refused(400, "InvalidParameterValue"),
            _ => Reply::Refused(400, "AWS.SimpleQueueService.NonExistentQueue"),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_aws_does_not_know_everywhere_yet_is_waited_for() {
    let sqs = slow_to_know(Duration::from_secs(2));
    create(&sqs, settings(false, 5)).await.expect("in the end");
    let created = sqs.calls("CreateQueue");
    let names: Vec<&str> = created.iter().filter_map(|call| call.input["QueueName"].as_str()).collect();
    assert_eq!(names, ["jobs-dead", "jobs"], "what was created is not created again");
    let began = Instant::now();
    let never = slow_to_know(Duration::from_secs(3_600));
    let error = create(&never, settings(false, 5)).await.expect_err("never");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_are_no_target_yet_become_one() {
    let mut refusals = 0;
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "GetQueueUrl" => Reply::Refused(400, "AWS.SimpleQueueService.NonExistentQueue"),
        "CreateQueue" if !attribute(call, "RedrivePolicy").is_empty() && refusals < 4 => {
            refusals += 1;
            Reply::Refused(400, "InvalidParameterValue")
        }
        "CreateQueue" => url_of(call),
        _ => obliging(call),
    });
    create(&sqs, settings(false, 5)).await.expect("in the end");
    assert_eq!(sqs.calls("CreateQueue").len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_a_rival_created_at_the_same_moment_is_found() {
    let mut made = Vec::new();
    let sqs = Sqs::scripted(move |call| {
        let name = call.input["QueueName"].as_str().unwrap_or_default().to_owned();
        match call.action.as_str() {
            "GetQueueUrl" if made.contains(&name) => url_of(call),
            "GetQueueUrl" => Reply::Refused(400, "QueueDoesNotExist"),
            "CreateQueue" => {
                made.push(name);
                Reply::Refused(400, "QueueNameExists")
            }
            _ => obliging(call),
        }
    });
    create(&sqs, settings(false, 5)).await.expect("the rival's");
    assert_eq!(sqs.calls("CreateQueue").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_for_the_other_order_may_create() {
    let sqs = Sqs::scripted(|call| match call.action.as_str() {
        "GetQueueUrl" if call.input["QueueName"] == "jobs.fifo" => {
            Reply::Refused(403, "AccessDeniedException")
        }
        "GetQueueUrl" => Reply::Refused(400, "QueueDoesNotExist"),
        "CreateQueue" => url_of(call),
        _ => obliging(call),
    });
    create(&sqs, settings(false, 5)).await.expect("created");
    assert_eq!(sqs.calls("CreateQueue").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn removing_what_is_not_there_is_ok() {
    let url = ResourceUrl::new("sqs", "jobs");
    let kind = ResourceKind::Queue(settings(false, 5));
    let sqs = with(&["jobs-dead"], json!({}));
    sqs.provider().remove(&url, &kind).await.expect("removed");
    let removed = sqs.calls("DeleteQueue");
    assert_eq!((removed.len(), removed[0].queue()), (1, "jobs-dead"));
    let racing = Sqs::scripted(|call| match call.action.as_str() {
        "DeleteQueue" => Reply::Refused(400, "AWS.SimpleQueueService.NonExistentQueue"),
        _ => obliging(call),
    });
    racing.provider().remove(&url, &kind).await.expect("somebody else removed it");
    let denied = Sqs::scripted(|call| match call.action.as_str() {
        "DeleteQueue" => Reply::Refused(403, "AccessDeniedException"),
        _ => obliging(call),
    });
    let error = denied.provider().remove(&url, &kind).await.expect_err("denied");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}
