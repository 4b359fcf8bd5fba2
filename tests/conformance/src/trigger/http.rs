//! Requests and their outcomes.

use std::sync::Arc;

use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![
    an_error_becomes_the_status_of_the_contract,
    a_problem_leaks_nothing,
    a_panic_is_a_500_and_the_next_request_is_served,
    a_call_past_its_deadline_is_a_504,
    unknown_routes_and_methods_are_told_so,
    bodies_over_the_limit_and_of_other_types_are_refused,
    malformed_json_is_a_400,
    paths_queries_headers_and_cookies_survive,
    binary_bodies_to_four_mebibytes_survive_both_ways,
];

async fn an_error_becomes_the_status_of_the_contract(stage: Arc<Stage>) -> CaseResult {
    for (how, expected) in [
        ("ok", 200),
        ("missing-key", 404),
        ("missing-bucket", 500),
        ("exists", 409),
        ("conflict", 409),
        ("stale", 412),
        ("large", 413),
        ("wrong", 400),
        ("throttled", 503),
        ("absent", 503),
        ("denied", 500),
        ("said", 418),
        ("other", 500),
    ] {
        let response = stage.get(&format!("/status/{how}")).await?;
        assert_eq!(response.status().as_u16(), expected, "{how}");
    }
    Ok(Outcome::Passed)
}

async fn a_problem_leaks_nothing(stage: Arc<Stage>) -> CaseResult {
    for how in ["missing-key", "denied", "throttled", "panic", "other"] {
        let response = stage.get(&format!("/status/{how}")).await?;
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        assert_eq!(content_type, Some("application/problem+json"), "{how}");
        let body: serde_json::Value = serde_json::from_slice(response.body())?;
        assert_eq!(body["status"], response.status().as_u16(), "{how}");
        assert!(!body.to_string().contains("secret"), "{how}: {body}");
    }
    Ok(Outcome::Passed)
}

async fn a_panic_is_a_500_and_the_next_request_is_served(stage: Arc<Stage>) -> CaseResult {
    assert_eq!(stage.get("/status/panic").await?.status(), 500);
    assert_eq!(stage.get("/status/ok").await?.status(), 200);
    Ok(Outcome::Passed)
}

async fn a_call_past_its_deadline_is_a_504(stage: Arc<Stage>) -> CaseResult {
    assert_eq!(stage.get("/status/hang").await?.status(), 504);
    Ok(Outcome::Passed)
}

async fn unknown_routes_and_methods_are_told_so(stage: Arc<Stage>) -> CaseResult {
    assert_eq!(stage.get("/nowhere").await?.status(), 404);
    let refused = stage.request("DELETE", "/status/ok", &[], "").await?;
    assert_eq!(refused.status(), 405);
    assert_eq!(refused.headers().get("allow").and_then(|value| value.to_str().ok()), Some("GET, HEAD"));
    Ok(Outcome::Passed)
}

async fn bodies_over_the_limit_and_of_other_types_are_refused(stage: Arc<Stage>) -> CaseResult {
    let text = [("content-type", "text/plain; charset=utf-8")];
    let fits = stage.request("POST", "/length", &text, vec![b'x'; 1000]).await?;
    assert_eq!((fits.status().as_u16(), &fits.body()[..]), (200, &b"1000"[..]));
    assert_eq!(stage.request("POST", "/length", &text, vec![b'x'; 1001]).await?.status(), 413);
    let picture = [("content-type", "image/png")];
    assert_eq!(stage.request("POST", "/length", &picture, "x").await?.status(), 415);
    Ok(Outcome::Passed)
}

async fn malformed_json_is_a_400(stage: Arc<Stage>) -> CaseResult {
    let json = [("content-type", "application/json")];
    for body in ["", "{", "[]", "{\"name\":1}"] {
        assert_eq!(stage.request("POST", "/enqueue", &json, body).await?.status(), 400, "{body}");
    }
    assert_eq!(stage.jobs.depth().await?.total(), 0);
    Ok(Outcome::Passed)
}

async fn paths_queries_headers_and_cookies_survive(stage: Arc<Stage>) -> CaseResult {
    let many = [("x-many", "one"), ("x-many", "two, three")];
    let response = stage.request("GET", "/mirror/a%2Fb/%E2%98%BA?q=1&q=%2B+x&empty=", &many, "").await?;
    let text = std::str::from_utf8(response.body())?;
    let (uri, many) = text.split_once('|').unwrap_or_default();
    assert_eq!(uri, "/mirror/a%2Fb/%E2%98%BA?q=1&q=%2B+x&empty=");
    // A gateway that joins repeated headers has done so before the adapter sees them: then it is told.
    match response.headers().get("x-joined").and_then(|value| value.to_str().ok()) {
        Some("false") => assert_eq!(many, "one+two, three"),
        Some("true") => assert_eq!(many.replace(", ", ","), "one,two,three"),
        other => panic!("whether headers were joined is not told: {other:?}"),
    }
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2; Path=/"]);
    Ok(Outcome::Passed)
}

async fn binary_bodies_to_four_mebibytes_survive_both_ways(stage: Arc<Stage>) -> CaseResult {
    for size in [0, 1, 256, 4 << 20] {
        let body: Vec<u8> = (0..size).map(|n: usize| (n ^ (n >> 8)) as u8).collect();
        let response = stage.request("POST", "/echo", &[], body.clone()).await?;
        assert_eq!(response.status(), 200, "{size}");
        assert!(response.body()[..] == body, "{size} bytes came back as {}", response.body().len());
    }
    Ok(Outcome::Passed)
}
