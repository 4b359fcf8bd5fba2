//! Events of a container: what Event Grid writes into a subscriber's queue, in each of its forms; what is made for a subscriber, and what is not.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::queue::port::{MessageQueue, RawDelivery, ReceiveOptions, Settlement, Verdict};
use skyport_core::{ErrorKind, Result};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "stub/http.rs"]
mod stub;
use stub::{Answer, Asked, Log, answer, blob, done, refusal, served};

const LOOK: &str = "GET /evs-app-added?comp=metadata";

/// An account as a script, whose container `bkt` tells in the queues `evs-..`; with what its subscriber `app-added` gets.
async fn subscribed<A, R>(script: A) -> (Result<std::sync::Arc<dyn MessageQueue>>, Log)
where
    A: Fn(&Asked) -> R + Send + Sync + 'static,
    R: Into<Answer>,
{
    let (endpoint, log) = served(move |asked, _| script(asked)).await;
    let mut config = AzureConfig::default();
    config.account = Some("acc".to_owned());
    config.account_key = Some("a2V5".to_owned());
    (config.blob_endpoint, config.queue_endpoint) = (Some(endpoint.clone()), Some(endpoint));
    let url = ResourceUrl::new("azblob", "bkt").with_parameter("events", "evs");
    let bucket = Azure::with(config).bucket(&url).expect("opens");
    let mut subscriber = Subscriber::new("app-added");
    (subscriber.created, subscriber.deleted) = (true, true);
    (bucket.events(&subscriber).await, log)
}

fn counted() -> Response<Bytes> {
    Response::builder().status(200).header("x-ms-approximate-messages-count", "0").body(Bytes::new()).unwrap()
}

/// An event in Event Grid's own schema, of a blob whose name the test's script knows.
fn event(kind: &str, container: &str, name: &str) -> Value {
    json!({
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acc",
        "subject": format!("/blobServices/default/containers/{container}/blobs/{name}"),
        "eventType": format!("Microsoft.Storage.{kind}"),
        "eventTime": "2026-11-26T19:00:00.1234567Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {"api": "PutBlob", "eTag": "0x8D4", "contentLength": 5, "url": format!("https://acc.blob.core.windows.net/{container}/{name}")},
        "dataVersion": "",
        "metadataVersion": "1",
    })
}

fn cloud_event(kind: &str, name: &str) -> Value {
    let mut event = event(kind, "bkt", name);
    let own = event.as_object_mut().expect("an object");
    for (ours, theirs) in [("topic", "source"), ("eventType", "type"), ("eventTime", "time")] {
        let value = own.remove(ours).expect("it is there");
        own.insert(theirs.to_owned(), value);
    }
    own.insert("specversion".to_owned(), json!("1.0"));
    event
}

fn encoded(event: &Value) -> String {
    STANDARD.encode(event.to_string())
}

/// What is received where such texts are in the queue, and what is deleted there by then. The blob `live` is there, and no other.
async fn received(texts: Vec<String>) -> (Vec<RawDelivery>, std::sync::Arc<dyn MessageQueue>, Log) {
    let left = std::sync::Mutex::new(Some(texts));
    let (queue, log) = subscribed(move |asked: &Asked| -> Response<Bytes> {
        let path = asked.target.split('?').next().unwrap_or_default();
        match (asked.method.as_str(), path) {
            ("GET", "/evs-app-added") => counted(),
            ("GET", "/evs-app-added/messages") => {
                let texts = left.lock().unwrap().take().unwrap_or_default();
                answer(200, list(&texts))
            }
            ("HEAD", "/bkt/live") => done(blob(200, "0x8D9", "t").header("content-length", "0")),
            ("HEAD", _) => refusal(404, "BlobNotFound"),
            ("DELETE", _) => answer(204, ""),
            ("POST", _) => answer(201, sent()),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let queue = queue.expect("subscribed");
    let options = ReceiveOptions::new(10, Duration::from_millis(50), Duration::from_secs(30));
    (queue.receive(options).await.expect("received"), queue, log)
}

fn list(texts: &[String]) -> String {
    let message = |(number, text): (usize, &String)| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<QueueMessage><MessageId>00000000-0000-4000-8000-{number:012}</MessageId>\
             <InsertionTime>Thu, 26 Nov 2026 19:00:00 GMT</InsertionTime><ExpirationTime>Thu, 03 Dec 2026 19:00:00 GMT</ExpirationTime>\
             <PopReceipt>pop{number}</PopReceipt><TimeNextVisible>Thu, 26 Nov 2026 19:01:00 GMT</TimeNextVisible>\
             <DequeueCount>1</DequeueCount><MessageText>{text}</MessageText></QueueMessage>"
        )
    };
    let messages: String = texts.iter().enumerate().map(message).collect();
    format!("<?xml version=\"1.0\"?><QueueMessagesList>{messages}</QueueMessagesList>")
}

fn sent() -> String {
    list(&[String::new()])
}

fn told(deliveries: &[RawDelivery]) -> Vec<(BlobChange, String)> {
    let event =
        |delivery: &RawDelivery| serde_json::from_slice::<BlobEvent>(&delivery.body).expect("an event");
    deliveries.iter().map(event).map(|event| (event.change, event.key)).collect()
}

fn deleted(log: &Log) -> usize {
    log.lines().iter().filter(|line| line.starts_with("DELETE /evs-app-added/messages/")).count()
}

#[tokio::test]
async fn an_event_is_told_in_either_schema_in_base64_and_as_it_is() {
    let (own, cloud) = (event("BlobCreated", "bkt", "a b"), cloud_event("BlobCreated", "c"));
    let gone = cloud_event("BlobDeleted", "gone");
    let texts = vec![encoded(&own), own.to_string(), encoded(&cloud), cloud.to_string(), encoded(&gone)];
    let (deliveries, _, log) = received(texts).await;
    let created = |key: &str| (BlobChange::Created, key.to_owned());
    let expected = [
        created("a b"),
        created("a b"),
        created("c"),
        created("c"),
        (BlobChange::Deleted, "gone".to_owned()),
    ];
    assert_eq!(told(&deliveries), expected);
    let first: BlobEvent = serde_json::from_slice(&deliveries[0].body).expect("an event");
    assert_eq!((first.bucket.as_str(), first.size), ("bkt", Some(5)));
    assert_eq!(first.etag.expect("it is told").as_str(), "0x8D4");
    assert_eq!(deleted(&log), 0, "they are the receiver's to settle");
}

#[tokio::test]
async fn what_is_not_for_the_subscriber_is_acknowledged_unseen() {
    let texts = [
        event("BlobCreated", "other", "a"),
        event("BlobTierChanged", "bkt", "a"),
        event("BlobDeleted", "bkt", "live"),
        json!([]),
    ];
    let (deliveries, _, log) = received(texts.iter().map(encoded).collect()).await;
    assert_eq!(told(&deliveries), []);
    assert_eq!(deleted(&log), 4);
}

#[tokio::test]
async fn what_event_grid_did_not_write_is_left_to_the_receiver_and_dies_as_it_came() {
    let foreign = json!({"eventType": "Mine", "subject": "x"}).to_string();
    let texts = vec!["hello".to_owned(), foreign.clone(), "c2t5cG9ydDE6".to_owned()];
    let (deliveries, queue, log) = received(texts).await;
    // The last begins as a message of ours, and is none: the queue itself has moved it.
    let bodies: Vec<_> = deliveries.iter().map(|delivery| delivery.body.clone()).collect();
    assert_eq!(bodies, [Bytes::from("hello"), Bytes::from(foreign)]);
    let dead =
        Verdict::DeadLetter { reason: "no event".to_owned(), message: Box::new(deliveries[0].to_message()) };
    let settled = queue.settle(vec![Settlement::new(deliveries[0].receipt.clone(), dead)]).await;
    settled.into_iter().collect::<Result<Vec<()>>>().expect("settled");
    let letters =
        log.lines().iter().filter(|line| line.starts_with("POST /evs-app-added-poison/messages")).count();
    assert_eq!(letters, 2);
}

#[tokio::test]
async fn several_events_in_one_message_become_a_message_each() {
    let both = json!([
        event("BlobCreated", "bkt", "a"),
        event("BlobCreated", "other", "b"),
        cloud_event("BlobCreated", "c")
    ]);
    let (deliveries, _, log) = received(vec![encoded(&both)]).await;
    assert_eq!(told(&deliveries), [(BlobChange::Created, "a".to_owned())]);
    let sent = log.all().into_iter().filter(|asked| asked.line().starts_with("POST /evs-app-added/messages"));
    let bodies: Vec<_> = sent.map(|asked| String::from_utf8(asked.body.to_vec()).expect("text")).collect();
    assert_eq!(bodies.len(), 1);
    let text =
        bodies[0].split("<MessageText>").nth(1).and_then(|rest| rest.split('<').next()).expect("a text");
    // As it comes back from the queue it is an event, which is told as it stands.
    let (again, _, _) = received(vec![text.to_owned()]).await;
    assert_eq!(told(&again), [(BlobChange::Created, "c".to_owned())]);
}

#[tokio::test]
async fn a_queue_that_is_there_is_looked_at_and_left_alone() {
    let (queue, log) = subscribed(|_: &Asked| counted()).await;
    assert_eq!(queue.expect("subscribed").info().resource, "evs-app-added");
    assert_eq!(log.lines(), [LOOK]);
    // Using it says more than a look that is refused.
    let (queue, log) = subscribed(|_: &Asked| refusal(403, "AuthorizationPermissionMismatch")).await;
    queue.expect("subscribed");
    assert_eq!(log.lines(), [LOOK]);
}

#[tokio::test]
async fn a_queue_that_is_missing_is_made_behind_its_dead_letters() {
    let (queue, log) = subscribed(|asked: &Asked| match asked.method.as_str() {
        "PUT" => answer(201, ""),
        "GET" if asked.target.starts_with("/bkt") => answer(200, ""),
        _ => refusal(404, "QueueNotFound"),
    })
    .await;
    queue.expect("subscribed");
    let lines = log.lines();
    assert_eq!(lines[0], LOOK);
    assert_eq!(lines[2..], ["PUT /evs-app-added-poison", "PUT /evs-app-added"]);
}

#[tokio::test]
async fn a_missing_container_is_said_to_be_missing_and_leaves_no_queue() {
    let (queue, log) = subscribed(|asked: &Asked| match asked.target.starts_with("/bkt") {
        true => refusal(404, "ContainerNotFound"),
        false => refusal(404, "QueueNotFound"),
    })
    .await;
    assert_eq!(queue.expect_err("no container").kind(), ErrorKind::NotFound);
    assert!(log.lines().iter().all(|line| !line.starts_with("PUT")), "{:?}", log.lines());
}
