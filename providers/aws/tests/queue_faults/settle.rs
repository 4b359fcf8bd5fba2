//! Settling, when it goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use skyport_core::queue::port::{MessageQueue, QueueSettings, RawDelivery, Receipt, Settlement, Verdict};
use skyport_core::{ErrorKind, Result};

use super::stub::{Call, Reply, Sqs, message, obliging, partly};
use super::{MINUTE, kinds, received, retried};

/// Gives these messages to every receive.
fn holding(messages: Vec<Value>, mut script: impl FnMut(&Call) -> Option<Reply> + Send + 'static) -> Sqs {
    Sqs::scripted(move |call| match (script(call), call.action.as_str()) {
        (Some(reply), _) => reply,
        (None, "ReceiveMessage") => Reply::Done(json!({ "Messages": messages })),
        (None, _) => obliging(call),
    })
}

fn several(count: usize) -> Vec<Value> {
    (0..count).map(|n| message(&format!("h{n}"), "x", 1)).collect()
}

fn acks(deliveries: &[RawDelivery]) -> Vec<Settlement> {
    deliveries.iter().map(|delivery| Settlement::new(delivery.receipt.clone(), Verdict::Ack)).collect()
}

fn dead(delivery: &RawDelivery, reason: &str) -> Settlement {
    let message = Box::new(delivery.to_message());
    Settlement::new(delivery.receipt.clone(), Verdict::DeadLetter { reason: reason.to_owned(), message })
}

async fn end(queue: &Arc<dyn MessageQueue>, receipt: &Receipt, verdict: Verdict) -> Result<()> {
    queue.settle(vec![Settlement::new(receipt.clone(), verdict)]).await.remove(0)
}

fn handles(call: &Call) -> Vec<String> {
    let handle = |of: &Value| of["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
    if call.entries().is_empty() {
        vec![handle(&call.input)]
    } else {
        call.entries().iter().map(handle).collect()
    }
}

/// What was sent to the dead letters: body and reason.
fn letters(sqs: &Sqs) -> Vec<(String, String)> {
    let letter = |call: Call| {
        assert!(call.queue().starts_with("jobs-dead"), "{call:?}");
        let packed =
            call.input["MessageAttributes"]["skyport"]["StringValue"].as_str().unwrap_or("{}").to_owned();
        let envelope: Value = serde_json::from_str(&packed).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&call.input["MessageBody"]), text(&envelope["r"]))
    };
    sqs.calls("SendMessage").into_iter().map(letter).collect()
}

#[tokio::test(start_paused = true)]
async fn one_ack_is_one_request_and_many_are_ten_in_one() {
    let sqs = holding(several(10), |_| None);
    let queue = sqs.queue();
    let held = received(&queue).await;
    assert_eq!(kinds(&queue.settle(acks(&held[..1])).await), [None]);
    assert_eq!(kinds(&queue.settle(acks(&held[1..])).await), [None; 9]);
    assert_eq!(sqs.actions(), ["ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"]);
    let raw = (0..25).map(|n| Settlement::new(Receipt::new(format!("raw{n}")), Verdict::Ack)).collect();
    assert_eq!(kinds(&queue.settle(raw).await), [None; 25]);
    assert_eq!(sqs.calls("DeleteMessageBatch").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_fails_is_named_and_it_alone_is_repeated() {
    let sqs = holding(several(3), |call| match call.action.as_str() {
        "DeleteMessageBatch" => Some(partly(call, |entry| match entry["ReceiptHandle"].as_str() {
            Some("h0") => Some("InternalError"),
            Some("h2") => Some("ReceiptHandleIsInvalid"),
            _ => None,
        })),
        _ => None,
    });
    let queue = retried(sqs.queue());
    let held = received(&queue).await;
    let mut results = queue.settle(acks(&held)).await;
    // The first was ambiguous for a moment; the last is gone, and that is no reason to ask again.
    assert_eq!(kinds(&results), [None, None, Some(ErrorKind::PreconditionFailed)]);
    assert!(!results.remove(2).expect_err("gone").is_ambiguous());
    assert_eq!(handles(&sqs.calls("DeleteMessage")[0]), ["h0"]);
    assert_eq!(sqs.calls("DeleteMessageBatch").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ack_whose_answer_is_lost_is_ok() {
    // SQS takes the second as well; others say that the handle is gone.
    for second in [Reply::Done(json!({})), Reply::Refused(400, "ReceiptHandleIsInvalid")] {
        let mut second = Some(second);
        let asked = AtomicU32::new(0);
        let sqs = holding(several(1), move |call| match call.action.as_str() {
            "DeleteMessage" if asked.fetch_add(1, Ordering::SeqCst) == 0 => Some(Reply::Reset),
            "DeleteMessage" => second.take(),
            _ => None,
        });
        let queue = retried(sqs.queue());
        let held = received(&queue).await;
        assert_eq!(kinds(&queue.settle(acks(&held)).await), [None]);
        assert_eq!(sqs.calls("DeleteMessage").len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_whose_answer_is_lost_is_indeterminate_where_the_message_is_gone() {
    let asked = AtomicU32::new(0);
    let sqs = holding(several(1), move |call| match call.action.as_str() {
        "ChangeMessageVisibility" if asked.fetch_add(1, Ordering::SeqCst) == 0 => Some(Reply::Reset),
        "ChangeMessageVisibility" => Some(Reply::Refused(400, "InvalidParameterValue")),
        _ => None,
    });
    let queue = retried(sqs.queue());
    let held = received(&queue).await;
    let retried = end(&queue, &held[0].receipt, Verdict::Retry(Duration::ZERO)).await;
    assert_eq!(retried.expect_err("unknown").kind(), ErrorKind::Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_sqs_says_has_ended_is_a_failed_precondition() {
    for (status, code) in [
        (400, "InvalidParameterValue"),
        (400, "ReceiptHandleIsInvalid"),
        (404, "ReceiptHandleIsInvalid"),
        (400, "MessageNotInflight"),
        (400, "AWS.SimpleQueueService.MessageNotInflight"),
    ] {
        let sqs = holding(several(1), move |call| {
            let settles = call.action.starts_with("Delete") || call.action.starts_with("Change");
            settles.then_some(Reply::Refused(status, code))
        });
        let queue = sqs.queue();
        for verdict in [Verdict::Ack, Verdict::Retry(MINUTE)] {
            let held = received(&queue).await;
            let failed = end(&queue, &held[0].receipt, verdict).await.expect_err(code);
            assert_eq!(failed.kind(), ErrorKind::PreconditionFailed, "{code}");
            assert!(!failed.is_retryable());
        }
        let held = received(&queue).await;
        let failed = queue.extend(&held[0].receipt, MINUTE).await.expect_err(code);
        assert_eq!(failed.kind(), ErrorKind::PreconditionFailed, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_and_what_has_ended_is_refused_without_a_request() {
    let sqs = holding(several(2), |_| None);
    let queue = sqs.queue();
    let held = received(&queue).await;
    let twice = [&acks(&held[..1])[..], &acks(&held[..1])[..]].concat();
    let over = Some(ErrorKind::PreconditionFailed);
    assert_eq!(kinds(&queue.settle(twice).await), [None, over]);
    assert_eq!(kinds(&queue.settle(acks(&held[..1])).await), [over]);
    tokio::time::advance(MINUTE - Duration::from_secs(1)).await;
    assert_eq!(queue.extend(&held[1].receipt, MINUTE).await.expect("held"), held[1].receipt);
    tokio::time::advance(MINUTE - Duration::from_secs(1)).await;
    assert!(queue.extend(&held[1].receipt, Duration::from_secs(1)).await.is_ok());
    tokio::time::advance(Duration::from_secs(2)).await;
    let asked = sqs.actions().len();
    assert_eq!(kinds(&queue.settle(vec![dead(&held[1], "late")]).await), [over]);
    assert_eq!(
        queue.extend(&held[1].receipt, MINUTE).await.expect_err("over").kind(),
        ErrorKind::PreconditionFailed
    );
    assert_eq!(sqs.actions().len(), asked, "{:?}", sqs.actions());
}

#[tokio::test(start_paused = true)]
async fn the_platforms_own_handle_settles_and_one_that_sqs_does_not_know_holds_nothing() {
    let sqs = holding(Vec::new(), |call| {
        (handles(call) == ["nonsense"]).then_some(Reply::Refused(400, "ReceiptHandleIsInvalid"))
    });
    let queue = sqs.queue();
    let raw = Receipt::new("AQEBzWwaftRI0KuVm4tP+/==");
    end(&queue, &raw, Verdict::Ack).await.expect("settled");
    end(&queue, &raw, Verdict::Retry(Duration::from_millis(1500))).await.expect("settled");
    assert_eq!(queue.extend(&raw, MINUTE).await.expect("extended"), raw);
    assert_eq!(handles(&sqs.calls("DeleteMessage")[0]), [raw.as_str()]);
    let hidden: Vec<Value> = sqs
        .calls("ChangeMessageVisibility")
        .iter()
        .map(|call| call.input["VisibilityTimeout"].clone())
        .collect();
    assert_eq!(hidden, [json!(2), json!(60)]);
    let nonsense = end(&queue, &Receipt::new("nonsense"), Verdict::Ack).await.expect_err("nonsense");
    assert_eq!(nonsense.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_travels_settles_in_another_process() {
    let sqs = holding(several(1), |_| None);
    let held = received(&sqs.queue()).await;
    let text = serde_json::to_string(&held[0].receipt).expect("JSON");
    let elsewhere = sqs.queue();
    let receipt: Receipt = serde_json::from_str(&text).expect("a receipt");
    end(&elsewhere, &receipt, Verdict::Ack).await.expect("settled");
    assert_eq!(handles(&sqs.calls("DeleteMessage")[0]), ["h0"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_sent_and_then_deleted() {
    let sqs = holding(several(1), |_| None);
    let queue = sqs.queue();
    let held = received(&queue).await;
    assert_eq!(kinds(&queue.settle(vec![dead(&held[0], "broken: ü")]).await), [None]);
    assert_eq!(sqs.actions(), ["ReceiveMessage", "SendMessage", "DeleteMessage"]);
    assert_eq!(letters(&sqs), [("x".to_owned(), "broken: ü".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_sent_leaves_its_message() {
    for (status, code, kind) in [
        (400, "AWS.SimpleQueueService.NonExistentQueue", ErrorKind::NotFound),
        (403, "AccessDeniedException", ErrorKind::PermissionDenied),
        (500, "InternalFailure", ErrorKind::Unavailable),
    ] {
        let sqs = holding(several(1), move |call| {
            (call.action == "SendMessage").then_some(Reply::Refused(status, code))
        });
        let queue = sqs.queue();
        let held = received(&queue).await;
        let error = queue.settle(vec![dead(&held[0], "no")]).await.remove(0).expect_err(code);
        assert_eq!((error.kind(), error.resource()), (kind, Some("jobs-dead")));
        assert!(sqs.calls("DeleteMessage").is_empty(), "the message stays");
        // It is held still, and can be settled otherwise.
        assert_eq!(kinds(&queue.settle(acks(&held)).await), [None]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_was_sent_is_not_sent_again_when_its_message_is_not_deleted() {
    let asked = AtomicU32::new(0);
    let sqs = holding(several(1), move |call| match call.action.as_str() {
        "DeleteMessage" if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
            Some(Reply::Refused(503, "ServiceUnavailable"))
        }
        _ => None,
    });
    let queue = retried(sqs.queue());
    let held = received(&queue).await;
    assert_eq!(kinds(&queue.settle(vec![dead(&held[0], "no")]).await), [None]);
    assert_eq!(sqs.actions(), ["ReceiveMessage", "SendMessage", "DeleteMessage", "DeleteMessage"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_of_an_ordered_queue_keeps_its_group_and_is_sent_once() {
    let mut first = message("h0", "x", 1);
    first["Attributes"]["MessageGroupId"] = json!("orders");
    let asked = AtomicU32::new(0);
    let sqs = holding(vec![first], move |call| match call.action.as_str() {
        "SendMessage" if asked.fetch_add(1, Ordering::SeqCst) == 0 => Some(Reply::Reset),
        _ => None,
    });
    let queue = retried(sqs.ordered());
    let held = received(&queue).await;
    assert_eq!(held[0].group.as_deref(), Some("orders"));
    assert_eq!(kinds(&queue.settle(vec![dead(&held[0], "no")]).await), [None]);
    let sent = sqs.calls("SendMessage");
    assert_eq!((sent.len(), sent[0].queue()), (2, "jobs-dead.fifo"));
    assert_eq!(sent[0].input["MessageGroupId"], json!("orders"));
    assert_eq!(sent[0].input["MessageDeduplicationId"], sent[1].input["MessageDeduplicationId"]);
}

/// A queue that is declared to give up after 2 attempts, with a message at this attempt.
fn declared(attempt: u32, policy: Reply) -> (Sqs, Arc<dyn MessageQueue>) {
    let mut policy = Some(policy);
    let sqs = holding(vec![message("h0", "x", attempt)], move |call| match call.action.as_str() {
        "GetQueueAttributes" => policy.take(),
        _ => None,
    });
    let mut settings = QueueSettings::default();
    settings.max_attempts = 2;
    let queue = sqs.queue_with(&settings);
    (sqs, queue)
}

fn policy(most: u32) -> Reply {
    let policy = json!({ "deadLetterTargetArn": "arn", "maxReceiveCount": most }).to_string();
    Reply::Done(json!({ "Attributes": { "RedrivePolicy": policy } }))
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_last_attempt_goes_to_the_dead_letters_at_once() {
    let (sqs, queue) = declared(2, policy(2));
    let held = received(&queue).await;
    end(&queue, &held[0].receipt, Verdict::Retry(MINUTE)).await.expect("settled");
    assert_eq!(letters(&sqs), [("x".to_owned(), "attempts".to_owned())]);
    assert_eq!(handles(&sqs.calls("DeleteMessage")[0]), ["h0"]);
    assert!(sqs.calls("ChangeMessageVisibility").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_was_provisioned_with_wins_over_what_is_declared() {
    let unreadable = Reply::Refused(403, "AccessDeniedException");
    let none = Reply::Done(json!({ "Attributes": {} }));
    for (attempt, policy, asked) in [(1, policy(2), 0), (2, policy(3), 1), (2, unreadable, 1), (2, none, 1)] {
        let (sqs, queue) = declared(attempt, policy);
        let held = received(&queue).await;
        end(&queue, &held[0].receipt, Verdict::Retry(MINUTE)).await.expect("settled");
        assert!(letters(&sqs).is_empty());
        assert_eq!(sqs.calls("ChangeMessageVisibility")[0].input["VisibilityTimeout"], json!(60));
        assert_eq!(sqs.calls("GetQueueAttributes").len(), asked, "at attempt {attempt}");
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letters_have_none_of_their_own_and_stay() {
    let sqs = holding(vec![message("h0", "x", 1000)], |_| None);
    let letters = sqs.queue().dead_letters().expect("dead letters");
    let held = received(&letters).await;
    assert_eq!(held[0].envelope.reason(), Some("attempts"));
    assert_eq!(kinds(&letters.settle(vec![dead(&held[0], "again")]).await), [Some(ErrorKind::Unsupported)]);
    end(&letters, &held[0].receipt, Verdict::Retry(Duration::ZERO)).await.expect("settled");
    assert_eq!(sqs.actions(), ["ReceiveMessage", "ChangeMessageVisibility"]);
    assert_eq!(sqs.calls("ReceiveMessage")[0].queue(), "jobs-dead");
    assert_eq!(letters.dead_letters().expect_err("none").kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_sqs_moved_says_so_whatever_it_said_in_a_life_before() {
    let letter = |moved: bool| {
        let mut letter = message("h0", "x", 3);
        letter["MessageAttributes"] =
            json!({ "skyport": { "DataType": "String", "StringValue": "{\"r\":\"broken\"}" } });
        if moved {
            letter["Attributes"]["DeadLetterQueueSourceArn"] = json!("arn:aws:sqs:us-east-1:1:jobs");
        }
        letter
    };
    for (moved, reason) in [(false, "broken"), (true, "attempts")] {
        let sqs = holding(vec![letter(moved)], |_| None);
        let letters = sqs.queue().dead_letters().expect("dead letters");
        assert_eq!(received(&letters).await[0].envelope.reason(), Some(reason));
    }
}
