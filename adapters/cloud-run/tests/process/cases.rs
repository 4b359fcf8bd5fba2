//! What the platform does to the process, and what it sees of it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;
use tokio::task::JoinHandle;

use super::Process;
use super::support::client;

type Case = fn() -> Pin<Box<dyn Future<Output = ()>>>;

pub(crate) const ALL: [(&str, Case); 5] = [
    ("it_listens_on_every_address_and_has_no_robots", || Box::pin(listens())),
    ("what_runs_when_it_is_told_to_end_may_finish", || Box::pin(finishes())),
    ("what_takes_too_long_comes_again_and_the_process_has_ended_in_time", || Box::pin(ends_in_time())),
    ("a_function_that_is_not_there_ends_it_with_a_word_to_whoever_deployed_it", || Box::pin(nobody())),
    ("a_port_that_is_none_ends_it_with_a_word_to_whoever_deployed_it", || Box::pin(no_port())),
];

async fn get(process: &Process, path: &str) -> (u16, Bytes) {
    let request = http::Request::get(path).body(Bytes::new()).expect("a request");
    let response = client::send(process.reached_at(), request).await.expect("a response");
    (response.status().as_u16(), response.into_body())
}

/// A push of work that takes so long; its status, once there is an answer.
fn push(process: &Process, millis: u64) -> JoinHandle<u16> {
    let address = process.reached_at();
    let push = json!({
        "message": {"data": STANDARD.encode(millis.to_string()), "messageId": "1"},
        "subscription": "projects/p/subscriptions/jobs",
    });
    tokio::spawn(async move {
        client::send(address, client::post("/", &push)).await.expect("an answer").status().as_u16()
    })
}

async fn listens() {
    let process = Process::start(&[]);
    assert!(process.address.starts_with("0.0.0.0:"), "{}", process.address);
    assert_eq!(get(&process, "/").await, (200, Bytes::from_static(b"hello")));
    for path in ["/robots.txt", "/favicon.ico"] {
        assert_eq!(get(&process, path).await.0, 404);
    }
    assert_eq!(push(&process, 0).await.expect("no panic"), 204);
}

/// Waits until the process is at work.
async fn at_work(process: &Process) {
    while get(process, "/begun").await.1 != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn finishes() {
    let mut process = Process::start(&[]);
    let working = push(&process, 1_500);
    at_work(&process).await;
    process.terminate();
    assert_eq!(working.await.expect("no panic"), 204);
    assert!(process.ended().await.0.success());
}

async fn ends_in_time() {
    let mut process = Process::start(&[]);
    let working = push(&process, 60_000);
    at_work(&process).await;
    process.terminate();
    let (status, _) = process.ended().await;
    assert!(status.success());
    assert_eq!(working.await.expect("no panic"), 503);
}

async fn nobody() {
    let mut process = Process::start(&[("FUNCTION_TARGET", "nobody")]);
    let (status, said) = process.ended().await;
    assert!(!status.success() && said.contains("`nobody`") && said.contains("work"), "{said}");
}

async fn no_port() {
    let mut process = Process::start(&[("PORT", "eighty")]);
    let (status, said) = process.ended().await;
    assert!(!status.success() && said.contains("PORT"), "{said}");
}
