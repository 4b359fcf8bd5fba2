//! What nobody sane sends.

use futures_util::stream;
use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn what_is_malformed_is_told_and_calls_nobody() {
    let stage = Stage::set(|_| {}).await;
    let structured = ("content-type", "application/cloudevents+json");
    let many = ("content-type", "application/cloudevents-batch+json");
    let json = ("content-type", "application/json");
    let deep = "[".repeat(500_000);
    let deep_object = format!("{{\"specversion\":{}", "{\"a\":".repeat(500_000));
    let mut no_base64 = wrapped("jobs", "", 1, &json!({}));
    no_base64["message"]["data"] = json!("!!!");
    let no_base64 = no_base64.to_string();
    let mut no_number = wrapped("jobs", "", 1, &json!({}));
    no_number["deliveryAttempt"] = json!(1e300);
    let no_number = no_number.to_string();
    for (headers, body, status) in [
        (vec![structured], "", 400),
        (vec![structured], "{", 400),
        (vec![structured], deep.as_str(), 400),
        (vec![structured], deep_object.as_str(), 400),
        (vec![structured], "\u{0}", 400),
        (vec![many], "{}", 400),
        (vec![many], "[[]]", 400),
        (vec![("content-type", "application/cloudevents+avro")], "x", 415),
        (vec![("ce-specversion", "1.0")], "x", 400),
        (vec![("ce-specversion", "9"), ("ce-id", "1"), ("ce-source", "/"), ("ce-type", "t")], "x", 400),
        (vec![("x-goog-pubsub-message-id", "")], "x", 400),
        (vec![("x-goog-pubsub-message-id", "1")], "x", 404),
        (vec![("x-cloudscheduler-jobname", "")], "x", 400),
        (vec![json], no_base64.as_str(), 400),
        (vec![json], no_number.as_str(), 400),
    ] {
        let (answered, told) = stage.answer(request("/", &headers, body.to_owned())).await;
        assert_eq!(answered, status, "{headers:?} {told}");
        assert!(told.contains("detail"), "{told}");
    }
    assert!(stage.bench.calls().is_empty());
    // JSON that is no push at all is a request like any other.
    assert_eq!(stage.passed(request("/", &[json], deep.clone())).await, deep);
}

#[tokio::test]
async fn data_of_an_event_that_is_not_what_it_claims_is_malformed() {
    let stage = Stage::set(|_| {}).await;
    for (kind, data) in [
        ("google.cloud.storage.object.v1.finalized", "[]"),
        ("google.cloud.storage.object.v1.finalized", "{\"size\":-1}"),
        ("google.cloud.storage.object.v1.finalized", ""),
        ("google.cloud.pubsub.topic.v1.messagePublished", "{}"),
        ("google.cloud.pubsub.topic.v1.messagePublished", "\u{1}"),
    ] {
        let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", kind)];
        assert_eq!(stage.status(request("/", &headers, data)).await, 400, "{kind} {data}");
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_and_one_that_breaks_off_is_told() {
    let stage = Stage::set(|_| {}).await;
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let endless = stream::repeat_with(move || Ok::<_, Error>(chunk.clone()));
    let event = [("content-type", "application/cloudevents+json")];
    assert_eq!(stage.status(request("/", &event, Body::from_stream(endless))).await, 413);
    // One that says how long it is is not even begun.
    let long = [event[0], ("content-length", "99999999999")];
    let unread =
        Body::from_stream(stream::once(async { Err::<Bytes, _>(Error::internal("somebody read it")) }));
    assert_eq!(stage.status(request("/", &long, unread)).await, 413);
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(Error::internal("reset"))]);
    let (status, told) = stage.answer(request("/", &event, Body::from_stream(broken))).await;
    assert!(status == 400 && told.contains("broke off"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_request_makes_it_panic(
        body in "(?s).{0,120}",
        value in "[ -~]{0,40}",
        kind in 0_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let stage = Stage::set(|_| {}).await;
            let storage = "google.cloud.storage.object.v1.deleted";
            let headers = match kind {
                0 => vec![("content-type", "application/cloudevents+json")],
                1 => vec![("content-type", "application/cloudevents-batch+json")],
                2 => vec![("ce-specversion", "1.0"), ("ce-id", &value), ("ce-source", &value), ("ce-type", storage)],
                3 => vec![("x-goog-pubsub-message-id", &*value), ("x-goog-pubsub-publish-time", &value)],
                4 => vec![("x-cloudscheduler-jobname", &*value), ("x-cloudscheduler-scheduletime", &value)],
                _ => vec![("content-type", "application/json")],
            };
            if let Intercepted::Answered(response) = stage.intercept(request("/", &headers, body.clone())).await {
                assert!(!response.status().is_server_error(), "{response:?}");
            }
        });
    }
}
