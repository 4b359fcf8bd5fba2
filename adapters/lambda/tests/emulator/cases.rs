//! What must hold of a process.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::emulator::Emulator;

type Case = fn(&Emulator);

pub(crate) const ALL: [(&str, Case); 7] = [
    ("a_request_is_answered_in_the_shape_of_its_gateway", a_request_is_answered_in_the_shape_of_its_gateway),
    (
        "a_binary_body_of_four_mebibytes_survives_both_ways",
        a_binary_body_of_four_mebibytes_survives_both_ways,
    ),
    ("a_panic_is_a_500_and_the_next_request_is_served", a_panic_is_a_500_and_the_next_request_is_served),
    (
        "a_call_past_its_deadline_is_a_504_of_the_functions_own",
        a_call_past_its_deadline_is_a_504_of_the_functions_own,
    ),
    ("of_a_batch_only_what_failed_is_named", of_a_batch_only_what_failed_is_named),
    ("an_event_that_failed_is_an_error_with_a_tidy_name", an_event_that_failed_is_an_error_with_a_tidy_name),
    ("a_schedule_is_called_by_its_marker", a_schedule_is_called_by_its_marker),
];

fn get(path: &str) -> Value {
    json!({
        "rawPath": path, "rawQueryString": "", "headers": {},
        "requestContext": {"http": {"method": "GET"}, "stage": "$default", "domainName": "x.lambda-url.y.on.aws"},
    })
}

fn a_request_is_answered_in_the_shape_of_its_gateway(emulator: &Emulator) {
    let mut event = get("/echo/a%2Fb");
    event["requestContext"]["http"]["method"] = json!("POST");
    event["rawQueryString"] = json!("q=%2B+x");
    event["headers"] = json!({"x-many": "one,two"});
    event["body"] = json!("gr\u{fc}\u{df}e");
    let answer = emulator.invoke(&event);
    assert_eq!(
        (&answer["statusCode"], &answer["body"]),
        (&json!(200), &json!("gr\u{fc}\u{df}e")),
        "{answer}"
    );
    assert_eq!(answer["headers"]["x-uri"], "/echo/a%2Fb?q=%2B+x");
    assert_eq!(answer["headers"]["x-many"], "one,two");
    assert_eq!(answer["cookies"], json!(["a=1", "b=2"]));
    let left: u64 =
        answer["headers"]["x-left"].as_str().and_then(|left| left.parse().ok()).expect("a number");
    assert!((1..=5_000).contains(&left), "{left}");
    let rest = json!({
        "path": "/echo/a%2Fb", "httpMethod": "POST", "multiValueHeaders": {"x-many": ["one", "two"]},
        "requestContext": {"stage": "prod"}, "body": null,
    });
    let answer = emulator.invoke(&rest);
    assert_eq!(answer["multiValueHeaders"]["set-cookie"], json!(["a=1", "b=2"]), "{answer}");
    assert_eq!(answer["multiValueHeaders"]["x-first"], json!(["false"]));
    let mut balanced = rest;
    balanced["requestContext"] = json!({"elb": {"targetGroupArn": "arn"}});
    assert_eq!(emulator.invoke(&balanced)["statusDescription"], "200 OK");
}

fn a_binary_body_of_four_mebibytes_survives_both_ways(emulator: &Emulator) {
    let body: Vec<u8> = (0..4_usize << 20).map(|n| (n ^ (n >> 8)) as u8).collect();
    let mut event = get("/echo/x");
    event["requestContext"]["http"]["method"] = json!("POST");
    event["body"] = json!(STANDARD.encode(&body));
    event["isBase64Encoded"] = json!(true);
    let answer = emulator.invoke(&event);
    assert_eq!(answer["isBase64Encoded"], true);
    let back = STANDARD.decode(answer["body"].as_str().expect("a body")).expect("base64");
    assert!(back == body, "{} bytes came back", back.len());
}

fn a_panic_is_a_500_and_the_next_request_is_served(emulator: &Emulator) {
    let answer = emulator.invoke(&get("/panic"));
    assert_eq!(answer["statusCode"], 500);
    assert!(!answer.to_string().contains("secret"), "{answer}");
    assert_eq!(emulator.invoke(&get("/nowhere"))["statusCode"], 404);
}

fn a_call_past_its_deadline_is_a_504_of_the_functions_own(emulator: &Emulator) {
    assert_eq!(emulator.invoke(&get("/hang"))["statusCode"], 504);
}

fn of_a_batch_only_what_failed_is_named(emulator: &Emulator) {
    let record = |body: &str| {
        json!({
            "messageId": body, "receiptHandle": "another's", "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
        })
    };
    let answer = emulator.invoke(&json!({"Records": [record("fine"), record("fail"), record("fatal")]}));
    // The fatal one, too: without a receipt of this queue it cannot become a dead letter.
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "fail"}, {"itemIdentifier": "fatal"}]})
    );
    assert_eq!(emulator.invoke(&json!({"Records": [record("fine")]})), json!({"batchItemFailures": []}));
}

fn an_event_that_failed_is_an_error_with_a_tidy_name(emulator: &Emulator) {
    let event = |key: &str| {
        json!({"Records": [{
            "eventSource": "aws:s3", "eventTime": "2026-11-26T13:03:16.192Z", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "photos"}, "object": {"key": key}},
        }]})
    };
    assert_eq!(emulator.invoke(&event("fine")), Value::Null);
    let failed = json!({"errorType": "Skyport.FunctionFailed", "errorMessage": "not now"});
    assert_eq!(emulator.invoke(&event("fail")), failed);
    assert_eq!(emulator.invoke(&event("fatal")), Value::Null);
    let refused = emulator.invoke(&json!({"requestContext": {"connectionId": "x"}}));
    assert_eq!(refused["errorType"], "Skyport.UnexpectedEvent", "{refused}");
}

fn a_schedule_is_called_by_its_marker(emulator: &Emulator) {
    let marker = |time: &str| json!({"skyport": {"schedule": "sweep", "scheduled": time}});
    assert_eq!(emulator.invoke(&marker("1970-01-01T00:00:00Z")), Value::Null);
    assert_eq!(emulator.invoke(&marker("1970-01-01T00:01:00Z"))["errorMessage"], "another instant");
}
