//! Messages that others send: other programs, and services that notify.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use skyport_core::queue::port::{Foreign, RawDelivery, Settlement, Verdict};

use super::stub::{Reply, Sqs, message, obliging};
use super::{kinds, received};

/// What a receive makes of it, and the stub it came from.
async fn of(message: Value) -> (RawDelivery, Sqs) {
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "ReceiveMessage" => Reply::Done(json!({ "Messages": [message] })),
        _ => obliging(call),
    });
    let delivery = received(&sqs.queue()).await.remove(0);
    (delivery, sqs)
}

#[tokio::test(start_paused = true)]
async fn notifications_arrive_as_what_they_are() {
    let s3 = json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "photos" }, "object": { "key": "a+b%2Fc.jpg", "size": 4, "eTag": "e" } } }] });
    let sns = json!({ "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:t",
        "Message": "{\"a\": 1}", "Timestamp": "2026-01-01T00:00:00.000Z" });
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos" });
    for text in [s3.to_string(), format!("{sns:#}\n"), test.to_string(), "aGVsbG8=".to_owned()] {
        let (delivery, _) = of(message("h", &text, 2)).await;
        assert_eq!(&delivery.body[..], text.as_bytes());
        assert_eq!(&delivery.payload(Foreign::Text).expect("text")[..], text.as_bytes());
        assert!(delivery.envelope.is_empty() && delivery.attributes.is_empty());
        assert_eq!((delivery.attempt, delivery.group), (2, None));
        assert_eq!(delivery.sent_at, UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    }
}

#[tokio::test(start_paused = true)]
async fn attributes_of_any_type_do_not_break_a_receive() {
    let mut foreign = message("h", "x", 1);
    foreign["MessageAttributes"] = json!({
        "count": { "DataType": "Number", "StringValue": "5" },
        "picture": { "DataType": "Binary", "BinaryValue": "/w==" },
        "labelled": { "DataType": "String.json", "StringValue": "{}" },
        "AWS-like": { "DataType": "String", "StringValue": "kept" },
        "skyport": { "DataType": "Binary", "BinaryValue": "/w==" },
    });
    let (delivery, _) = of(foreign).await;
    let attributes: Vec<(&str, &str)> =
        delivery.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("AWS-like", "kept"), ("count", "5"), ("labelled", "{}")]);
    assert!(delivery.envelope.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_attribute_of_our_name_that_is_not_ours_changes_nothing() {
    for value in ["not ours", "[]", r#"{"t":"nonsense"}"#, &"x".repeat(10_000)] {
        let mut foreign = message("h", "as it is", 1);
        foreign["MessageAttributes"] = json!({ "skyport": { "DataType": "String", "StringValue": value } });
        let (delivery, _) = of(foreign).await;
        assert_eq!(&delivery.body[..], b"as it is");
        assert!(delivery.envelope.is_empty());
    }
    let mut broken = message("h", "no base64!", 1);
    broken["MessageAttributes"] =
        json!({ "skyport": { "DataType": "String", "StringValue": "{\"e\":\"b64\"}" } });
    assert_eq!(&of(broken).await.0.body[..], b"no base64!");
}

#[tokio::test(start_paused = true)]
async fn what_sqs_does_not_tell_is_not_missed() {
    let (delivery, _) = of(json!({ "MessageId": "1", "ReceiptHandle": "h", "Body": "x" })).await;
    assert_eq!((delivery.attempt, delivery.sent_at), (1, UNIX_EPOCH));
    let mut odd = message("h", "x", 1);
    odd["Attributes"] = json!({ "ApproximateReceiveCount": "many", "SentTimestamp": "-1", "NewName": "x" });
    assert_eq!(of(odd).await.0.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_message_with_all_the_attributes_of_sqs_can_die() {
    let mut foreign = message("h", "x", 1);
    let attribute = json!({ "DataType": "String", "StringValue": "v" });
    let names: Vec<String> = (0..10).map(|n| format!("a{n}")).collect();
    foreign["MessageAttributes"] = names.iter().map(|name| (name.clone(), attribute.clone())).collect();
    let (delivery, sqs) = of(foreign).await;
    let message = Box::new(delivery.to_message());
    let dead = Verdict::DeadLetter { reason: "broken".to_owned(), message };
    let queue = sqs.queue();
    let receipt = delivery.receipt.clone();
    assert_eq!(kinds(&queue.settle(vec![Settlement::new(receipt, dead)]).await), [None]);
    let sent = sqs.calls("SendMessage")[0].input["MessageAttributes"].as_object().expect("attributes").len();
    assert_eq!(sent, 10, "SQS takes no more");
}
