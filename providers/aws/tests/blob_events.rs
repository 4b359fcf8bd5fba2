//! Subscribing to a bucket at an AWS that does not know everywhere yet what was just made.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use http::{Method, Response};
use skyport_core::ErrorKind;
use skyport_core::blob::port::Subscriber;
use tokio::time::Instant;

use stub::{Asked, Log, answer, bucket, status};

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod stub;

const TELLS: &str = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>";
const TELLS_NOBODY: &str = "<NotificationConfiguration></NotificationConfiguration>";

/// The action of SQS or EventBridge; empty for S3.
fn action(asked: &Asked) -> &str {
    asked.header("x-amz-target").rsplit('.').next().unwrap_or_default()
}

fn count(log: &Log, which: impl Fn(&Asked) -> bool) -> usize {
    log.all().iter().filter(|asked| which(asked)).count()
}

fn reads(asked: &Asked) -> bool {
    asked.method == Method::GET && asked.target.contains("?notification")
}

fn unknown() -> Response<SdkBody> {
    answer(400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#)
}

fn subscriber() -> Subscriber {
    let mut subscriber = Subscriber::new("one");
    subscriber.created = true;
    subscriber
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_s3_does_not_tell_yet_is_read_again_after_growing_pauses() {
    let (store, log) = bucket(|asked, _| if reads(asked) { answer(200, TELLS_NOBODY) } else { status(200) });
    let began = Instant::now();
    let error = store.events(&subscriber()).await.expect_err("never told");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    assert_eq!(count(&log, reads), 5);
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_subscribers_queue_that_sqs_does_not_know_yet_is_waited_for() {
    let lets_in = |asked: &Asked| action(asked) == "SetQueueAttributes";
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let (store, log) = bucket(move |asked, _| match action(asked) {
        "" if reads(asked) => answer(200, TELLS),
        "GetQueueUrl" => unknown(),
        "CreateQueue" => answer(200, r#"{"QueueUrl":"http://s3.test/1/q"}"#),
        "GetQueueAttributes" => answer(200, r#"{"Attributes":{"QueueArn":"arn:aws:sqs:eu-central-1:1:q"}}"#),
        "PutRule" => answer(200, r#"{"RuleArn":"arn:aws:events:eu-central-1:1:rule/r"}"#),
        "PutTargets" => answer(200, r#"{"FailedEntryCount":0,"FailedEntries":[]}"#),
        "SetQueueAttributes" if refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 => unknown(),
        _ => answer(200, "{}"),
    });
    store.events(&subscriber()).await.expect("in the end");
    assert_eq!(count(&log, lets_in), 4);
    assert_eq!(count(&log, |asked| action(asked) == "CreateQueue"), 2);
    assert_eq!(action(log.all().last().expect("requests")), "PutTargets");
}
