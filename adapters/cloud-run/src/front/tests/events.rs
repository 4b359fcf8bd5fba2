//! Events of buckets and schedules, by every route, and those that no function can be for.

use super::*;

const SOURCE: &str = "//storage.googleapis.com/projects/_/buckets/photos";

fn event(kind: &str, key: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": "1",
        "source": SOURCE,
        "type": kind,
        "subject": format!("objects/{UNDER}{key}"),
        "time": "2026-11-26T13:03:16.192Z",
        "datacontenttype": "application/json",
        "data": {"bucket": "photos", "name": format!("{UNDER}{key}"), "size": "352", "generation": "16"},
    })
}

fn stored(kind: &str, key: &str) -> Value {
    event(&format!("google.cloud.storage.object.v1.{kind}"), key)
}

fn structured(event: &Value) -> Request {
    request("/", &[("content-type", "application/cloudevents+json; charset=utf-8")], event.to_string())
}

fn batch(events: &[Value]) -> Request {
    let events = Value::from(events.to_vec());
    request("/", &[("content-type", "application/cloudevents-batch+json")], events.to_string())
}

fn binary(event: &Value) -> Request {
    let text = |name: &str| event[name].as_str().expect("text").replace('%', "%25").replace(' ', "%20");
    let headers = [
        ("ce-specversion", text("specversion")),
        ("ce-id", text("id")),
        ("ce-source", text("source")),
        ("ce-type", text("type")),
        ("ce-subject", text("subject")),
        ("ce-time", text("time")),
        ("content-type", "application/json".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    request("/", &headers, event["data"].to_string())
}

/// The same as a notification of the bucket, pushed.
fn notified(kind: &str, key: &str, more: &[(&str, &str)]) -> Request {
    let mut attributes = json!({
        "eventType": kind,
        "bucketId": "photos",
        "objectId": format!("{UNDER}{key}"),
        "objectGeneration": "16",
        "eventTime": "2026-11-26T13:03:16.192Z",
        "payloadFormat": "NONE",
    });
    more.iter().for_each(|(name, value)| attributes[*name] = json!(value));
    post("/", &wrapped("photo-events", "", 3, &attributes))
}

#[tokio::test]
async fn an_event_of_a_bucket_finds_its_function_by_every_route() {
    let stage = Stage::set(|_| {}).await;
    let event = stored("finalized", "a b%");
    for request in [structured(&event), binary(&event), batch(std::slice::from_ref(&event))] {
        assert_eq!(stage.status(request).await, 204);
        assert_eq!(stage.bench.calls(), ["Created a b% 1"]);
    }
    assert_eq!(stage.status(notified("OBJECT_FINALIZE", "a b%", &[])).await, 204);
    assert_eq!(stage.bench.calls(), ["Created a b% 3"]);
}

#[tokio::test]
async fn an_event_brings_its_trace_along() {
    let stage = Stage::set(|_| {}).await;
    let mut event = stored("finalized", "trace");
    event["traceparent"] = json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(stage.status(structured(&event)).await, 204);
    assert_eq!(stage.bench.calls(), ["Created trace 1", "4bf92f3577b34da6a3ce929d0e0e4736 1"]);
    // One that is malformed counts as none.
    event["traceparent"] = json!("nonsense");
    assert_eq!(stage.status(structured(&event)).await, 204);
}

#[tokio::test]
async fn an_event_outside_of_the_applications_part_of_a_bucket_calls_nobody() {
    let stage = Stage::set(|_| {}).await;
    for key in ["team/other/a", "a", UNDER] {
        let mut event = stored("finalized", "a");
        event["data"]["name"] = json!(key);
        assert_eq!(stage.status(structured(&event)).await, 204);
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_deletion_is_told_only_where_no_object_lives_on() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.photos.put("kept", "1").await.expect("put");
    // In a bucket with versions the live one is archived when it is deleted.
    for kind in ["deleted", "archived"] {
        for key in ["kept", "gone"] {
            assert_eq!(stage.status(structured(&stored(kind, key))).await, 204);
        }
    }
    assert_eq!(stage.bench.calls(), ["Deleted gone 1"; 2]);
    for key in ["kept", "gone"] {
        assert_eq!(stage.status(notified("OBJECT_DELETE", key, &[])).await, 204);
    }
    assert_eq!(stage.bench.calls(), ["Deleted gone 3"]);
    let overwritten = notified("OBJECT_DELETE", "gone", &[("overwrittenByGeneration", "17")]);
    assert_eq!(stage.status(overwritten).await, 204);
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_passed_over() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.status(structured(&stored("metadataUpdated", "a"))).await, 204);
    assert_eq!(stage.status(notified("OBJECT_METADATA_UPDATE", "a", &[])).await, 204);
    assert_eq!(stage.status(batch(&[])).await, 204);
    // Eventarc would send it for a day.
    let (status, told) = stage.answer(structured(&event("google.cloud.audit.log.v1.written", "a"))).await;
    assert!(status == 202 && told.contains("passed over"), "{told}");
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn an_event_of_a_bucket_that_is_not_the_applications_comes_again() {
    let stage = Stage::set(|_| {}).await;
    let mut event = stored("finalized", "a");
    event["data"]["bucket"] = json!("another");
    assert_eq!(stage.status(structured(&event)).await, 404);
    let named = Stage::set(|config| config.function = Some("job".to_owned())).await;
    assert_eq!(named.status(structured(&stored("finalized", "a"))).await, 404);
}

#[tokio::test]
async fn a_failure_comes_again_and_what_failed_for_good_does_not() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.status(structured(&stored("finalized", "fail"))).await, 503);
    assert_eq!(stage.status(structured(&stored("finalized", "fatal"))).await, 204);
    assert_eq!(stage.status(notified("OBJECT_FINALIZE", "fail", &[])).await, 503);
    assert_eq!(stage.bench.calls().len(), 3);
}

#[tokio::test]
async fn what_failed_for_good_goes_to_the_dead_letters_of_the_queue_that_carried_it() {
    let stage = Stage::set(|_| {}).await;
    let url = ResourceUrl::new("memory", "photo-events");
    let kind = skyport_core::provider::ResourceKind::Queue(QueueSettings::default());
    stage.memory.create(&url, &kind).await.expect("created");
    let events: Queue<String, Raw> =
        Queue::new(stage.memory.queue(&url, &QueueSettings::default()).expect("opens"));
    assert_eq!(stage.status(notified("OBJECT_FINALIZE", "fatal", &[])).await, 204);
    assert_eq!(stage.status(notified("OBJECT_FINALIZE", "a", &[("eventTime", "noon")])).await, 204);
    let reasons: Vec<String> = stage.letters(&events).await.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons[0], "never");
    assert!(reasons[1].contains("eventTime"), "{reasons:?}");
}

#[tokio::test]
async fn a_batch_comes_again_as_a_whole_where_one_of_it_failed() {
    let stage = Stage::set(|_| {}).await;
    let events = [stored("finalized", "a"), stored("finalized", "fail"), stored("finalized", "b")];
    assert_eq!(stage.status(batch(&events)).await, 503);
    let mut calls = stage.bench.calls();
    calls.sort();
    assert_eq!(calls, ["Created a 1", "Created b 1", "Created fail 1"]);
    let strange = [stored("finalized", "a"), event("com.example.other", "b")];
    assert_eq!(stage.status(batch(&strange)).await, 202);
    assert_eq!(stage.bench.calls(), ["Created a 1"]);
}

fn ticked(path: &str, job: &str, time: &str) -> Request {
    let headers = [
        ("x-cloudscheduler", "true"),
        ("x-cloudscheduler-jobname", job),
        ("x-cloudscheduler-scheduletime", time),
    ];
    request(path, &headers, "")
}

#[tokio::test]
async fn a_schedule_finds_its_function_by_the_jobs_name() {
    let stage = Stage::set(|_| {}).await;
    for job in ["sweep", "bench-sweep"] {
        assert_eq!(stage.status(ticked("/", job, "1970-01-01T00:05:02.5Z")).await, 204);
        assert_eq!(stage.bench.calls(), ["sweep 300"]);
    }
    // There are two, and it is not plain which.
    assert_eq!(stage.status(ticked("/", "nightly", "1970-01-01T00:05:00Z")).await, 404);
    let named = Stage::set(|config| config.function = Some("report".to_owned())).await;
    assert_eq!(named.status(ticked("/", "nightly", "1970-01-01T00:05:00Z")).await, 204);
    assert_eq!(named.bench.calls(), ["report 300"]);
}

#[tokio::test]
async fn a_schedule_that_failed_is_told_and_one_that_failed_for_good_is_over() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.status(ticked("/", "sweep", "1970-01-01T00:01:00Z")).await, 503);
    assert_eq!(stage.status(ticked("/", "sweep", "1970-01-01T00:02:00Z")).await, 204);
    assert_eq!(stage.status(ticked("/", "sweep", "noon")).await, 400);
}

#[tokio::test]
async fn a_job_for_a_route_of_the_applications_own_calls_that_unless_a_function_is_called_so() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.passed(ticked("/own/a", "nightly", "1970-01-01T00:05:00Z")).await, "");
    assert!(stage.bench.calls().is_empty());
    assert_eq!(stage.status(ticked("/own/a", "sweep", "1970-01-01T00:05:00Z")).await, 204);
    assert_eq!(stage.bench.calls(), ["sweep 300"]);
}
