use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::{Value, json};
use skyport_core::ErrorKind;

use super::*;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(7)
}

fn of(push: &Value) -> Result<Push> {
    wrapped(push.to_string().as_bytes(), now())
}

#[test]
fn a_wrapped_push_is_read_as_pubsub_writes_it() {
    let push = json!({
        "deliveryAttempt": 3,
        "message": {
            "attributes": {"color": "blue"},
            "data": "aGVsbG8=",
            "messageId": "2070443601311540",
            "message_id": "2070443601311540",
            "orderingKey": "a",
            "publishTime": "1970-01-01T00:00:01.5Z",
            "publish_time": "1970-01-01T00:00:01.5Z",
        },
        "subscription": "projects/p/subscriptions/jobs",
    });
    assert!(is_wrapped(push.to_string().as_bytes()));
    let push = of(&push).expect("sound");
    assert_eq!(push.subscription_name(), "jobs");
    let message = push.message;
    assert_eq!(
        (&*message.id, &message.data[..], &*message.ordering_key),
        ("2070443601311540", &b"hello"[..], "a")
    );
    assert_eq!((message.attempt, message.published), (3, UNIX_EPOCH + Duration::from_millis(1_500)));
    assert_eq!(message.attributes["color"], "blue");
}

#[test]
fn what_may_be_missing_may_be_missing() {
    let push = of(&json!({"message": {"message_id": "1", "attributes": {"a": "b"}}, "subscription": "jobs"}));
    let push = push.expect("sound");
    assert_eq!((push.subscription_name(), push.message.attempt), ("jobs", 0));
    assert!(push.message.data.is_empty() && push.message.published == now());
    // Without padding, and with nulls.
    let push = json!({"message": {"messageId": "1", "data": "aGk", "attributes": null}, "subscription": ""});
    assert_eq!(of(&push).expect("sound").message.data, "hi");
}

#[test]
fn other_json_is_no_push() {
    for other in [
        json!({"message": {"messageId": "1"}}),
        json!({"subscription": "s"}),
        json!({"message": null, "subscription": "s"}),
        json!({"message": {}, "subscription": 1}),
        json!({"message": {}, "subscription": "s", "context": {"eventId": "1"}}),
        json!([{"message": {}, "subscription": "s"}]),
        json!("text"),
    ] {
        assert!(!is_wrapped(other.to_string().as_bytes()), "{other}");
    }
    for text in ["", "{", "nonsense", &"[".repeat(200_000), &"{\"message\":".repeat(200_000)] {
        assert!(!is_wrapped(text.as_bytes()));
    }
}

#[test]
fn what_is_malformed_in_a_push_is_told() {
    let message = |more: (&str, Value)| {
        let mut push =
            json!({"message": {"messageId": "1"}, "subscription": "projects/p/subscriptions/jobs"});
        push["message"][more.0] = more.1;
        push
    };
    let many: serde_json::Map<String, Value> = (0..101).map(|n| (format!("a{n}"), json!("x"))).collect();
    for (push, why) in [
        (message(("data", json!("not base64!"))), "base64"),
        (message(("data", json!(7))), "invalid type"),
        (message(("attributes", json!({"a": 1}))), "invalid type"),
        (message(("attributes", Value::Object(many))), "attributes"),
        (message(("messageId", json!(""))), "id"),
        (message(("messageId", json!("two words"))), "id"),
        (message(("messageId", json!("x".repeat(129)))), "id"),
        (message(("publishTime", json!("noon"))), "time"),
        (message(("orderingKey", json!("x".repeat(1_025)))), "ordering key"),
        (json!({"message": {"messageId": "1"}, "subscription": "x".repeat(513)}), "subscription"),
        (json!({"message": {"messageId": "1"}, "subscription": "s", "deliveryAttempt": -1}), "invalid value"),
    ] {
        let error = of(&push).expect_err(why);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.message().contains(why), "{error} has no {why}");
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn an_unwrapped_push_has_its_message_in_the_body_and_the_rest_in_headers() {
    let headers = headers(&[
        ("x-goog-pubsub-subscription-name", "projects/p/subscriptions/jobs"),
        ("x-goog-pubsub-message-id", "17"),
        ("x-goog-pubsub-publish-time", "1970-01-01T00:00:01Z"),
        ("x-goog-pubsub-ordering-key", "a"),
        ("x-goog-pubsub-delivery-attempt", "2"),
        ("authorization", "Bearer secret"),
        ("user-agent", "APIs-Google"),
        ("content-type", "text/plain"),
        ("x-forwarded-for", "10.0.0.1"),
        ("traceparent", "00-1"),
        ("color", "blue"),
        ("skyport", r#"{"e":"b64"}"#),
    ]);
    let push = unwrapped(&headers, Bytes::from_static(b"raw \xff"), now()).expect("sound");
    assert_eq!(push.subscription_name(), "jobs");
    let message = push.message;
    assert_eq!((&*message.id, message.attempt, &*message.ordering_key), ("17", 2, "a"));
    assert_eq!(message.data, &b"raw \xff"[..]);
    assert_eq!(message.published, UNIX_EPOCH + Duration::from_secs(1));
    let names: Vec<&str> = message.attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["color", "skyport"]);
    let few = unwrapped(&self::headers(&[("x-goog-pubsub-message-id", "1")]), Bytes::new(), now());
    assert_eq!(few.expect("sound").message.published, now());
}

#[test]
fn an_unwrapped_push_with_wrong_headers_is_malformed() {
    for wrong in [
        ("x-goog-pubsub-delivery-attempt", "second"),
        ("x-goog-pubsub-publish-time", "noon"),
        ("x-goog-pubsub-message-id", "two words"),
    ] {
        let mut headers = headers(&[("x-goog-pubsub-message-id", "1")]);
        headers.extend(self::headers(&[wrong]));
        assert!(unwrapped(&headers, Bytes::new(), now()).is_err(), "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(text in ".{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = (is_wrapped(&bytes), wrapped(&bytes, now()));
        let push = json!({"message": {"messageId": text, "data": text, "publishTime": text}, "subscription": text});
        let _ = of(&push).map(|push| push.subscription_name().len());
    }
}
