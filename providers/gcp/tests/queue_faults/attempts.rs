//! Attempts: those that Pub/Sub counts, those that nobody has seen, and the last one.

use std::sync::Arc;

use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{MessageQueue, Settlement, Verdict};
use tokio::time::timeout;
use tonic::Code;

use crate::grpc::{Reply, Stub, failed, ok};
use crate::stub::{
    MINUTE, SECOND, TENTH, acked, calls, deadlines, message, obliging, options, pulled, queue, queue_with,
    received, subscription, until,
};

/// Brings one message after the other, each with this attempt, and says this about the subscription.
async fn counting(attempts: Vec<i32>, told: Reply) -> Stub {
    Stub::start(move |calls| {
        let Some(call) = calls.last() else { return Reply::Silent };
        let before = calls.iter().filter(|other| other.method == call.method).count() - 1;
        match call.method.as_str() {
            "Pull" => match attempts.get(before) {
                Some(attempt) => pulled([message(&before.to_string(), "body", *attempt)]),
                None => Reply::Silent,
            },
            "GetSubscription" => told.clone(),
            _ => obliging(call),
        }
    })
    .await
}

fn reasons(stub: &Stub) -> Vec<Option<String>> {
    let letters = calls::<wire::PublishRequest>(stub, "Publish").into_iter();
    letters
        .flat_map(|request| request.messages)
        .map(|letter| Envelope::unpack(&letter.attributes["skyport"]).expect("ours"))
        .map(|envelope| envelope.reason().map(str::to_owned))
        .collect()
}

fn twice(stub: &Stub) -> Arc<dyn MessageQueue> {
    queue_with(stub, |settings| settings.max_attempts = 2)
}

async fn retry(queue: &Arc<dyn MessageQueue>) {
    let held = received(queue).await;
    let settled = queue.settle(vec![Settlement::new(held[0].receipt.clone(), Verdict::Retry(SECOND))]).await;
    assert!(settled[0].is_ok());
}

fn spent() -> Vec<Option<String>> {
    vec![Some("attempts".to_owned())]
}

#[tokio::test]
async fn what_was_delivered_too_often_is_moved_before_anybody_sees_it() {
    let stub = counting(vec![3, 1], ok(subscription(5))).await;
    let held = received(&twice(&stub)).await;
    assert_eq!((held.len(), &*held[0].id), (1, "1"));
    until("it is acknowledged", || acked(&stub) == ["ack-0-3"]).await;
    assert_eq!(reasons(&stub), spent());
}

#[tokio::test]
async fn a_retry_of_the_last_attempt_goes_to_the_dead_letters_at_once() {
    let stub = counting(vec![2], ok(subscription(5))).await;
    retry(&twice(&stub)).await;
    assert_eq!((reasons(&stub), acked(&stub)), (spent(), vec!["ack-0-2".to_owned()]));
    // Where Pub/Sub counts as declared, it need not be waited for, either.
    let stub = counting(vec![5], ok(subscription(5))).await;
    retry(&queue(&stub)).await;
    assert_eq!(reasons(&stub), spent());
}

#[tokio::test]
async fn what_was_provisioned_wins_over_what_is_declared() {
    let endless = wire::Subscription { dead_letter_policy: None, ..subscription(5) };
    for told in [subscription(7), endless] {
        let stub = counting(vec![2, 3], ok(told)).await;
        let queue = twice(&stub);
        retry(&queue).await;
        retry(&queue).await;
        assert!(reasons(&stub).is_empty() && acked(&stub).is_empty());
        assert_eq!(
            calls::<wire::GetSubscriptionRequest>(&stub, "GetSubscription").len(),
            1,
            "it is remembered"
        );
    }
}

#[tokio::test]
async fn who_may_not_read_the_subscription_goes_by_what_is_declared() {
    let stub = counting(vec![2], failed(Code::PermissionDenied)).await;
    retry(&twice(&stub)).await;
    assert_eq!(reasons(&stub), spent());
}

#[tokio::test]
async fn what_may_have_more_attempts_than_pubsub_counts_is_sent_anew_unseen_and_counted_on() {
    let stub = counting(vec![95, 1], ok(subscription(100))).await;
    let queue = queue_with(&stub, |settings| settings.max_attempts = 200);
    let held = received(&queue).await;
    assert_eq!((held.len(), &*held[0].id), (1, "1"), "the first is not seen");
    until("it is acknowledged", || acked(&stub) == ["ack-0-95"]).await;
    let sent = calls::<wire::PublishRequest>(&stub, "Publish").remove(0);
    assert_eq!((&*sent.topic, &sent.messages[0].data[..]), ("projects/p/topics/jobs", &b"body"[..]));
    let envelope = Envelope::unpack(&sent.messages[0].attributes["skyport"]).expect("ours");
    assert_eq!((envelope.attempts_before(), envelope.reason()), (94, None));
}

#[tokio::test]
async fn a_message_that_was_sent_anew_is_dead_after_all_of_its_attempts() {
    let mut envelope = Envelope::default();
    envelope.set_attempts_before(198);
    let again = move |attempt| {
        let mut again = message("0", "body", attempt);
        let attributes = &mut again.message.as_mut().expect("a message").attributes;
        attributes.insert("skyport".to_owned(), envelope.pack());
        again
    };
    let stub = Stub::start(move |calls| match calls.last() {
        Some(call) if call.method == "Pull" => pulled([again(2)]),
        Some(call) if call.method == "GetSubscription" => ok(subscription(100)),
        Some(call) => obliging(call),
        None => Reply::Silent,
    })
    .await;
    let queue = queue_with(&stub, |settings| settings.max_attempts = 200);
    let held = received(&queue).await;
    assert_eq!(held[0].attempt, 200);
    let retried = Settlement::new(held[0].receipt.clone(), Verdict::Retry(SECOND));
    assert!(queue.settle(vec![retried]).await[0].is_ok());
    assert_eq!(reasons(&stub), spent());
    let letter = calls::<wire::PublishRequest>(&stub, "Publish").remove(0).messages.remove(0);
    let envelope = Envelope::unpack(&letter.attributes["skyport"]).expect("ours");
    assert_eq!(envelope.attempts_before(), 0, "sent back, it begins anew");
}

#[tokio::test]
async fn a_letter_that_cannot_be_sent_is_not_lost() {
    let stub = Stub::start(|calls| match calls.last() {
        Some(call) if call.method == "Publish" => failed(Code::Unavailable),
        Some(call) if call.method == "Pull" && calls.len() == 1 => pulled([message("0", "body", 3)]),
        Some(call) => obliging(call),
        None => Reply::Silent,
    })
    .await;
    assert!(twice(&stub).receive(options(10, SECOND)).await.expect("nothing").is_empty());
    assert!(acked(&stub).is_empty());
}

#[tokio::test]
async fn what_went_back_unseen_was_no_attempt() {
    let stub = Stub::start(|calls| {
        let Some(call) = calls.last() else { return Reply::Silent };
        let pulls = calls.iter().filter(|other| other.method == "Pull").count();
        match (call.method.as_str(), pulls) {
            ("Pull", 1) => Reply::After(TENTH * 3, Box::new(pulled([message("0", "body", 1)]))),
            ("Pull", 2) => pulled([message("0", "body", 2)]),
            ("Pull", 3) => pulled([message("0", "body", 3)]),
            _ => obliging(call),
        }
    })
    .await;
    let queue = queue_with(&stub, |settings| settings.max_attempts = 1);
    assert!(timeout(TENTH, queue.receive(options(10, MINUTE))).await.is_err());
    until("it goes back", || !deadlines(&stub).is_empty()).await;
    // It would be dead before its first attempt.
    assert_eq!(received(&queue).await[0].attempt, 1);
    assert!(queue.receive(options(10, SECOND)).await.expect("dead").is_empty());
    assert_eq!(reasons(&stub), spent());
}
