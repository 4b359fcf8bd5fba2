use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use skyport_core::ErrorKind;

use super::*;

/// As Cloud Storage's documentation shows it.
const RESOURCE: &str = r#"{"kind":"storage#object","id":"photos/cat.jpg/1600000000000001","name":"cat.jpg","bucket":"photos",
    "generation":"1600000000000001","metageneration":"1","contentType":"image/jpeg","timeCreated":"2026-11-26T13:03:16.192Z",
    "updated":"2026-11-26T13:03:16.192Z","size":"352","md5Hash":"B2NKg/ZGqlGdSmTQpS1YCQ==","etag":"CIGd4Z7Cy+sCEAE="}"#;

fn at() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_795_698_196_192)
}

fn message(kind: &str, more: &[(&str, &str)], data: &str) -> PubsubMessage {
    let mut message = PubsubMessage::new("1", data.to_owned(), UNIX_EPOCH);
    let attributes = [
        ("notificationConfig", "projects/_/buckets/photos/notificationConfigs/1"),
        ("eventType", kind),
        ("payloadFormat", "JSON_API_V1"),
        ("bucketId", "photos"),
        ("objectId", "cat.jpg"),
        ("objectGeneration", "1600000000000001"),
        ("eventTime", "2026-11-26T13:03:16.192000Z"),
    ];
    let all = attributes.iter().chain(more);
    message.attributes = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    message
}

fn event<'e>(kind: &'e str, data: &'e str) -> StorageEvent<'e> {
    StorageEvent {
        kind,
        source: "//storage.googleapis.com/projects/_/buckets/photos",
        subject: Some("objects/cat.jpg"),
        time: Some(at()),
        data: data.as_bytes(),
    }
}

fn notice_of(told: Result<Told>) -> Notice {
    match told.expect("well formed") {
        Told::Notice(notice) => *notice,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_routes_tell_the_same_of_a_created_object() {
    let by_message = notice_of(in_message(&message("OBJECT_FINALIZE", &[], RESOURCE)));
    let by_event = notice_of(in_event(&event("google.cloud.storage.object.v1.finalized", RESOURCE)));
    assert_eq!(by_message, by_event);
    assert_eq!((by_message.generation, by_message.may_live), (Some(1_600_000_000_000_001), false));
    let event = by_message.event;
    assert_eq!((event.change, &*event.bucket, &*event.key), (BlobChange::Created, "photos", "cat.jpg"));
    assert_eq!((event.size, event.etag, event.time), (Some(352), Some(Etag::new("1600000000000001")), at()));
}

#[test]
fn overwriting_is_a_creation_and_no_deletion() {
    let created = message("OBJECT_FINALIZE", &[("overwroteGeneration", "7")], RESOURCE);
    assert_eq!(notice_of(in_message(&created)).event.change, BlobChange::Created);
    for kind in ["OBJECT_DELETE", "OBJECT_ARCHIVE"] {
        let overwritten = message(kind, &[("overwrittenByGeneration", "9")], RESOURCE);
        assert_eq!(in_message(&overwritten).expect("well formed"), Told::Nothing, "{kind}");
    }
}

#[test]
fn of_what_was_removed_it_has_to_be_asked_whether_an_object_remains() {
    for kind in ["OBJECT_DELETE", "OBJECT_ARCHIVE"] {
        let notice = notice_of(in_message(&message(kind, &[], "")));
        assert_eq!((notice.event.change, notice.may_live), (BlobChange::Deleted, true), "{kind}");
        assert_eq!((notice.event.size, notice.event.etag), (None, None));
    }
    for kind in ["deleted", "archived"] {
        let kind = format!("google.cloud.storage.object.v1.{kind}");
        let notice = notice_of(in_event(&event(&kind, RESOURCE)));
        assert_eq!((notice.event.change, notice.may_live), (BlobChange::Deleted, true), "{kind}");
    }
}

#[test]
fn what_no_function_can_ask_for_is_passed_over() {
    assert_eq!(in_message(&message("OBJECT_METADATA_UPDATE", &[], RESOURCE)).expect("sound"), Told::Nothing);
    let updated = event("google.cloud.storage.object.v1.metadataUpdated", RESOURCE);
    assert_eq!(in_event(&updated).expect("sound"), Told::Nothing);
}

#[test]
fn what_is_not_of_cloud_storage_is_foreign() {
    let mut other = message("OBJECT_FINALIZE", &[], RESOURCE);
    other.attributes.remove("bucketId");
    assert_eq!(in_message(&other).expect("sound"), Told::Foreign);
    assert_eq!(in_message(&message("order.created", &[], RESOURCE)).expect("sound"), Told::Foreign);
    let other = event("google.cloud.pubsub.topic.v1.messagePublished", "{}");
    assert_eq!(in_event(&other).expect("sound"), Told::Foreign);
    assert!(is_event("google.cloud.storage.object.v1.finalized") && !is_event("google.cloud.storage"));
}

#[test]
fn without_a_body_the_attributes_tell_enough() {
    let notice = notice_of(in_message(&message("OBJECT_FINALIZE", &[("payloadFormat", "NONE")], "")));
    assert_eq!((notice.event.size, notice.event.time), (None, at()));
    assert_eq!(notice.event.etag, Some(Etag::new("1600000000000001")));
    let bare = notice_of(in_event(&event("google.cloud.storage.object.v1.deleted", "")));
    assert_eq!((&*bare.event.bucket, &*bare.event.key), ("photos", "cat.jpg"));
    let mut timeless = message("OBJECT_FINALIZE", &[], RESOURCE);
    timeless.attributes.remove("eventTime");
    assert_eq!(notice_of(in_message(&timeless)).event.time, UNIX_EPOCH);
}

#[test]
fn numbers_may_stand_as_numbers_and_times_in_the_data() {
    let data =
        r#"{"bucket":"b","name":"a/b ☺","generation":5,"size":7,"updated":"2026-11-26T13:03:16.192Z"}"#;
    let mut event = event("google.cloud.storage.object.v1.finalized", data);
    event.time = None;
    let notice = notice_of(in_event(&event));
    assert_eq!((notice.generation, notice.event.size, notice.event.time), (Some(5), Some(7), at()));
    assert_eq!((&*notice.event.bucket, &*notice.event.key), ("b", "a/b ☺"));
}

#[test]
fn what_is_malformed_says_where() {
    let long = "x".repeat(1_025);
    let with = |name: &'static str, value: &str| message("OBJECT_FINALIZE", &[(name, value)], RESOURCE);
    for (message, part) in [
        (with("objectGeneration", "-1"), "objectGeneration"),
        (with("objectGeneration", "99999999999999999999"), "objectGeneration"),
        (with("eventTime", "yesterday"), "eventTime"),
        (with("objectId", &long), "the object's name"),
        (with("bucketId", ""), "the bucket's name"),
        (message("OBJECT_FINALIZE", &[], "[]"), "the body"),
        (message("OBJECT_FINALIZE", &[], "{\"size\":"), "the body"),
        (message("OBJECT_FINALIZE", &[], &"[".repeat(100_000)), "the body"),
        (message("OBJECT_FINALIZE", &[], &"{\"x\":".repeat(100_000)), "the body"),
        (message("OBJECT_FINALIZE", &[], r#"{"size":"1e3"}"#), "size"),
    ] {
        let error = in_message(&message).expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(part), "{error}");
    }
    let mut nameless = event("google.cloud.storage.object.v1.finalized", r#"{"bucket":"b"}"#);
    nameless.subject = Some("cat.jpg");
    assert!(in_event(&nameless).expect_err("no name").to_string().contains("the object's name"));
    let mut timeless = event("google.cloud.storage.object.v1.finalized", r#"{"bucket":"b","name":"k"}"#);
    timeless.time = None;
    assert!(in_event(&timeless).expect_err("no time").to_string().contains("the time"));
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(kind in "OBJECT_[A-Z]{0,9}|FINALIZE|OBJECT_DELETE", value in ".{0,40}", data in ".{0,80}") {
        for name in ["objectGeneration", "eventTime", "objectId", "bucketId", "overwrittenByGeneration"] {
            let _ = in_message(&message(&kind, &[(name, &value)], &data));
        }
        let mut event = event("google.cloud.storage.object.v1.deleted", &data);
        event.subject = Some(&value);
        let _ = in_event(&event);
    }
}
