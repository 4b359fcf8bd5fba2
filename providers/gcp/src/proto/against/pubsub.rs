//! Pub/Sub.

use gcloud_sdk::google::pubsub::v1 as google;
use gcloud_sdk::prost_types;
use prost::Message;

use super::{read, same};
use crate::proto::known::{Duration, FieldMask, Nothing, Timestamp};
use crate::proto::{pubsub, subscription};

#[test]
fn messages_are_sent_as_google_reads_them() {
    let attribute = pubsub::Attribute { name: "color".into(), value: "blue".into() };
    let message =
        pubsub::Published { data: "body".into(), attributes: vec![attribute], ordering_key: "k".into() };
    let theirs = google::PubsubMessage {
        data: "body".into(),
        attributes: [("color".into(), "blue".into())].into(),
        ordering_key: "k".into(),
        ..google::PubsubMessage::default()
    };
    let request = pubsub::PublishRequest { topic: "t".into(), messages: vec![message.clone(), message] };
    same(&request, &google::PublishRequest { topic: "t".into(), messages: vec![theirs.clone(), theirs] });
    let theirs = google::PublishResponse { message_ids: vec!["1".into(), "22".into()] };
    let ours = pubsub::PublishResponse::decode(&*theirs.encode_to_vec()).expect("ids");
    assert_eq!(ours.message_ids, ["1", "22"]);
    same(&ours, &theirs);
}

#[test]
#[allow(deprecated, reason = "there is no other way to look once")]
fn messages_are_received_as_google_sends_them() {
    let request = pubsub::PullRequest { subscription: "s".into(), return_immediately: true, max_messages: 7 };
    let theirs = google::PullRequest { subscription: "s".into(), return_immediately: true, max_messages: 7 };
    same(&request, &theirs);
    let message = pubsub::Received {
        data: "body".into(),
        attributes: vec![pubsub::ReceivedAttribute { name: "color".into(), value: "blue".into() }],
        message_id: "1".into(),
        publish_time: Some(Timestamp { seconds: 7, nanos: 8 }),
        ordering_key: "k".into(),
    };
    let theirs = google::PubsubMessage {
        data: "body".into(),
        attributes: [("color".into(), "blue".into())].into(),
        message_id: "1".into(),
        publish_time: Some(prost_types::Timestamp { seconds: 7, nanos: 8 }),
        ordering_key: "k".into(),
    };
    let received =
        pubsub::ReceivedMessage { ack_id: "a".into(), message: Some(message), delivery_attempt: 9 };
    let theirs = google::ReceivedMessage { ack_id: "a".into(), message: Some(theirs), delivery_attempt: 9 };
    same(
        &pubsub::PullResponse { received_messages: vec![received] },
        &google::PullResponse { received_messages: vec![theirs] },
    );
}

#[test]
fn messages_are_settled_as_google_reads_it() {
    let ids = || vec!["a".into(), "b".into()];
    let ack = pubsub::AcknowledgeRequest { subscription: "s".into(), ack_ids: ids() };
    let theirs =
        google::AcknowledgeRequest { subscription: "s".into(), ack_ids: vec!["a".into(), "b".into()] };
    same(&ack, &theirs);
    let deadline = pubsub::ModifyAckDeadlineRequest {
        subscription: "s".into(),
        ack_ids: ids(),
        ack_deadline_seconds: 7,
    };
    let theirs = google::ModifyAckDeadlineRequest {
        subscription: "s".into(),
        ack_ids: vec!["a".into(), "b".into()],
        ack_deadline_seconds: 7,
    };
    same(&deadline, &theirs);
}

#[test]
fn topics_are_googles() {
    let topic = google::Topic { name: "t".into(), ..google::Topic::default() };
    same(&subscription::Topic { name: "t".into() }, &topic);
    read(&Nothing {}, &topic);
    let delete = google::DeleteTopicRequest { topic: "t".into() };
    same(&subscription::DeleteTopicRequest { topic: "t".into() }, &delete);
    let list = subscription::ListTopicSubscriptionsRequest {
        topic: "t".into(),
        page_size: 7,
        page_token: "p".into(),
    };
    let theirs =
        google::ListTopicSubscriptionsRequest { topic: "t".into(), page_size: 7, page_token: "p".into() };
    same(&list, &theirs);
    let listed = subscription::ListTopicSubscriptionsResponse {
        subscriptions: vec!["a".into(), "b".into()],
        next_page_token: "p".into(),
    };
    let theirs = google::ListTopicSubscriptionsResponse {
        subscriptions: vec!["a".into(), "b".into()],
        next_page_token: "p".into(),
    };
    same(&listed, &theirs);
}

#[test]
fn subscriptions_are_googles() {
    let ours = subscription::Subscription {
        name: "s".into(),
        topic: "t".into(),
        ack_deadline_seconds: 7,
        message_retention_duration: Some(Duration { seconds: 8, nanos: 0 }),
        enable_message_ordering: true,
        expiration_policy: Some(subscription::ExpirationPolicy {
            ttl: Some(Duration { seconds: 9, nanos: 0 }),
        }),
        dead_letter_policy: Some(subscription::DeadLetterPolicy {
            dead_letter_topic: "d".into(),
            max_delivery_attempts: 5,
        }),
        detached: true,
    };
    let span = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let theirs = google::Subscription {
        name: "s".into(),
        topic: "t".into(),
        ack_deadline_seconds: 7,
        message_retention_duration: span(8),
        enable_message_ordering: true,
        expiration_policy: Some(google::ExpirationPolicy { ttl: span(9) }),
        dead_letter_policy: Some(google::DeadLetterPolicy {
            dead_letter_topic: "d".into(),
            max_delivery_attempts: 5,
        }),
        detached: true,
        ..google::Subscription::default()
    };
    same(&ours, &theirs);
    let more = google::Subscription { filter: "f".into(), retain_acked_messages: true, ..theirs.clone() };
    read(&ours, &more);
    let update = subscription::UpdateSubscriptionRequest {
        subscription: Some(ours),
        update_mask: Some(FieldMask { paths: vec!["a".into()] }),
    };
    let theirs = google::UpdateSubscriptionRequest {
        subscription: Some(theirs),
        update_mask: Some(prost_types::FieldMask { paths: vec!["a".into()] }),
    };
    same(&update, &theirs);
    let get = google::GetSubscriptionRequest { subscription: "s".into() };
    same(&subscription::GetSubscriptionRequest { subscription: "s".into() }, &get);
    let delete = google::DeleteSubscriptionRequest { subscription: "s".into() };
    same(&subscription::DeleteSubscriptionRequest { subscription: "s".into() }, &delete);
}
