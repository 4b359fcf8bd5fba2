//! What a start of a worker asks for where its subscription is there already: to look, and nothing that changes anything.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use gcloud_sdk::google::pubsub::v1 as wire;
use gcloud_sdk::prost_types::Duration;
use skyport_core::ErrorKind;
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::bucket_prefix;
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_gcp::{Gcp, GcpConfig};
use tonic::Code;

use grpc::{Stub, failed, ok};
use stub::{answer, refusal, served};

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "stub/grpc.rs"]
mod grpc;
#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "stub/http.rs"]
mod stub;

fn topic() -> String {
    format!("projects/p/topics/{}", bucket_prefix("bkt").trim_end_matches('-'))
}

/// A Pub/Sub where the subscription that is asked for is there, as it was made.
async fn subscribed() -> Stub {
    Stub::start(|calls| {
        let asked: wire::GetSubscriptionRequest = calls.last().expect("a call").message();
        let dead = asked.subscription.replace("/subscriptions/", "/topics/");
        ok(wire::Subscription {
            name: asked.subscription,
            topic: topic(),
            message_retention_duration: Some(Duration { seconds: 7 * 86_400, nanos: 0 }),
            expiration_policy: Some(wire::ExpirationPolicy { ttl: None }),
            dead_letter_policy: Some(wire::DeadLetterPolicy {
                dead_letter_topic: format!("{dead}-dead"),
                max_delivery_attempts: 5,
            }),
            ..Default::default()
        })
    })
    .await
}

/// Subscribes to the bucket at these two; with which kind of error, if any.
async fn subscribe(storage: &str, pubsub: &Stub) -> Result<(), ErrorKind> {
    subscribe_with(5, storage, pubsub).await
}

async fn subscribe_with(max_attempts: u32, storage: &str, pubsub: &Stub) -> Result<(), ErrorKind> {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(storage.to_owned());
    config.pubsub_endpoint = Some(pubsub.endpoint());
    let bucket = Gcp::with(config).bucket(&ResourceUrl::new("gs", "bkt")).expect("opens");
    let mut subscriber = Subscriber::new("worker");
    subscriber.max_attempts = max_attempts;
    bucket.events(&subscriber).await.map(drop).map_err(|error| error.kind())
}

const LOOK: &str = "GET /storage/v1/b/bkt/notificationConfigs";

#[tokio::test]
async fn a_subscription_that_is_there_is_looked_at_and_left_alone() {
    let pubsub = subscribed().await;
    let (storage, log) = served(|_, _| {
        let ours = format!("//pubsub.googleapis.com/{}", topic());
        answer(200, serde_json::json!({ "items": [{ "id": "1", "topic": ours }] }).to_string())
    })
    .await;
    subscribe(&storage, &pubsub).await.expect("subscribed");
    assert_eq!(log.lines(), [LOOK]);
    assert_eq!(pubsub.methods(), ["GetSubscription"]);
}

#[tokio::test]
async fn without_the_right_to_see_whom_the_bucket_notifies_the_subscription_is_enough() {
    let pubsub = subscribed().await;
    let (storage, log) = served(|_, _| refusal(403, "forbidden")).await;
    subscribe(&storage, &pubsub).await.expect("subscribed");
    assert_eq!(log.lines(), [LOOK]);
    assert_eq!(pubsub.methods(), ["GetSubscription"]);
}

#[tokio::test]
async fn where_nothing_is_there_and_nothing_may_be_seen_nothing_is_made() {
    let pubsub = Stub::start(|_| failed(Code::NotFound)).await;
    let (storage, _) = served(|_, _| refusal(403, "forbidden")).await;
    assert_eq!(subscribe(&storage, &pubsub).await, Err(ErrorKind::PermissionDenied));
    assert_eq!(pubsub.methods(), ["GetSubscription"]);
}

#[tokio::test]
async fn more_attempts_than_can_be_counted_are_refused_also_where_a_subscription_is_there() {
    let pubsub = subscribed().await;
    let (storage, _) = served(|_, _| refusal(403, "forbidden")).await;
    assert_eq!(subscribe_with(101, &storage, &pubsub).await, Err(ErrorKind::InvalidArgument));
    assert!(pubsub.calls().is_empty());
}
