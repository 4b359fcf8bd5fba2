//! What must hold of a process.

use std::pin::Pin;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Process;
use crate::support::runtime_api::{Answer, RuntimeApi};

type Case = fn() -> Pin<Box<dyn Future<Output = ()>>>;

pub(crate) const ALL: [(&str, Case); 5] = [
    ("a_stream_that_breaks_off_is_told_in_its_trailers", || Box::pin(a_stream_that_breaks_off())),
    ("a_trace_of_xray_reaches_the_handler", || Box::pin(a_trace_of_xray_reaches_the_handler())),
    ("what_is_wrong_at_the_start_is_told_to_lambda", || Box::pin(what_is_wrong_at_the_start())),
    ("on_sigterm_what_runs_has_a_moment_and_the_process_ends_well", || Box::pin(on_sigterm())),
    ("without_extensions_it_serves_all_the_same", || Box::pin(without_extensions())),
];

/// The time of an invocation.
const TIME: Duration = Duration::from_secs(10);

fn api(extensions: bool) -> RuntimeApi {
    RuntimeApi::start("127.0.0.1:0", extensions).expect("an address")
}

fn get(path: &str) -> Value {
    json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}, "stage": "$default"}})
}

async fn a_stream_that_breaks_off() {
    let api = api(true);
    let _process = Process::start(&api, &[("SKYPORT_RESPONSE_STREAMING", "true")]);
    match api.invoke(&get("/broken"), TIME, None).await {
        Some(Answer::Streamed(prelude, body, Some(trailers))) => {
            assert_eq!((&prelude["statusCode"], &body[..]), (&json!(200), &b"half"[..]));
            assert_eq!(trailers["lambda-runtime-function-error-type"], "Skyport.ResponseFailed");
            assert!(trailers.contains_key("lambda-runtime-function-error-body"));
        }
        other => panic!("{other:?}"),
    }
    // The process goes on.
    match api.invoke(&get("/trace"), TIME, None).await {
        Some(Answer::Streamed(prelude, body, None)) => {
            assert_eq!((&prelude["statusCode"], body.len()), (&json!(200), 32));
        }
        other => panic!("{other:?}"),
    }
}

async fn a_trace_of_xray_reaches_the_handler() {
    let api = api(true);
    let _process = Process::start(&api, &[]);
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";
    match api.invoke(&get("/trace"), TIME, Some(header)).await {
        Some(Answer::Whole(answer)) => assert_eq!(answer["body"], "5759e988bd862e3fe1be46a994272793"),
        other => panic!("{other:?}"),
    }
}

async fn what_is_wrong_at_the_start() {
    let api = api(true);
    let mut process = Process::start(&api, &[("SKYPORT_FUNCTION", "nobody")]);
    assert!(!process.ended().await.success());
    let errors = api.init_errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["errorType"], "Skyport.Configuration");
    let message = errors[0]["errorMessage"].as_str().expect("a message");
    assert!(message.contains("SKYPORT_FUNCTION") && message.contains("`nobody`"), "{message}");
}

async fn on_sigterm() {
    let api = api(true);
    let mut process = Process::start(&api, &[]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let mut event = get("/hang");
    event["rawQueryString"] = json!(format!("tell={}", listener.local_addr().expect("an address")));
    let invoking = tokio::spawn(async move { api.invoke(&event, TIME, None).await });
    listener.accept().await.expect("the handler has begun");
    let begun = Instant::now();
    process.terminate();
    match invoking.await.expect("no panic") {
        Some(Answer::Whole(answer)) => assert_eq!(answer["statusCode"], 503),
        other => panic!("{other:?}"),
    }
    assert!(process.ended().await.success());
    // Lambda's patience; the rest is the machine's.
    let taken = begun.elapsed();
    assert!(taken >= Duration::from_millis(300) && taken < Duration::from_millis(900), "{taken:?}");
}

async fn without_extensions() {
    let api = api(false);
    let _process = Process::start(&api, &[]);
    match api.invoke(&get("/trace"), TIME, None).await {
        Some(Answer::Whole(answer)) => assert_eq!(answer["statusCode"], 200),
        other => panic!("{other:?}"),
    }
}
