//! What nobody sane sends.

use futures_util::stream;
use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn what_is_malformed_gets_a_sound_answer_and_calls_nobody() {
    let stage = Stage::set().await;
    let deep = format!("{{\"Data\":{}", "[".repeat(500_000));
    let bodies = ["", "null", "[]", "7", "{", "\u{0}", "{\"Data\":", "{} trailing", &deep];
    for name in ["job", "created", "deleted", "sweep", "own", "unknown", "http"] {
        for body in bodies {
            assert_eq!(stage.status(called(name, body.to_owned())).await, 400, "{name} {body:.20}");
        }
        assert_eq!(stage.status(called(name, &b"\xff\xfe"[..])).await, 400);
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn what_lacks_its_event_is_told() {
    let stage = Stage::set().await;
    for body in ["{}", "{\"Data\":{}}", "{\"Data\":null,\"Metadata\":null}", "{\"Data\":{\"x\":null}}"] {
        for (name, status) in
            [("job", 400), ("created", 400), ("deleted", 400), ("unknown", 404), ("own", 404)]
        {
            assert_eq!(stage.status(called(name, body)).await, status, "{name} {body}");
        }
    }
    // Nobody is to repeat what can never be read.
    assert_eq!(stage.status(call("created", &json!("no event"), &json!({}))).await, 200);
    assert_eq!(stage.status(call("unknown", &twice("hello"), &json!({}))).await, 404);
    // A name is a name, not a pattern, and case counts.
    assert_eq!(stage.status(call("JOB", &twice("hello"), &json!({}))).await, 404);
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_and_one_that_breaks_off_is_told() {
    let stage = Stage::set().await;
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let endless = || {
        let chunk = chunk.clone();
        Body::from_stream(stream::repeat_with(move || Ok::<_, Error>(chunk.clone())))
    };
    assert_eq!(stage.status(called("job", endless())).await, 413);
    // Of a request its client is told.
    let (status, answer) = stage.answer(called("http", endless())).await;
    assert_eq!((status, &answer["Outputs"]["res"]["statusCode"]), (200, &json!("413")));
    for name in ["job", "http"] {
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(Error::internal("reset"))]);
        assert_eq!(stage.status(called(name, Body::from_stream(broken))).await, 400);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_call_makes_it_panic_or_goes_without_a_sound_answer(
        name in prop_oneof![Just("job"), Just("many"), Just("created"), Just("deleted"), Just("sweep"), Just("http"), Just("x")],
        body in "(?s).{0,60}",
        field in "(Url|Method|Headers|Body|Id|DequeueCount|PopReceipt|InsertionTime|RetryContext|sys|[a-z]{1,4})",
        value in "[ -~]{0,40}",
        kind in 0_usize..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let stage = Stage::set().await;
            let parsed: Value = serde_json::from_str(&value).unwrap_or_else(|_| json!(value));
            let body = match kind {
                0 => body,
                1 => json!({"Data": {"event": twice(&body)}, "Metadata": {&*field: parsed}}).to_string(),
                2 => json!({"Data": {"event": {&*field: parsed}}, "Metadata": {"sys": parsed}}).to_string(),
                3 => json!({"Data": {"event": {"Url": value, "Method": body, &*field: parsed}}}).to_string(),
                _ => json!({"Data": {"e": {"eventType": "Microsoft.Storage.BlobCreated", "subject": body, &*field: parsed}}}).to_string(),
            };
            let (status, answer) = stage.answer(called(name, body)).await;
            assert!((200..=599).contains(&status) && answer["Outputs"].is_object());
        });
    }

    /// As the host forwards: what the client sent, the host's id behind the client's own, and the length of every body.
    #[test]
    fn no_request_of_a_client_that_is_forwarded_reaches_a_trigger(
        path in "/(job|created|sweep|own/x)?",
        name in "x-azure-functions-[a-z]{1,9}|x-azure-functions-invocationid|host|user-agent|transfer-encoding|connection|expect",
        value in "chunked|127\\.0\\.0\\.1|[!-~]{1,20}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let stage = Stage::set().await;
            let body = json!({"Data": {"event": twice("hello")}}).to_string();
            let length = body.len().to_string();
            let headers = [
                ("host", "127.0.0.1:41234"),
                (&*name, &*value),
                ("transfer-encoding", "chunked"),
                ("x-azure-functions-invocationid", ID),
                ("content-length", &*length),
            ];
            stage.passed(request("POST", &path, &headers, body)).await;
        });
    }

    #[test]
    fn no_request_of_a_client_that_is_proxied_reaches_a_trigger(
        path in "/(job|created|sweep|own/x)?",
        name in "x-azure-functions-[a-z]{1,9}|x-ms-[a-z]{1,9}|host|user-agent|content-length|connection",
        value in "[!-~]{1,20}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let stage = Stage::set().await;
            let headers = [
                (&*name, &*value),
                ("transfer-encoding", "chunked"),
                // The host's own, set after the client's.
                ("x-azure-functions-invocationid", ID),
                ("x-ms-invocation-id", ID),
            ];
            let body = json!({"Data": {"event": twice("hello")}}).to_string();
            stage.passed(request("POST", &path, &headers, body)).await;
        });
    }
}
