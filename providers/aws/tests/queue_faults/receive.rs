//! Receiving, when it takes long, is dropped, or goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use skyport_core::ErrorKind;
use skyport_core::queue::port::{MessageQueue, ReceiveOptions};
use tokio::time::{Instant, timeout};

use super::stub::{Call, Reply, Sqs, message, obliging};
use super::{MINUTE, received, retried};

const SECOND: Duration = Duration::from_secs(1);

/// Waits as long as it is told to, and brings nothing.
fn empty(call: &Call) -> Reply {
    if call.action != "ReceiveMessage" {
        return obliging(call);
    }
    let wait = call.input["WaitTimeSeconds"].as_u64().unwrap_or_default();
    Reply::After(SECOND * u32::try_from(wait).expect("seconds"), Box::new(Reply::Done(json!({}))))
}

fn waits(sqs: &Sqs) -> Vec<u64> {
    let wait = |call: Call| call.input["WaitTimeSeconds"].as_u64().unwrap_or_default();
    sqs.calls("ReceiveMessage").into_iter().map(wait).collect()
}

fn options(wait: Duration) -> ReceiveOptions {
    ReceiveOptions::new(10, wait, MINUTE)
}

/// Brings one message after so long, to the first receive; nothing to the others, who wait.
fn late(after: Duration) -> Sqs {
    let asked = AtomicU32::new(0);
    Sqs::scripted(move |call| match call.action.as_str() {
        "ReceiveMessage" if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::After(after, Box::new(Reply::Done(json!({ "Messages": [message("h0", "late", 1)] }))))
        }
        _ => empty(call),
    })
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_as_long_as_asked_in_calls_of_twenty_seconds() {
    for (wait, expected) in [
        (SECOND * 45, vec![20, 20, 5]),
        (SECOND * 2, vec![2]),
        (Duration::ZERO, vec![0]),
        (SECOND / 2, vec![0, 0]),
        (SECOND * 3 / 2, vec![1, 0]),
    ] {
        let sqs = Sqs::scripted(empty);
        let queue = sqs.queue();
        let begun = Instant::now();
        assert!(queue.receive(options(wait)).await.expect("received").is_empty());
        assert_eq!(begun.elapsed().as_millis(), wait.as_millis());
        assert_eq!(waits(&sqs), expected, "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receive_asks_for_all_that_a_delivery_needs() {
    let sqs = Sqs::scripted(empty);
    assert!(received(&sqs.queue()).await.is_empty());
    let asked = &sqs.calls("ReceiveMessage")[0].input;
    assert_eq!((&asked["MaxNumberOfMessages"], &asked["VisibilityTimeout"]), (&json!(10), &json!(60)));
    assert_eq!(asked["MessageAttributeNames"], json!(["All"]));
    let told = ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "DeadLetterQueueSourceArn"];
    assert_eq!(asked["MessageSystemAttributeNames"], json!(told));
    // Behind a message that is not settled nothing of its group may be leased.
    let ordered = Sqs::scripted(empty);
    assert!(received(&ordered.ordered()).await.is_empty());
    assert_eq!(ordered.calls("ReceiveMessage")[0].input["MaxNumberOfMessages"], json!(1));
}

#[tokio::test(start_paused = true)]
async fn what_arrives_after_its_receive_was_dropped_goes_back_at_once() {
    let sqs = late(SECOND * 5);
    let queue = sqs.queue();
    assert!(timeout(SECOND, queue.receive(options(SECOND * 20))).await.is_err());
    assert!(sqs.calls("ChangeMessageVisibilityBatch").is_empty());
    tokio::time::sleep(SECOND * 5).await;
    let returned = sqs.calls("ChangeMessageVisibilityBatch");
    assert_eq!(returned.len(), 1);
    let entry = &returned[0].entries()[0];
    assert_eq!((&entry["ReceiptHandle"], &entry["VisibilityTimeout"]), (&json!("h0"), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_receive_was_dropped_serves_the_next_receive() {
    let sqs = late(SECOND * 5);
    let queue = sqs.queue();
    for _ in 0..4 {
        // As a `select!` in a loop does.
        assert!(timeout(SECOND, queue.receive(options(SECOND * 20))).await.is_err());
    }
    let held = queue.receive(options(SECOND * 20)).await.expect("received");
    assert_eq!(&held[0].body[..], b"late");
    assert_eq!(waits(&sqs), [20]);
    assert!(sqs.calls("ChangeMessageVisibilityBatch").is_empty());
    // A shorter wait is kept, and the call goes on.
    let sqs = late(SECOND * 5);
    let queue = sqs.queue();
    assert!(timeout(SECOND, queue.receive(options(SECOND * 20))).await.is_err());
    let begun = Instant::now();
    assert!(queue.receive(options(SECOND * 2)).await.expect("received").is_empty());
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(queue.receive(options(SECOND * 20)).await.expect("received").len(), 1);
    assert_eq!(waits(&sqs), [20]);
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_fails_says_how_and_is_repeated() {
    for (reply, kind) in [
        (Reply::Refused(403, "OverLimit"), ErrorKind::Throttled),
        (Reply::Refused(400, "RequestThrottled"), ErrorKind::Throttled),
        (Reply::Refused(500, "InternalFailure"), ErrorKind::Unavailable),
        (Reply::Reset, ErrorKind::Unavailable),
        (Reply::NoConnection, ErrorKind::Unavailable),
    ] {
        let mut reply = Some(reply);
        let mut failing = move |call: &Call| match call.action.as_str() {
            "ReceiveMessage" => reply.take(),
            _ => None,
        };
        let sqs = Sqs::scripted(move |call| failing(call).unwrap_or_else(|| empty(call)));
        let error = sqs.queue().receive(options(Duration::ZERO)).await.expect_err("failed");
        assert_eq!(error.kind(), kind);
        assert!(error.is_retryable());
        assert!(retried(sqs.queue()).receive(options(Duration::ZERO)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_given_up() {
    let silent = Reply::After(SECOND * 86_400, Box::new(Reply::Done(json!({}))));
    let mut silent = Some(silent);
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "ReceiveMessage" => silent.take().unwrap_or_else(|| empty(call)),
        _ => obliging(call),
    });
    let begun = Instant::now();
    let error = sqs.queue().receive(options(SECOND * 20)).await.expect_err("silence");
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Timeout, 30));
}

#[tokio::test(start_paused = true)]
async fn a_missing_queue_is_not_found_at_every_use_and_found_once_it_is_there() {
    let there = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&there);
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "GetQueueUrl" if seen.load(Ordering::SeqCst) == 0 => {
            Reply::Refused(400, "AWS.SimpleQueueService.NonExistentQueue")
        }
        _ => empty(call),
    });
    let queue: Arc<dyn MessageQueue> = sqs.queue();
    for _ in 0..2 {
        let error = queue.receive(options(SECOND * 5)).await.expect_err("missing");
        assert_eq!((error.kind(), error.resource()), (ErrorKind::NotFound, Some("jobs")));
        assert_eq!(queue.depth().await.expect_err("missing").kind(), ErrorKind::NotFound);
    }
    there.store(1, Ordering::SeqCst);
    assert!(queue.receive(options(Duration::ZERO)).await.expect("there").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_depth_is_what_sqs_says() {
    let sqs = Sqs::scripted(|call| match call.action.as_str() {
        "GetQueueAttributes" => Reply::Done(json!({ "Attributes": {
            "ApproximateNumberOfMessages": "7", "ApproximateNumberOfMessagesNotVisible": "2",
            "ApproximateNumberOfMessagesDelayed": "1",
        } })),
        _ => obliging(call),
    });
    let depth = sqs.queue().depth().await.expect("told");
    assert_eq!((depth.ready, depth.in_flight, depth.delayed), (7, 2, 1));
    let asked: Vec<Value> = sqs.calls("GetQueueAttributes").into_iter().map(|call| call.input).collect();
    assert_eq!(asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ordered_receive_whose_answer_is_lost_asks_for_the_same_messages_again() {
    let mut lost = Some(Reply::Reset);
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "ReceiveMessage" => lost.take().unwrap_or_else(|| empty(call)),
        _ => obliging(call),
    });
    let queue = retried(sqs.ordered());
    for _ in 0..2 {
        assert!(received(&queue).await.is_empty());
    }
    let ids: Vec<String> = sqs
        .calls("ReceiveMessage")
        .iter()
        .map(|call| call.input["ReceiveRequestAttemptId"].to_string())
        .collect();
    assert_eq!((ids.len(), ids[0] == ids[1], ids[1] == ids[2]), (3, true, false), "{ids:?}");
    assert!(received(&sqs.queue()).await.is_empty());
    assert_eq!(sqs.calls("ReceiveMessage")[3].input["ReceiveRequestAttemptId"], Value::Null);
}
