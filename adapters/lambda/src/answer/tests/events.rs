//! Events of buckets and schedules, requests, and what no function can be for.

use super::*;

fn direct(name: &str, key: &str) -> Value {
    json!({"Records": [{
        "eventSource": "aws:s3",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": name,
        "s3": {"bucket": {"name": "photos"}, "object": {"key": format!("{UNDER}{key}"), "versionId": "v1"}},
    }]})
}

fn in_sqs(queue: &str, bodies: &[Value]) -> Value {
    let record = |(index, body): (usize, &Value)| {
        json!({
            "messageId": format!("m{index}"),
            "receiptHandle": "receipt",
            "body": body.to_string(),
            "attributes": {"ApproximateReceiveCount": "2"},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
        })
    };
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
}

#[tokio::test]
async fn an_event_of_a_bucket_finds_its_function_by_every_route() {
    let stage = Stage::set(|_| {}).await;
    let plain = direct("ObjectCreated:Put", "a+b");
    let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": plain.to_string()}}]});
    let bridged = json!({
        "detail-type": "Object Created", "source": "aws.s3", "time": "1970-01-01T00:00:00Z",
        "detail": {"bucket": {"name": "photos"}, "object": {"key": format!("{UNDER}a b")}},
    });
    for event in [plain.clone(), sns, bridged.clone()] {
        assert_eq!(stage.done(event).await, Value::Null);
        assert_eq!(stage.bench.calls(), ["Created a b 1"]);
    }
    let enveloped = json!({"Type": "Notification", "Message": plain.to_string()});
    let event = in_sqs("photo-events", &[plain, enveloped, bridged]);
    assert_eq!(stage.done(event).await, json!({"batchItemFailures": []}));
    assert_eq!(stage.bench.calls(), ["Created a b 2"; 3]);
}

#[tokio::test]
async fn an_event_outside_of_the_applications_part_of_a_bucket_calls_nobody() {
    let stage = Stage::set(|_| {}).await;
    let mut event = direct("ObjectCreated:Put", "a");
    for key in ["team/other/a", "a", UNDER] {
        event["Records"][0]["s3"]["object"]["key"] = json!(key);
        assert_eq!(stage.done(event.clone()).await, Value::Null);
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_test_event_calls_nobody_by_any_route() {
    let stage = Stage::set(|_| {}).await;
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"});
    assert_eq!(stage.done(test.clone()).await, Value::Null);
    let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": test.to_string()}}]});
    assert_eq!(stage.done(sns).await, Value::Null);
    assert_eq!(stage.done(in_sqs("photo-events", &[test])).await, json!({"batchItemFailures": []}));
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_deletion_is_told_only_where_no_object_lives_on() {
    let stage = Stage::set(|_| {}).await;
    stage.bench.photos.put("kept", "1").await.expect("put");
    for key in ["kept", "gone"] {
        assert_eq!(stage.done(direct("ObjectRemoved:Delete", key)).await, Value::Null);
    }
    assert_eq!(stage.bench.calls(), ["Deleted gone 1"]);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_repeated_by_the_platform_unless_it_failed_for_good() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.failed(direct("ObjectCreated:Put", "fail")).await, "not now");
    assert_eq!(stage.done(direct("ObjectCreated:Put", "fatal")).await, Value::Null);
    let marker = |minute: u32| json!({"skyport": {"schedule": "sweep", "scheduled": format!("1970-01-01T00:0{minute}:00Z")}});
    assert_eq!(stage.failed(marker(1)).await, "not now");
    assert_eq!(stage.done(marker(2)).await, Value::Null);
}

#[tokio::test]
async fn events_in_a_queue_that_nobody_can_open_come_again_by_its_own_settings() {
    let stage = Stage::set(|_| {}).await;
    let bodies = ["fine", "fail", "fatal"].map(|key| direct("ObjectCreated:Put", key));
    let answer = stage.done(in_sqs("photo-events", &bodies)).await;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}));
    // What is no notification of S3, although it says so, is for the dead letters, too.
    let broken = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
    let answer = stage.done(in_sqs("photo-events", &[broken])).await;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
}

#[tokio::test]
async fn a_stranger_among_events_of_a_bucket_is_on_its_own() {
    let stage = Stage::set(|_| {}).await;
    let mut elsewhere = direct("ObjectCreated:Put", "a");
    elsewhere["Records"][0]["s3"]["bucket"]["name"] = json!("another");
    let event = in_sqs("photo-events", &[json!("hello"), direct("ObjectCreated:Put", "a"), elsewhere]);
    // For the dead letters; where nobody can open those, to come again.
    let answer = json!({"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]});
    assert_eq!(stage.done(event).await, answer);
    assert_eq!(stage.bench.calls(), ["Created a 2"]);
    // Where there are only strangers, the deployment is wrong.
    let told = stage.failed(in_sqs("photo-events", &[json!("hello")])).await;
    assert!(told.contains("`photo-events`"), "{told}");
}

#[tokio::test]
async fn a_schedule_finds_its_function_by_name_and_its_instant_is_a_whole_minute() {
    let stage = Stage::set(|_| {}).await;
    let event = |resource: &str, source: &str| {
        json!({
            "detail-type": "Scheduled Event", "source": source, "time": "1970-01-02T00:05:06Z",
            "resources": [resource], "detail": {},
        })
    };
    for (resource, source, called) in [
        ("arn:aws:events:us-east-1:123456789012:rule/sweep", "aws.events", "sweep"),
        ("arn:aws:events:us-east-1:123456789012:rule/bus/bench-report", "aws.events", "report"),
        ("arn:aws:scheduler:us-east-1:123456789012:schedule/default/bench-sweep", "aws.scheduler", "sweep"),
    ] {
        assert_eq!(stage.done(event(resource, source)).await, Value::Null);
        assert_eq!(stage.bench.calls(), [format!("{called} 86700")]);
    }
    let other = event("arn:aws:events:us-east-1:123456789012:rule/other", "aws.events");
    let unclear = stage.failed(other.clone()).await;
    for word in ["`other`", "SKYPORT_FUNCTION", "report"] {
        assert!(unclear.contains(word), "{unclear}");
    }
    let named = Stage::set(|config| config.function = Some("report".to_owned())).await;
    named.done(other).await;
    assert_eq!(named.bench.calls(), ["report 86700"]);
}

#[tokio::test]
async fn a_marker_that_is_wrong_says_how_it_is_written() {
    let stage = Stage::set(|_| {}).await;
    let marker =
        |schedule: &str, scheduled: &str| json!({"skyport": {"schedule": schedule, "scheduled": scheduled}});
    let unknown = stage.failed(marker("nobody", "1970-01-01T00:00:00Z")).await;
    assert!(unknown.contains("`nobody`") && unknown.contains("sweep"), "{unknown}");
    let other = stage.failed(marker("job", "1970-01-01T00:00:00Z")).await;
    assert!(other.contains("`job`") && other.contains("no schedule"), "{other}");
    assert!(stage.failed(marker("sweep", "<aws.scheduler.scheduled-time>")).await.contains("RFC 3339"));
}

#[tokio::test]
async fn what_no_function_is_for_says_what_came_and_what_to_do() {
    let stage = Stage::set(|_| {}).await;
    for (event, words) in [
        (json!({"methodArn": "arn", "type": "TOKEN"}), "authorizer"),
        (json!({"requestContext": {"connectionId": "x"}}), "websocket"),
        (json!({"Records": [{"eventSource": "aws:kinesis"}]}), "Kinesis"),
        (json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "hello"}}]}), "SNS"),
        (json!({"hello": 1}), "marker"),
        (direct("ObjectCreated:Put", "%FF"), "UTF-8"),
        (json!({"Records": [{"eventSource": "aws:sqs", "messageId": 1}]}), "messages of SQS"),
        (in_sqs("unknown", &[json!("hello")]), "`unknown`"),
    ] {
        let told = stage.failed(event).await;
        assert!(told.contains(words), "{told}");
    }
    let mut foreign = direct("ObjectCreated:Put", "a");
    foreign["Records"][0]["s3"]["bucket"]["name"] = json!("other");
    let told = stage.failed(foreign).await;
    assert!(told.contains("`other`") && told.contains("`photos`"), "{told}");
    assert!(matches!(answer(&stage.served, &Context::default(), b"{").await, Answer::Failed(_)));
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_deployment_of_one_function_refuses_what_is_for_others() {
    let stage = Stage::set(|config| config.function = Some("job".to_owned())).await;
    let told = stage.failed(direct("ObjectCreated:Put", "a")).await;
    assert!(told.contains("`job`") && told.contains("a bucket's events"), "{told}");
    let stage = Stage::set(|config| config.function = Some("created".to_owned())).await;
    assert_eq!(stage.done(direct("ObjectRemoved:Delete", "a")).await, Value::Null);
    assert!(stage.bench.calls().is_empty());
    stage.done(direct("ObjectCreated:Put", "a")).await;
    assert_eq!(stage.bench.calls(), ["Created a 1"]);
}

#[tokio::test]
async fn a_request_is_answered_in_its_shape_and_a_malformed_one_with_a_400() {
    let stage = Stage::set(|_| {}).await;
    let event = |path: &str| json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}, "stage": "$default"}});
    let answer = stage.done(event("/hello")).await;
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("8476a536")));
    assert_eq!(stage.done(event("/nowhere")).await["statusCode"], 404);
    let mut broken = event("/hello");
    broken["isBase64Encoded"] = json!(true);
    broken["body"] = json!("no base64!");
    let answer = stage.done(broken).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(answer["body"].as_str().is_some_and(|body| body.contains("base64")), "{answer}");
}

#[tokio::test]
async fn once_it_shuts_down_nothing_is_begun() {
    let stage = Stage::set(|_| {}).await;
    stage.served.config.shutdown.trigger();
    assert!(stage.failed(direct("ObjectCreated:Put", "a")).await.contains("shutting down"));
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_function_that_is_not_there_is_told_at_the_start() {
    let stage = Stage::set(|_| {}).await;
    let config = LambdaConfig { function: Some("nobody".to_owned()), ..LambdaConfig::default() };
    let error = Served::new(Arc::clone(&stage.served.functions), config).expect_err("not there");
    assert!(error.message().contains("SKYPORT_FUNCTION") && error.message().contains("sweep"), "{error}");
}
