//! Each fault, as a client and as the service see it.

#![allow(clippy::unwrap_used)] // A test fails by a panic, and so do its helpers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use skyport_proxy::{Class, Dialect, Fault, Plan, Proxy, Tally};
use skyport_stub::{Asked, Log};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What a client saw: the status, and the body or how it broke.
type Seen = Result<(StatusCode, Result<Bytes, hyper::Error>), hyper::Error>;

/// A service that answers each request with what it was sent, and a proxy before it with this plan.
async fn proxied(plan: Plan) -> (Proxy, Log, String) {
    let echo = |asked: &Asked, url: &str| {
        let mut answer = skyport_stub::answer(200, asked.body.clone());
        answer.headers_mut().insert("location", format!("{url}/next").parse().unwrap());
        answer
    };
    let (url, log) = skyport_stub::served(echo).await;
    let proxy = Proxy::start(&url, Dialect::CloudStorage, plan, Arc::new(Tally::default())).await.unwrap();
    (proxy, log, url)
}

async fn asked(proxy: &Proxy, method: Method, body: &'static str) -> Seen {
    let host = proxy.url().strip_prefix("http://").unwrap();
    let io = TokioIo::new(TcpStream::connect(host).await.unwrap());
    let (mut sender, connection) = http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri("/x").header("host", host);
    let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await?;
    let status = response.status();
    if status == StatusCode::OK {
        assert_eq!(response.headers()["location"], format!("{}/next", proxy.url()));
    }
    Ok((status, response.into_body().collect().await.map(|body| body.to_bytes())))
}

fn write(fault: Fault) -> Plan {
    Plan::quiet(1).script(Class::Write, 1, fault)
}

#[tokio::test]
async fn what_is_not_struck_passes_whole_and_keeps_its_host() {
    let (proxy, log, _) = proxied(Plan::quiet(1)).await;
    let (status, body) = asked(&proxy, Method::POST, "0123456789").await.unwrap();
    assert_eq!((status, body.unwrap()), (StatusCode::OK, Bytes::from("0123456789")));
    assert_eq!(log.all()[0].header("host"), proxy.url().strip_prefix("http://").unwrap());
    assert_eq!((proxy.tally().requests(), proxy.tally().faults()), (1, 0));
}

#[tokio::test]
async fn a_delayed_request_passes_whole() {
    let (proxy, log, _) = proxied(write(Fault::Delay)).await;
    let (status, body) = asked(&proxy, Method::POST, "0123456789").await.unwrap();
    assert_eq!((status, body.unwrap().len(), log.all().len()), (StatusCode::OK, 10, 1));
    assert_eq!(proxy.tally().struck(Fault::Delay), 1);
}

#[tokio::test]
async fn what_is_reset_or_dropped_never_arrives() {
    for fault in [Fault::Reset, Fault::Drop] {
        let (proxy, log, _) = proxied(write(fault)).await;
        asked(&proxy, Method::POST, "0123456789").await.expect_err("no answer");
        assert_eq!(log.all().len(), 0);
        assert_eq!(proxy.tally().struck(fault), 1);
        // The next one passes.
        assert!(asked(&proxy, Method::POST, "0123456789").await.is_ok());
    }
}

#[tokio::test]
async fn a_lost_and_a_hidden_answer_were_carried_out() {
    let (proxy, log, _) = proxied(write(Fault::LoseAnswer)).await;
    asked(&proxy, Method::POST, "0123456789").await.expect_err("no answer");
    assert_eq!(log.all()[0].body, "0123456789");
    let (proxy, log, _) = proxied(write(Fault::HideAnswer)).await;
    let (status, _) = asked(&proxy, Method::POST, "0123456789").await.unwrap();
    assert!(status.is_server_error(), "{status}");
    assert_eq!(log.all()[0].body, "0123456789");
}

#[tokio::test]
async fn half_an_answer_breaks_off() {
    let (proxy, log, _) = proxied(write(Fault::TruncateAnswer)).await;
    let (status, body) = asked(&proxy, Method::POST, "0123456789").await.unwrap();
    assert_eq!(status, StatusCode::OK);
    body.expect_err("half of it is not all of it");
    assert_eq!(log.all()[0].body, "0123456789");
    // Of an answer without a body nothing comes.
    assert_eq!(proxy.tally().struck(Fault::TruncateAnswer), 1);
    let (proxy, _, _) = proxied(write(Fault::TruncateAnswer)).await;
    asked(&proxy, Method::POST, "").await.expect_err("no answer");
    assert_eq!((proxy.tally().struck(Fault::LoseAnswer), proxy.tally().faults()), (1, 1));
}

#[tokio::test]
async fn of_half_a_request_half_arrives_and_no_answer_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let arrived = tokio::spawn(async move {
        let mut arrived = String::new();
        listener.accept().await.unwrap().0.read_to_string(&mut arrived).await.unwrap();
        arrived
    });
    let tally = Arc::new(Tally::default());
    let plan = write(Fault::TruncateRequest);
    let proxy = Proxy::start(&url, Dialect::CloudStorage, plan, tally).await.unwrap();
    asked(&proxy, Method::POST, "0123456789").await.expect_err("no answer");
    let arrived = arrived.await.unwrap();
    let (head, body) = arrived.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /x ") && head.contains("content-length: 10"), "{head}");
    assert_eq!(body, "01234");
    assert_eq!(proxy.tally().struck(Fault::TruncateRequest), 1);
    // What has no body never arrives.
    let (proxy, log, _) = proxied(write(Fault::TruncateRequest)).await;
    asked(&proxy, Method::POST, "").await.expect_err("no answer");
    assert_eq!((log.all().len(), proxy.tally().struck(Fault::Reset), proxy.tally().faults()), (0, 1, 1));
}

#[tokio::test]
async fn a_refusal_never_arrives_and_says_when_to_come_again() {
    let (proxy, log, _) = proxied(write(Fault::Throttle)).await;
    let (status, body) = asked(&proxy, Method::POST, "0123456789").await.unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(String::from_utf8(body.unwrap().to_vec()).unwrap().contains("rateLimitExceeded"));
    assert_eq!(log.all().len(), 0);
}

#[tokio::test]
async fn a_proxy_can_be_calmed_and_unleashed() {
    let always = || Plan::quiet(1).rate(Class::Write, Fault::Reset, 1.0);
    let (proxy, _, _) = proxied(always()).await;
    asked(&proxy, Method::POST, "x").await.expect_err("no answer");
    proxy.calm();
    assert!(asked(&proxy, Method::POST, "x").await.is_ok());
    proxy.unleash(always());
    asked(&proxy, Method::POST, "x").await.expect_err("no answer");
    assert_eq!((proxy.tally().requests(), proxy.tally().struck(Fault::Reset)), (3, 2));
}

/// A service of gRPC that counts its calls and answers each with ten bytes.
async fn grpc() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let calls = Arc::clone(&counted);
            let service = service_fn(move |_| {
                calls.fetch_add(1, Ordering::SeqCst);
                async { Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from("0123456789")))) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, calls)
}

#[tokio::test]
async fn calls_of_grpc_are_struck_each_on_its_stream() {
    let (url, calls) = grpc().await;
    let plan = Plan::quiet(1)
        .script(Class::Send, 1, Fault::Reset)
        .script(Class::Send, 2, Fault::LoseAnswer)
        .script(Class::Send, 3, Fault::TruncateAnswer)
        .script(Class::Send, 4, Fault::Throttle)
        .script(Class::Send, 6, Fault::Drop);
    let proxy = Proxy::start(&url, Dialect::PubSub, plan, Arc::new(Tally::default())).await.unwrap();
    let host = proxy.url().strip_prefix("http://").unwrap();
    let io = TokioIo::new(TcpStream::connect(host).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let ended = tokio::spawn(connection);
    let call = || async {
        let uri = format!("{}/google.pubsub.v1.Publisher/Publish", proxy.url());
        let request = Request::post(uri).body(Full::new(Bytes::from("x"))).unwrap();
        let response = sender.clone().send_request(request).await?;
        let status = response.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
        Ok::<_, hyper::Error>((status, response.into_body().collect().await.map(|body| body.to_bytes())))
    };
    call().await.expect_err("reset");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    call().await.expect_err("lost");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let (_, body) = call().await.unwrap();
    body.expect_err("half");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let (status, body) = call().await.unwrap();
    assert_eq!((status.as_deref(), body.unwrap().len()), (Some("8"), 0));
    // The connection has outlived all that.
    let (status, body) = call().await.unwrap();
    assert_eq!((status, body.unwrap()), (None, Bytes::from("0123456789")));
    call().await.expect_err("dropped");
    // It says so with an error or not, but it ends.
    let _ = ended.await.unwrap();
    assert_eq!((calls.load(Ordering::SeqCst), proxy.tally().faults()), (3, 5));
}

#[tokio::test]
async fn a_change_that_was_passed_on_is_answered_before_its_connection_drops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (arrived, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (came, may) = (Arc::clone(&arrived), Arc::clone(&answer));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_| {
            let (came, may) = (Arc::clone(&came), Arc::clone(&may));
            async move {
                came.notify_one();
                may.notified().await;
                Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from("made"))))
            }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.serve_connection(TokioIo::new(stream), service).await
    });
    let tally = Arc::new(Tally::default());
    let proxy = Proxy::start(&url, Dialect::Firestore, write_second(), Arc::clone(&tally)).await.unwrap();
    let io = TokioIo::new(TcpStream::connect(proxy.url().strip_prefix("http://").unwrap()).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let ended = tokio::spawn(connection);
    let call = || {
        let uri = format!("{}/google.firestore.v1.Firestore/Commit", proxy.url());
        sender.clone().send_request(Request::post(uri).body(Full::new(Bytes::from("x"))).unwrap())
    };
    let made = tokio::spawn(call());
    arrived.notified().await;
    let dropped = tokio::spawn(call());
    while tally.requests() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((tally.struck(Fault::Drop), ended.is_finished()), (0, false));
    answer.notify_one();
    dropped.await.unwrap().expect_err("dropped");
    // Whether its answer came before the end is left to chance.
    let _ = made.await.unwrap();
    let _ = ended.await.unwrap();
    assert_eq!(tally.struck(Fault::Drop), 1);
}

fn write_second() -> Plan {
    Plan::quiet(1).script(Class::Write, 2, Fault::Drop)
}
