//! Pub/Sub as a script: the provider in front of it, and messages as it has them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gcloud_sdk::google::pubsub::v1 as wire;
use gcloud_sdk::google::rpc;
use gcloud_sdk::prost::Message;
use gcloud_sdk::prost_types::{Any, Timestamp};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::Provider;
use skyport_core::queue::port::{MessageQueue, QueueSettings, RawDelivery, ReceiveOptions};
use skyport_gcp::{Gcp, GcpConfig};

use crate::grpc::{Call, Reply, Stub, ok};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A tenth of a second.
pub(crate) const TENTH: Duration = Duration::from_millis(100);

/// The provider of an endpoint.
pub(crate) fn at(endpoint: String) -> Gcp {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.pubsub_endpoint = Some(endpoint);
    Gcp::with(config)
}

/// The queue `jobs` behind a stub, as the provider opens it.
pub(crate) fn queue(stub: &Stub) -> Arc<dyn MessageQueue> {
    queue_with(stub, |_| {})
}

pub(crate) fn queue_with(stub: &Stub, change: impl FnOnce(&mut QueueSettings)) -> Arc<dyn MessageQueue> {
    let mut settings = QueueSettings::default();
    change(&mut settings);
    let url = "pubsub://jobs".parse().expect("a URL");
    at(stub.endpoint()).queue(&url, &settings).expect("opens")
}

/// The same behind core's retries.
pub(crate) fn retried(queue: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
    Retry::default().queue(queue)
}

pub(crate) fn options(max: usize, wait: Duration) -> ReceiveOptions {
    ReceiveOptions::new(max, wait, MINUTE)
}

pub(crate) async fn received(queue: &Arc<dyn MessageQueue>) -> Vec<RawDelivery> {
    queue.receive(options(10, SECOND * 5)).await.expect("received")
}

/// A message of this id and body.
pub(crate) fn message(id: &str, body: &str, attempt: i32) -> wire::ReceivedMessage {
    let message = wire::PubsubMessage {
        message_id: id.to_owned(),
        data: body.into(),
        publish_time: Some(Timestamp::from(std::time::SystemTime::now())),
        ..Default::default()
    };
    wire::ReceivedMessage {
        ack_id: format!("ack-{id}-{attempt}"),
        message: Some(message),
        delivery_attempt: attempt,
    }
}

pub(crate) fn pulled(messages: impl IntoIterator<Item = wire::ReceivedMessage>) -> Reply {
    ok(wire::PullResponse { received_messages: messages.into_iter().collect() })
}

/// What Pub/Sub answers where all is well and nothing is there.
pub(crate) fn obliging(call: &Call) -> Reply {
    match call.method.as_str() {
        "Pull" => Reply::Silent,
        "Publish" => {
            let count = call.message::<wire::PublishRequest>().messages.len();
            ok(wire::PublishResponse { message_ids: (0..count).map(|n| format!("sent-{n}")).collect() })
        }
        "GetSubscription" => ok(subscription(5)),
        "ListTopicSubscriptions" => ok(wire::ListTopicSubscriptionsResponse::default()),
        _ => ok(()),
    }
}

/// A stub that brings these to the pulls, one after the other, and is obliging otherwise.
pub(crate) async fn bringing(pulls: impl IntoIterator<Item = Reply>) -> Stub {
    let pulls: Vec<Reply> = pulls.into_iter().collect();
    Stub::start(move |calls| match calls.last() {
        Some(call) if call.method == "Pull" => {
            let before = calls.iter().filter(|call| call.method == "Pull").count() - 1;
            pulls.get(before).cloned().unwrap_or(Reply::Silent)
        }
        Some(call) => obliging(call),
        None => Reply::Silent,
    })
    .await
}

/// The subscription `jobs` as it was made, but for its limit of attempts.
pub(crate) fn subscription(max_delivery_attempts: i32) -> wire::Subscription {
    wire::Subscription {
        name: "projects/p/subscriptions/jobs".into(),
        topic: "projects/p/topics/jobs".into(),
        message_retention_duration: Some(gcloud_sdk::prost_types::Duration { seconds: 604_800, nanos: 0 }),
        expiration_policy: Some(wire::ExpirationPolicy { ttl: None }),
        dead_letter_policy: Some(wire::DeadLetterPolicy {
            dead_letter_topic: "projects/p/topics/jobs-dead".into(),
            max_delivery_attempts,
        }),
        ..Default::default()
    }
}

/// The details that go with a status.
pub(crate) fn details(url: &str, detail: &impl Message) -> bytes::Bytes {
    let type_url = format!("type.googleapis.com/google.rpc.{url}");
    let detail = Any { type_url, value: detail.encode_to_vec() };
    rpc::Status { details: vec![detail], ..Default::default() }.encode_to_vec().into()
}

/// What became of each id, as subscriptions tell it that deliver exactly once.
pub(crate) fn of_each(told: &[(&str, &str)]) -> bytes::Bytes {
    let metadata: HashMap<String, String> =
        told.iter().map(|(id, what)| ((*id).to_owned(), (*what).to_owned())).collect();
    details("ErrorInfo", &rpc::ErrorInfo { metadata, ..Default::default() })
}

/// The calls of a method, as this message.
pub(crate) fn calls<M: Message + Default>(stub: &Stub, method: &str) -> Vec<M> {
    stub.calls().iter().filter(|call| call.method == method).map(Call::message).collect()
}

/// The deadlines that were set: the ids and the seconds.
pub(crate) fn deadlines(stub: &Stub) -> Vec<(Vec<String>, i32)> {
    let set = calls::<wire::ModifyAckDeadlineRequest>(stub, "ModifyAckDeadline").into_iter();
    set.map(|set| (set.ack_ids, set.ack_deadline_seconds)).collect()
}

/// The ids that were acknowledged.
pub(crate) fn acked(stub: &Stub) -> Vec<String> {
    let acks = calls::<wire::AcknowledgeRequest>(stub, "Acknowledge").into_iter();
    acks.flat_map(|ack| ack.ack_ids).collect()
}

/// Waits until this is so; fails the test where it never is.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(TENTH / 10).await;
        }
    };
    tokio::time::timeout(SECOND * 10, so).await.expect(what);
}
