//! Messages, and their ends.

use skyport_core::blob::port::{BlobStore, DeleteOptions, ListOptions};
use skyport_memory::{Fault, Operation};

use super::*;

impl Stage {
    /// The port of a queue without layers: what the platform holds.
    fn plain(&self, name: &str) -> Arc<dyn MessageQueue> {
        let mut settings = QueueSettings::default();
        settings.ordered = name == "ordered";
        self.memory.queue(&ResourceUrl::new("memory", name), &settings).expect("opens")
    }

    /// Receives what is there, as a mapping does.
    async fn event(&self, name: &str, change: impl Fn(&mut Value)) -> Value {
        let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
        let received: Vec<RawDelivery> = self.plain(name).receive(options).await.expect("received");
        let records: Vec<Value> = received
            .iter()
            .map(|delivery| {
                let mut record = record(name, delivery);
                change(&mut record);
                record
            })
            .collect();
        json!({"Records": records})
    }

    async fn depth(&self, name: &str) -> (u64, u64, u64) {
        let depth = self.plain(name).depth().await.expect("told");
        (depth.ready, depth.in_flight, depth.delayed)
    }

    /// The reasons of the dead letters.
    async fn letters(&self, name: &str) -> Vec<String> {
        let letters = self.plain(name).dead_letters().expect("has some");
        let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
        let received = letters.receive(options).await.expect("received");
        received.iter().map(|letter| letter.envelope.reason().unwrap_or_default().to_owned()).collect()
    }

    /// Where the bodies of large messages lie.
    fn claims(&self) -> Arc<dyn BlobStore> {
        self.memory.bucket(&ResourceUrl::new("memory", "photos")).expect("opens")
    }

    /// The keys of those bodies.
    async fn claimed(&self) -> Vec<String> {
        let mut options = ListOptions::default();
        options.page_size = 10;
        let page = self.claims().list(options).await.expect("listed");
        page.entries.iter().map(|entry| entry.key().to_owned()).collect()
    }
}

fn record(queue: &str, delivery: &RawDelivery) -> Value {
    let mut envelope = delivery.envelope.clone();
    let body = wire::to_text(&delivery.body, &mut envelope);
    let string = |value: &str| json!({"stringValue": value, "dataType": "String"});
    let mut attributes: serde_json::Map<String, Value> =
        delivery.attributes.iter().map(|(name, value)| (name.clone(), string(value))).collect();
    attributes.insert("skyport".to_owned(), string(&envelope.pack()));
    let mut system = json!({"ApproximateReceiveCount": delivery.attempt.to_string()});
    if let Some(group) = &delivery.group {
        system["MessageGroupId"] = json!(group);
    }
    json!({
        "messageId": delivery.id,
        "receiptHandle": delivery.receipt.as_str(),
        "body": body,
        "attributes": system,
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
    })
}

/// The ids of the messages that come again.
fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().expect("a batch's answer");
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id")).collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_comes_again_and_not_before_its_backoff() {
    let stage = Stage::set(|_| {}).await;
    for body in ["fine", "fail", "fatal"] {
        stage.bench.jobs.send(&body.to_owned()).attribute("n", "1").await.expect("sent");
    }
    let answer = stage.done(stage.event("jobs", |_| {}).await).await;
    let mut calls = stage.bench.calls();
    calls.sort();
    assert_eq!(calls, ["fail#1n=1", "fatal#1n=1", "fine#1n=1"]);
    assert_eq!(failures(&answer).len(), 1, "{answer}");
    // The one that is done is the platform's to delete; the other two have been settled.
    assert_eq!(stage.depth("jobs").await, (0, 1, 1));
    assert_eq!(stage.letters("jobs").await, ["never"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_as_its_envelope_says_comes_as_it_is_and_blocks_nobody() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.jobs.send(&"fine".to_owned()).await.expect("sent");
    stage.bench.jobs.send(&"other".to_owned()).await.expect("sent");
    let break_other = |record: &mut Value| {
        // A group of a queue that has no order is none.
        record["attributes"]["MessageGroupId"] = json!("fair");
        if record["body"] == "other" {
            record["messageAttributes"]["skyport"]["stringValue"] = json!("{\"e\":\"b64\"}");
            record["body"] = json!("fatal!");
        }
    };
    let event = stage.event("jobs", break_other).await;
    assert!(failures(&stage.done(event).await).is_empty());
    let mut calls = stage.bench.calls();
    calls.sort();
    assert_eq!(calls, ["fatal!#1", "fine#1"]);
    assert_eq!(stage.letters("jobs").await, ["never"]);
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_fetched_and_deleted_once_its_message_is_done() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.jobs.send(&"large ".repeat(1_000)).await.expect("sent");
    assert_eq!(stage.claimed().await.len(), 1);
    assert!(failures(&stage.done(stage.event("jobs", |_| {}).await).await).is_empty());
    assert_eq!(stage.bench.calls(), ["large lar#1"]);
    assert!(stage.claimed().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_large_body_is_gone_is_for_the_dead_letters() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.jobs.send(&"large ".repeat(1_000)).await.expect("sent");
    let gone = stage.claimed().await;
    for key in &gone {
        stage.claims().delete(key, DeleteOptions::default()).await.expect("deleted");
    }
    assert!(failures(&stage.done(stage.event("jobs", |_| {}).await).await).is_empty());
    assert!(stage.bench.calls().is_empty());
    // The letter still says where its body lay.
    let letters = stage.plain("jobs").dead_letters().expect("has some");
    let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
    let letter = letters.receive(options).await.expect("received").remove(0);
    assert_eq!(letter.envelope.reason(), Some("claim missing"));
    assert_eq!(letter.envelope.claim.as_ref(), gone.first());
}

#[tokio::test(start_paused = true)]
async fn in_an_ordered_group_what_stands_behind_a_failure_comes_again() {
    let stage = Stage::set(|_| {}).await;
    for (body, group) in
        [("a1", "a"), ("a2 fail", "a"), ("b1", "b"), ("a3", "a"), ("b2 fatal", "b"), ("b3", "b")]
    {
        stage.bench.ordered.send(&body.to_owned()).group(group).await.expect("sent");
    }
    let event = stage.event("ordered", |_| {}).await;
    let records = event["Records"].as_array().expect("records").clone();
    let answer = stage.done(event).await;
    let failed = failures(&answer);
    let again =
        records.iter().filter(|record| failed.contains(&record["messageId"].as_str().expect("an id")));
    // In calls of two at most.
    let mut bodies: Vec<&str> = again.map(|record| record["body"].as_str().expect("a body")).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["a2 fail", "a3"], "{answer}");
    let calls = stage.bench.calls();
    assert!(!calls.contains(&"a3".to_owned()) && calls.contains(&"b3".to_owned()), "{calls:?}");
    assert_eq!(stage.letters("ordered").await, ["never"]);
    assert_eq!(stage.depth("ordered").await.1, 3, "a1, b1 and b3 are the platform's to delete");
}

#[tokio::test(start_paused = true)]
async fn behind_a_body_that_cannot_be_read_for_the_moment_only_its_group_waits() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.ordered.send(&"a1 ".repeat(1_000)).group("a").await.expect("sent");
    for (body, group) in [("a2", "a"), ("b1", "b"), ("c1", "c")] {
        stage.bench.ordered.send(&body.to_owned()).group(group).await.expect("sent");
    }
    let event = stage.event("ordered", |_| {}).await;
    let group_of: Vec<(String, String)> = event["Records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| (record["messageId"].to_string(), record["attributes"]["MessageGroupId"].to_string()))
        .collect();
    let moment = Fault::refuse(skyport_core::ErrorKind::Unavailable).nth(1);
    stage.memory.faults().inject(Operation::BlobGet, moment);
    let answer = stage.done(event).await;
    let failed: Vec<String> = failures(&answer).into_iter().map(|id| format!("\"{id}\"")).collect();
    let expected = group_of.iter().filter(|(_, group)| group == "\"a\"").map(|(id, _)| id);
    assert!(failed.len() == 2 && expected.eq(&failed), "{answer}");
    let mut calls = stage.bench.calls();
    calls.sort();
    assert_eq!(calls, ["b1", "c1"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_the_application_keeps_its_messages_whatever_is_in_them() {
    let stage = Stage::set(|_| {}).await;
    let notification = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
    let message = OutMessage::new(notification.to_string());
    stage.plain("jobs").send(vec![message]).await.remove(0).expect("sent");
    assert!(failures(&stage.done(stage.event("jobs", |_| {}).await).await).is_empty());
    assert_eq!(stage.bench.calls(), ["{\"Records#1"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_become_a_dead_letter_comes_again() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.jobs.send(&"fatal".to_owned()).await.expect("sent");
    let event = stage.event("jobs", |record| record["receiptHandle"] = json!("another's")).await;
    assert_eq!(failures(&stage.done(event).await).len(), 1);
    assert!(stage.letters("jobs").await.is_empty());
}
