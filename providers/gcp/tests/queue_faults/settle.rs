//! Settling: many at once, once only, and when answers are lost.

use std::sync::Arc;
use std::time::Duration;

use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, Receipt, Settlement, Verdict};
use skyport_core::{ErrorKind, Result};
use tonic::Code;

use crate::grpc::{Reply, Stub, failed, failed_with};
use crate::stub::{
    SECOND, acked, bringing, calls, deadlines, message, obliging, of_each, pulled, queue, received, retried,
    until,
};

/// A stub that brings so many messages to the first pull, and answers one method by these, in order.
async fn scripted(count: usize, method: &'static str, replies: Vec<Reply>) -> Stub {
    Stub::start(move |calls| {
        let Some(call) = calls.last() else { return Reply::Silent };
        let before = calls.iter().filter(|other| other.method == call.method).count() - 1;
        match call.method.as_str() {
            "Pull" if before == 0 => pulled((0..count).map(|n| message(&n.to_string(), "body", 1))),
            name if name == method => replies.get(before).cloned().unwrap_or_else(|| obliging(call)),
            _ => obliging(call),
        }
    })
    .await
}

fn all(held: &[RawDelivery], verdict: &Verdict) -> Vec<Settlement> {
    held.iter().map(|one| Settlement::new(one.receipt.clone(), verdict.clone())).collect()
}

fn kinds(results: &[Result<()>]) -> Vec<Option<ErrorKind>> {
    results.iter().map(|result| result.as_ref().err().map(skyport_core::Error::kind)).collect()
}

fn dead(one: &RawDelivery, reason: &str) -> Verdict {
    Verdict::DeadLetter { reason: reason.to_owned(), message: Box::new(one.to_message()) }
}

#[tokio::test]
async fn many_acknowledgements_are_one_request() {
    let stub = scripted(10, "", Vec::new()).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    assert!(queue.settle(all(&held, &Verdict::Ack)).await.iter().all(Result::is_ok));
    let requests: Vec<wire::AcknowledgeRequest> = calls(&stub, "Acknowledge");
    assert_eq!((requests.len(), requests[0].ack_ids.len()), (1, 10));
}

#[tokio::test]
async fn what_was_pushed_is_acknowledged_without_a_call_and_cannot_be_retried_here() {
    let stub = scripted(0, "", Vec::new()).await;
    let queue = queue(&stub);
    let settlement = |verdict| Settlement::new(skyport_gcp_wire::message::pushed("17"), verdict);
    let results =
        queue.settle(vec![settlement(Verdict::Ack), settlement(Verdict::Retry(Duration::ZERO))]).await;
    assert_eq!(kinds(&results), [None, Some(ErrorKind::InvalidArgument)]);
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn retries_are_one_request_for_each_second() {
    let stub = scripted(3, "", Vec::new()).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let after = [Duration::ZERO, SECOND * 2 - Duration::from_millis(1), SECOND * 2];
    let settlements = held.iter().zip(after);
    let settlements =
        settlements.map(|(one, after)| Settlement::new(one.receipt.clone(), Verdict::Retry(after)));
    assert!(queue.settle(settlements.collect()).await.iter().all(Result::is_ok));
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    // The first set the leases.
    let mut again = deadlines(&stub).split_off(1);
    again.sort();
    assert_eq!(again, [(ids(&["ack-0-1"]), 0), (ids(&["ack-1-1", "ack-2-1"]), 2)]);
}

#[tokio::test]
async fn one_that_is_no_id_does_not_spoil_the_others() {
    let refused = || failed(Code::InvalidArgument);
    // The three together, and then each alone.
    let stub = Stub::start(move |calls| match calls.last() {
        Some(call) if call.method == "Pull" => pulled((0..3).map(|n| message(&n.to_string(), "body", 1))),
        Some(call) if call.method == "Acknowledge" => {
            let ids = call.message::<wire::AcknowledgeRequest>().ack_ids;
            if ids.contains(&"ack-1-1".to_owned()) { refused() } else { obliging(call) }
        }
        Some(call) => obliging(call),
        None => Reply::Silent,
    })
    .await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let results = queue.settle(all(&held, &Verdict::Ack)).await;
    assert_eq!(kinds(&results), [None, Some(ErrorKind::PreconditionFailed), None]);
}

#[tokio::test]
async fn where_it_is_told_what_became_of_each_only_what_failed_is_repeated() {
    let told = of_each(&[
        ("ack-0-1", "PERMANENT_FAILURE_INVALID_ACK_ID"),
        ("ack-2-1", "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE"),
    ]);
    let stub = scripted(3, "Acknowledge", vec![failed_with(Code::FailedPrecondition, told)]).await;
    let queue = retried(queue(&stub));
    let held = received(&queue).await;
    let results = queue.settle(all(&held, &Verdict::Ack)).await;
    assert_eq!(kinds(&results), [Some(ErrorKind::PreconditionFailed), None, None]);
    assert_eq!(acked(&stub), ["ack-0-1", "ack-1-1", "ack-2-1", "ack-2-1"]);
}

#[tokio::test]
async fn an_acknowledgement_whose_answer_is_lost_is_repeated_and_ok() {
    let stub = scripted(1, "Acknowledge", vec![Reply::Broken]).await;
    let queue = retried(queue(&stub));
    let held = received(&queue).await;
    assert!(queue.settle(all(&held, &Verdict::Ack)).await[0].is_ok());
    assert_eq!(acked(&stub).len(), 2);
    // And where Pub/Sub tells that it was applied by the lost one.
    let gone = of_each(&[("ack-0-1", "PERMANENT_FAILURE_INVALID_ACK_ID")]);
    let lost = vec![Reply::Broken, failed_with(Code::FailedPrecondition, gone)];
    for (verdict, expected) in
        [(Verdict::Ack, None), (Verdict::Retry(SECOND), Some(ErrorKind::Indeterminate))]
    {
        let method = if verdict == Verdict::Ack { "Acknowledge" } else { "ModifyAckDeadline" };
        let mut replies = lost.clone();
        if method == "ModifyAckDeadline" {
            // The first sets the lease.
            replies.insert(0, crate::grpc::ok(()));
        }
        let stub = scripted(1, method, replies).await;
        let queue = retried(crate::stub::queue(&stub));
        let held = received(&queue).await;
        assert_eq!(kinds(&queue.settle(all(&held, &verdict)).await), [expected]);
    }
}

#[tokio::test]
async fn what_is_settled_and_what_is_no_receipt_is_refused_without_a_request() {
    let stub = scripted(1, "", Vec::new()).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let twice = [all(&held, &Verdict::Ack), all(&held, &Verdict::Retry(SECOND))].concat();
    let lost = Some(ErrorKind::PreconditionFailed);
    assert_eq!(kinds(&queue.settle(twice).await), [None, lost]);
    assert_eq!(kinds(&queue.settle(all(&held, &Verdict::Ack)).await), [lost]);
    assert_eq!(
        queue.extend(&held[0].receipt, SECOND).await.expect_err("settled").kind(),
        ErrorKind::PreconditionFailed
    );
    for receipt in ["", "ack-0-1", "projects/p/subscriptions/jobs:1"] {
        let results = queue.settle(vec![Settlement::new(Receipt::new(receipt), Verdict::Ack)]).await;
        assert_eq!(kinds(&results), [Some(ErrorKind::InvalidArgument)], "{receipt}");
    }
    assert_eq!((acked(&stub).len(), deadlines(&stub).len()), (1, 1));
}

#[tokio::test]
async fn a_receipt_that_travels_settles_in_another_process() {
    let stub = scripted(1, "", Vec::new()).await;
    let held = received(&queue(&stub)).await;
    let json = serde_json::to_string(&held[0].receipt).expect("serialises");
    let receipt: Receipt = serde_json::from_str(&json).expect("comes back");
    let elsewhere = queue(&stub);
    assert!(elsewhere.settle(vec![Settlement::new(receipt, Verdict::Ack)]).await[0].is_ok());
    assert_eq!(acked(&stub), ["ack-0-1"]);
}

#[tokio::test]
async fn a_dead_letter_is_sent_and_then_acknowledged() {
    let stub = scripted(1, "", Vec::new()).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let results = queue.settle(all(&held, &dead(&held[0], "no picture"))).await;
    assert!(results[0].is_ok());
    let methods: Vec<String> = stub.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["Pull", "ModifyAckDeadline", "Publish", "Acknowledge"]);
    let letter = calls::<wire::PublishRequest>(&stub, "Publish").remove(0);
    assert_eq!(letter.topic, "projects/p/topics/jobs-dead");
    let envelope = Envelope::unpack(&letter.messages[0].attributes["skyport"]).expect("ours");
    assert_eq!((&letter.messages[0].data[..], envelope.reason()), (&b"body"[..], Some("no picture")));
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_sent_leaves_its_message() {
    let stub = scripted(1, "Publish", vec![failed(Code::NotFound)]).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let error = queue.settle(all(&held, &dead(&held[0], "no"))).await.remove(0).expect_err("not sent");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::NotFound, Some("jobs-dead")));
    assert!(acked(&stub).is_empty());
    // It is still ours.
    assert!(queue.settle(all(&held, &Verdict::Ack)).await[0].is_ok());
}

#[tokio::test]
async fn a_dead_letter_that_was_sent_is_not_sent_again_when_its_message_is_not_acknowledged() {
    let stub = scripted(1, "Acknowledge", vec![failed(Code::Unavailable)]).await;
    let queue = retried(queue(&stub));
    let held = received(&queue).await;
    assert!(queue.settle(all(&held, &dead(&held[0], "no"))).await[0].is_ok());
    assert_eq!((calls::<wire::PublishRequest>(&stub, "Publish").len(), acked(&stub).len()), (1, 2));
}

#[tokio::test]
async fn letters_have_a_reason_keep_their_group_and_have_no_letters_of_their_own() {
    let mut letter = message("7", "body", 0);
    let inner = letter.message.as_mut().expect("a message");
    inner.ordering_key = "a".into();
    inner.attributes = [("CloudPubSubDeadLetterSourceDeliveryCount".to_owned(), "5".to_owned())].into();
    let stub = bringing([pulled([letter, message("8", "body", 0)])]).await;
    let letters: Arc<dyn MessageQueue> = queue(&stub).dead_letters().expect("has some");
    assert_eq!(letters.info().resource, "jobs-dead");
    let held = received(&letters).await;
    for one in &held {
        assert_eq!((one.envelope.reason(), one.attempt), (Some("attempts"), 1));
        assert!(one.attributes.is_empty());
    }
    assert_eq!((held[0].group.as_deref(), held[1].group.as_deref()), (Some("a"), None));
    assert_eq!(letters.dead_letters().expect_err("none").kind(), ErrorKind::Unsupported);
    let results = letters.settle(all(&held[..1], &dead(&held[0], "again"))).await;
    assert_eq!(kinds(&results), [Some(ErrorKind::Unsupported)]);
    assert!(letters.send(vec![OutMessage::new("x")]).await[0].is_ok());
    until("to the letters' own topic", || {
        calls::<wire::PublishRequest>(&stub, "Publish")[0].topic == "projects/p/topics/jobs-dead"
    })
    .await;
}
