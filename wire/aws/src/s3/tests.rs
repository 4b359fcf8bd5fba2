use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use skyport_core::ErrorKind;

use super::*;

fn record(name: &str, object: Value) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-2",
        "eventTime": "2019-09-03T19:37:27.192Z",
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "photos", "arn": "arn:aws:s3:::photos"},
            "object": object,
        },
    })
}

fn direct(name: &str, object: Value) -> Value {
    json!({"Records": [record(name, object)]})
}

fn eventbridge(kind: &str, deletion: Option<&str>, object: Value) -> Value {
    json!({
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2021-11-12T00:00:00Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::photos"],
        "detail": {"bucket": {"name": "photos"}, "object": object, "deletion-type": deletion},
    })
}

fn only(value: &Value) -> Notice {
    let mut notices = in_value(value).expect("well formed").expect("one of S3");
    assert_eq!(notices.len(), 1, "{notices:?}");
    notices.pop().expect("one")
}

#[test]
fn an_event_comes_the_same_by_every_route() {
    let object = json!({"key": "k+y/%C3%A9%2B", "size": 1305107, "eTag": "b21b84d653bb07b05b1e6b33684dc11b"});
    let plain = direct("ObjectCreated:Put", object);
    let notice = only(&plain);
    let mut expected = BlobEvent::new(
        BlobChange::Created,
        "photos",
        "k y/\u{e9}+",
        UNIX_EPOCH + Duration::from_millis(1_567_539_447_192),
    );
    expected.size = Some(1_305_107);
    expected.etag = Some(Etag::new("b21b84d653bb07b05b1e6b33684dc11b"));
    assert_eq!(notice, Notice { event: expected, version: None, may_live: false });
    let in_sqs = plain.to_string();
    assert_eq!(in_text(&in_sqs).expect("well formed"), Some(vec![notice.clone()]));
    let in_sns = json!({"Type": "Notification", "MessageId": "x", "Message": in_sqs}).to_string();
    assert_eq!(in_text(&in_sns).expect("well formed"), Some(vec![notice]));
}

#[test]
fn the_key_of_eventbridge_is_as_it_is() {
    let object = json!({"key": "k+y/%C3%A9 \u{e9}", "size": 5, "etag": "abc", "version-id": "v1"});
    let event = eventbridge("Object Created", None, object);
    let notice = only(&event);
    assert_eq!(notice.event.key, "k+y/%C3%A9 \u{e9}");
    assert_eq!((notice.event.size, notice.version.as_deref()), (Some(5), Some("v1")));
    assert_eq!(notice.event.change, BlobChange::Created);
    assert_eq!(in_text(&event.to_string()).expect("well formed"), Some(vec![notice]));
}

#[test]
fn a_deletion_says_whether_an_object_may_live_on() {
    let plain = json!({"key": "a"});
    let version = json!({"key": "a", "versionId": "v1"});
    for (name, object, may_live) in [
        ("ObjectRemoved:Delete", &plain, false),
        ("ObjectRemoved:Delete", &version, true),
        ("ObjectRemoved:DeleteMarkerCreated", &version, false),
        ("LifecycleExpiration:Delete", &plain, false),
        ("LifecycleExpiration:Delete", &version, true),
        ("s3:LifecycleExpiration:DeleteMarkerCreated", &version, false),
    ] {
        let notice = only(&direct(name, object.clone()));
        assert_eq!((notice.event.change, notice.may_live), (BlobChange::Deleted, may_live), "{name}");
        assert_eq!(notice.event.size, None);
    }
    let versioned = json!({"key": "a", "version-id": "v1"});
    for (object, deletion, may_live) in [
        (json!({"key": "a"}), "Permanently Deleted", false),
        (versioned.clone(), "Permanently Deleted", true),
        (versioned, "Delete Marker Created", false),
    ] {
        let notice = only(&eventbridge("Object Deleted", Some(deletion), object));
        assert_eq!((notice.event.change, notice.may_live), (BlobChange::Deleted, may_live), "{deletion}");
    }
}

#[test]
fn a_test_event_and_events_that_nobody_asks_for_are_nothing_to_do() {
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"});
    assert_eq!(in_value(&test).expect("well formed"), Some(Vec::new()));
    assert_eq!(in_text(&test.to_string()).expect("well formed"), Some(Vec::new()));
    let in_sns = json!({"Type": "Notification", "Message": test.to_string()}).to_string();
    assert_eq!(in_text(&in_sns).expect("well formed"), Some(Vec::new()));
    for name in
        ["ObjectTagging:Put", "ObjectRestore:Completed", "ReducedRedundancyLostObject", "Replication:x"]
    {
        assert_eq!(in_value(&direct(name, json!({}))).expect("well formed"), Some(Vec::new()), "{name}");
    }
    let tags = eventbridge("Object Tags Added", None, json!({}));
    assert_eq!(in_value(&tags).expect("well formed"), Some(Vec::new()));
}

#[test]
fn what_is_something_else_is_none() {
    for text in [
        "",
        "s3",
        "{\"s3\":",
        "[{\"eventSource\":\"aws:s3\"}]",
        "{\"Records\":[],\"s3\":1}",
        "{\"Records\":\"aws:s3\"}",
        "{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"aws:s3\"}]}",
        "{\"Type\":\"Notification\",\"Message\":\"about s3\"}",
        "{\"Type\":\"Notification\",\"Message\":{\"s3\":1}}",
        "{\"source\":\"aws.s3\"}",
    ] {
        assert_eq!(in_text(text).expect("something else"), None, "{text}");
    }
    let deep = format!("{{\"s3\":{}", "[".repeat(100_000));
    assert_eq!(in_text(&deep).expect("something else"), None);
}

#[test]
fn a_notification_that_is_broken_says_what_is() {
    let mut untimed = direct("ObjectCreated:Put", json!({"key": "a"}));
    untimed["Records"][0]["eventTime"] = json!("yesterday");
    let mut unnamed = direct("ObjectCreated:Put", json!({"key": "a"}));
    unnamed["Records"][0]["s3"]["bucket"] = json!(null);
    let crowd = vec![record("ObjectCreated:Put", json!({"key": "a"})); MOST + 1];
    for (value, named) in [
        (direct("ObjectCreated:Put", json!({})), "key"),
        (direct("ObjectCreated:Put", json!({"key": ""})), "key"),
        (direct("ObjectCreated:Put", json!({"key": "%FF"})), "UTF-8"),
        (direct("ObjectCreated:Put", json!({"key": "x".repeat(1025)})), "1024"),
        (direct("ObjectCreated:Put", json!({"key": "a", "eTag": "x".repeat(2000)})), "eTag"),
        (json!({"Records": [{"eventSource": "aws:s3"}]}), "eventName"),
        (untimed, "time"),
        (unnamed, "bucket"),
        (json!({"Records": crowd}), "1000"),
        (eventbridge("Object Created", None, json!({"key": 1})), "detail.object.key"),
    ] {
        let error = in_value(&value).expect_err(named);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.message().contains(named), "{error}");
    }
}
