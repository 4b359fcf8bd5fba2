//! Making queues, and removing them.

use gcloud_sdk::google::pubsub::v1 as wire;
use gcloud_sdk::prost_types;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::QueueSettings;
use skyport_core::{ErrorKind, Result};
use tonic::Code;

use crate::grpc::{Reply, Stub, failed, ok};
use crate::stub::{at, calls, obliging, subscription};

const DAY: i64 = 86_400;

fn kind(change: impl FnOnce(&mut QueueSettings)) -> ResourceKind {
    let mut settings = QueueSettings::default();
    change(&mut settings);
    ResourceKind::Queue(settings)
}

async fn create(stub: &Stub, url: &str, change: impl FnOnce(&mut QueueSettings)) -> Result<()> {
    let url: ResourceUrl = url.parse().expect("a URL");
    at(stub.endpoint()).create(&url, &kind(change)).await
}

async fn stubbed(method: &'static str, reply: Reply) -> Stub {
    Stub::start(move |calls| match calls.last() {
        Some(call) if call.method == method => reply.clone(),
        Some(call) => obliging(call),
        None => Reply::Silent,
    })
    .await
}

/// Where the queue is there already, with this subscription; its letters, too, in good order.
async fn there(jobs: wire::Subscription) -> Stub {
    let mut letters = subscription(5);
    letters.topic = "projects/p/topics/jobs-dead".into();
    Stub::start(move |calls| {
        let Some(call) = calls.last() else { return Reply::Silent };
        match call.method.as_str() {
            "CreateTopic" | "CreateSubscription" => failed(Code::AlreadyExists),
            "GetSubscription" => {
                let name = call.message::<wire::GetSubscriptionRequest>().subscription;
                ok(if name.ends_with("-dead") { letters.clone() } else { jobs.clone() })
            }
            _ => obliging(call),
        }
    })
    .await
}

fn seconds(duration: Option<prost_types::Duration>) -> i64 {
    duration.map_or(0, |duration| duration.seconds)
}

#[tokio::test]
async fn a_queue_is_created_behind_its_dead_letters() {
    let made = [(); 4].map(|()| ok(()));
    let stub = Stub::script([failed(Code::NotFound)].into_iter().chain(made)).await;
    create(&stub, "pubsub://jobs?subscription=mine", |settings| settings.ordered = true)
        .await
        .expect("created");
    let made = ["CreateTopic", "CreateSubscription", "CreateTopic", "CreateSubscription"];
    assert_eq!(stub.methods(), [&["GetSubscription"][..], &made].concat());
    let topics = calls::<wire::Topic>(&stub, "CreateTopic").into_iter().map(|topic| topic.name);
    assert_eq!(topics.collect::<Vec<_>>(), ["projects/p/topics/mine-dead", "projects/p/topics/jobs"]);
    let [letters, queue] =
        <[_; 2]>::try_from(calls::<wire::Subscription>(&stub, "CreateSubscription")).expect("two");
    assert_eq!(
        (&*letters.name, &*letters.topic),
        ("projects/p/subscriptions/mine-dead", "projects/p/topics/mine-dead")
    );
    assert_eq!((&*queue.name, &*queue.topic), ("projects/p/subscriptions/mine", "projects/p/topics/jobs"));
    assert_eq!((letters.enable_message_ordering, queue.enable_message_ordering), (false, true));
    assert_eq!(letters.dead_letter_policy, None);
    let policy = queue.dead_letter_policy.expect("a policy");
    assert_eq!(
        (&*policy.dead_letter_topic, policy.max_delivery_attempts),
        ("projects/p/topics/mine-dead", 5)
    );
    assert_eq!(seconds(letters.message_retention_duration), 14 * DAY);
    assert_eq!(seconds(queue.message_retention_duration), 7 * DAY);
    for policy in [letters.expiration_policy, queue.expiration_policy] {
        assert_eq!(policy.expect("said"), wire::ExpirationPolicy { ttl: None });
    }
    // A pause before the next attempt would be for every retry, also for one at once.
    assert_eq!(queue.retry_policy, None);
}

#[tokio::test]
async fn letters_are_kept_for_a_week_where_two_cannot_be_had() {
    let stub = Stub::start(|calls| {
        let Some(call) = calls.last() else { return Reply::Silent };
        if call.method != "CreateSubscription" {
            return obliging(call);
        }
        let kept = seconds(call.message::<wire::Subscription>().message_retention_duration);
        if kept > 7 * DAY { failed(Code::InvalidArgument) } else { ok(()) }
    })
    .await;
    create(&stub, "pubsub://jobs", |_| {}).await.expect("created");
    let kept = calls::<wire::Subscription>(&stub, "CreateSubscription").into_iter();
    let kept: Vec<i64> = kept.map(|made| seconds(made.message_retention_duration) / DAY).collect();
    assert_eq!(kept, [14, 7, 7]);
}

#[tokio::test]
async fn what_is_there_is_changed_only_where_it_falls_short() {
    let stub = there(subscription(5)).await;
    create(&stub, "pubsub://jobs", |_| {}).await.expect("as it is");
    assert!(calls::<wire::UpdateSubscriptionRequest>(&stub, "UpdateSubscription").is_empty());
    let mut short = subscription(9);
    short.message_retention_duration = Some(prost_types::Duration { seconds: DAY, nanos: 0 });
    short.expiration_policy = None;
    let stub = there(short).await;
    create(&stub, "pubsub://jobs", |settings| settings.max_attempts = 6).await.expect("changed");
    let [update] = <[_; 1]>::try_from(calls::<wire::UpdateSubscriptionRequest>(&stub, "UpdateSubscription"))
        .expect("one");
    let mask = update.update_mask.expect("a mask").paths;
    assert_eq!(mask, ["message_retention_duration", "expiration_policy", "dead_letter_policy"]);
    let changed = update.subscription.expect("a subscription");
    assert_eq!(changed.dead_letter_policy.map(|policy| policy.max_delivery_attempts), Some(6));
    assert_eq!(seconds(changed.message_retention_duration), 7 * DAY);
}

#[tokio::test]
async fn where_all_is_as_it_is_to_be_no_right_to_create_is_needed() {
    let stub = Stub::start({
        let (jobs, mut letters) = (subscription(5), subscription(5));
        letters.topic = "projects/p/topics/jobs-dead".into();
        move |calls| match calls.last() {
            Some(call) if call.method == "GetSubscription" => {
                let name = call.message::<wire::GetSubscriptionRequest>().subscription;
                ok(if name.ends_with("-dead") { letters.clone() } else { jobs.clone() })
            }
            _ => failed(Code::PermissionDenied),
        }
    })
    .await;
    create(&stub, "pubsub://jobs", |_| {}).await.expect("there already");
    assert_eq!(stub.methods(), ["GetSubscription"; 2]);
    // Another limit is to be set, and that takes more.
    let error = create(&stub, "pubsub://jobs", |settings| settings.max_attempts = 6).await;
    assert_eq!(error.expect_err("forbidden").kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn who_may_create_and_not_read_creates() {
    let stub = stubbed("GetSubscription", failed(Code::PermissionDenied)).await;
    create(&stub, "pubsub://jobs", |_| {}).await.expect("created");
    assert_eq!(calls::<wire::Subscription>(&stub, "CreateSubscription").len(), 2);
}

#[tokio::test]
async fn what_cannot_be_changed_is_a_conflict() {
    let mut elsewhere = subscription(5);
    elsewhere.topic = "_deleted-topic_".into();
    let mut ordered = subscription(5);
    ordered.enable_message_ordering = true;
    for other in [elsewhere, ordered] {
        let error = create(&there(other).await, "pubsub://jobs", |_| {}).await.expect_err("another");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false), "{error}");
        assert_eq!(error.resource(), Some("jobs"));
    }
}

#[tokio::test]
async fn more_attempts_than_pubsub_counts_are_counted_as_far_as_it_does() {
    let stub = stubbed("GetSubscription", failed(Code::NotFound)).await;
    create(&stub, "pubsub://jobs", |settings| settings.max_attempts = 1_000).await.expect("created");
    let made = calls::<wire::Subscription>(&stub, "CreateSubscription");
    let policies = made.into_iter().filter_map(|made| made.dead_letter_policy);
    assert_eq!(policies.map(|policy| policy.max_delivery_attempts).collect::<Vec<_>>(), [100]);
}

#[tokio::test]
async fn more_attempts_than_pubsub_counts_are_refused_in_an_ordered_queue_without_a_request() {
    let stub = Stub::script([]).await;
    let many = |settings: &mut QueueSettings| (settings.max_attempts, settings.ordered) = (101, true);
    let error = create(&stub, "pubsub://jobs", many).await.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("100"), "{error}");
    assert!(stub.methods().is_empty());
}

#[tokio::test]
async fn what_is_refused_is_said_of_what_it_is_about() {
    let stub = stubbed("CreateTopic", failed(Code::PermissionDenied)).await;
    let error = create(&stub, "pubsub://jobs", |_| {}).await.expect_err("forbidden");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs-dead")));
    let stub = stubbed("CreateSubscription", failed(Code::PermissionDenied)).await;
    let error = create(&stub, "pubsub://jobs", |_| {}).await.expect_err("forbidden");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs-dead")));
}

async fn remove(stub: &Stub) -> Result<()> {
    let url = "pubsub://jobs?subscription=mine".parse().expect("a URL");
    at(stub.endpoint()).remove(&url, &kind(|_| {})).await
}

fn deleted(stub: &Stub) -> Vec<String> {
    let subscriptions = calls::<wire::DeleteSubscriptionRequest>(stub, "DeleteSubscription").into_iter();
    let topics = calls::<wire::DeleteTopicRequest>(stub, "DeleteTopic").into_iter();
    subscriptions.map(|gone| gone.subscription).chain(topics.map(|gone| gone.topic)).collect()
}

#[tokio::test]
async fn a_queue_is_removed_with_its_letters_and_a_topic_that_others_subscribe_to_stays() {
    let stub = Stub::start(|calls| calls.last().map_or(Reply::Silent, obliging)).await;
    remove(&stub).await.expect("removed");
    let subscriptions = ["projects/p/subscriptions/mine", "projects/p/subscriptions/mine-dead"];
    let topics = ["projects/p/topics/mine-dead", "projects/p/topics/jobs"];
    assert_eq!(deleted(&stub), [subscriptions, topics].concat());
    let others =
        wire::ListTopicSubscriptionsResponse { subscriptions: vec!["x".into()], ..Default::default() };
    let stub = stubbed("ListTopicSubscriptions", ok(others)).await;
    remove(&stub).await.expect("removed");
    assert_eq!(deleted(&stub), subscriptions);
}

#[tokio::test]
async fn removing_what_is_not_there_is_ok_and_what_may_not_be_removed_is_said() {
    remove(&Stub::start(|_| failed(Code::NotFound)).await).await.expect("nothing there");
    let error = remove(&Stub::start(|_| failed(Code::PermissionDenied)).await).await.expect_err("forbidden");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("mine")));
}
