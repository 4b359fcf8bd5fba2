//! Receiving, when it takes long, is dropped, or goes wrong.

use std::time::Duration;

use gcloud_sdk::google::pubsub::v1 as wire;
use gcloud_sdk::google::rpc;
use gcloud_sdk::prost_types;
use skyport_core::ErrorKind;
use skyport_core::provider::Provider;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{OutMessage, QueueSettings, Settlement, Verdict};
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::grpc::{Reply, Stub, failed, failed_with};
use crate::stub::{
    MINUTE, SECOND, TENTH, at, bringing, calls, deadlines, details, message, obliging, options, pulled,
    queue, queue_with, received, retried, until,
};

fn late(after: Duration, body: &str) -> Reply {
    Reply::After(after, Box::new(pulled([message("1", body, 1)])))
}

fn pulls(stub: &Stub) -> Vec<wire::PullRequest> {
    calls(stub, "Pull")
}

#[tokio::test]
async fn what_is_received_gets_its_lease_in_one_call() {
    let stub = bringing([pulled([message("1", "a", 1), message("2", "b", 1)])]).await;
    let held = received(&queue(&stub)).await;
    assert_eq!(held.len(), 2);
    assert_eq!(deadlines(&stub), [(vec!["ack-1-1".to_owned(), "ack-2-1".to_owned()], 60)]);
    assert_eq!(pulls(&stub)[0].max_messages, 10);
}

#[tokio::test]
async fn an_ordered_queue_is_asked_for_one_message() {
    let stub = bringing([pulled([message("1", "a", 1)])]).await;
    assert_eq!(received(&queue_with(&stub, |settings| settings.ordered = true)).await.len(), 1);
    assert_eq!(pulls(&stub)[0].max_messages, 1);
}

#[tokio::test]
async fn what_arrives_after_its_receive_was_dropped_goes_back_at_once() {
    let stub = bringing([late(TENTH * 4, "late")]).await;
    let queue = queue(&stub);
    assert!(timeout(TENTH * 2, queue.receive(options(10, MINUTE))).await.is_err());
    assert!(deadlines(&stub).is_empty());
    until("it goes back", || deadlines(&stub) == [(vec!["ack-1-1".to_owned()], 0)]).await;
}

#[tokio::test]
async fn what_cannot_go_back_for_a_moment_is_given_back_again() {
    let stub = Stub::start(|calls| {
        let count = |method: &str| calls.iter().filter(|call| call.method == method).count();
        match calls.last() {
            Some(call) if call.method == "Pull" && count("Pull") == 1 => late(TENTH * 4, "late"),
            Some(call) if call.method == "ModifyAckDeadline" && count("ModifyAckDeadline") <= 2 => {
                failed(Code::Unavailable)
            }
            Some(call) => obliging(call),
            None => Reply::Silent,
        }
    })
    .await;
    let queue = queue(&stub);
    assert!(timeout(TENTH * 2, queue.receive(options(10, MINUTE))).await.is_err());
    until("it goes back at last", || deadlines(&stub) == vec![(vec!["ack-1-1".to_owned()], 0); 3]).await;
}

#[tokio::test]
async fn what_goes_back_in_order_waits_a_second() {
    let stub = bringing([late(TENTH * 4, "late")]).await;
    let queue = queue_with(&stub, |settings| settings.ordered = true);
    assert!(timeout(TENTH * 2, queue.receive(options(10, MINUTE))).await.is_err());
    until("it goes back", || deadlines(&stub) == [(vec!["ack-1-1".to_owned()], 1)]).await;
}

#[tokio::test]
async fn a_pull_whose_receive_was_dropped_or_has_ended_serves_the_next_one() {
    let stub = bringing([late(TENTH * 8, "late")]).await;
    let queue = queue(&stub);
    for _ in 0..2 {
        // As a `select!` in a loop does.
        assert!(timeout(TENTH, queue.receive(options(10, MINUTE))).await.is_err());
    }
    let begun = Instant::now();
    assert!(queue.receive(options(10, TENTH * 2)).await.expect("nothing yet").is_empty());
    assert!(begun.elapsed() >= TENTH * 2 && begun.elapsed() < TENTH * 4, "{:?}", begun.elapsed());
    assert_eq!(&received(&queue).await[0].body[..], b"late");
    assert_eq!((pulls(&stub).len(), deadlines(&stub).len()), (1, 1));
}

#[tokio::test]
async fn with_the_last_handle_go_the_pulls_that_nobody_waits_for() {
    let stub = bringing([]).await;
    let queue = queue(&stub);
    let letters = queue.dead_letters().expect("has some");
    for queue in [&queue, &letters] {
        assert!(timeout(TENTH, queue.receive(options(10, MINUTE))).await.is_err());
    }
    until("two pulls", || stub.under_way() == 2).await;
    let another = queue.dead_letters().expect("has some");
    drop((queue, letters));
    until("one goes", || stub.under_way() == 1).await;
    drop(another);
    until("and the other", || stub.under_way() == 0).await;
}

#[tokio::test]
async fn what_waits_is_not_in_the_way_of_what_is_settled() {
    let stub = bringing([pulled([message("1", "a", 1)])]).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    // More than Google lets wait on one connection.
    let waiting: Vec<_> = (0..101)
        .map(|_| {
            let queue = std::sync::Arc::clone(&queue);
            tokio::spawn(async move { queue.receive(options(10, MINUTE)).await.map(drop) })
        })
        .collect();
    until("all wait", || stub.under_way() == waiting.len()).await;
    let settled = queue.settle(vec![Settlement::new(held[0].receipt.clone(), Verdict::Ack)]).await;
    assert!(settled[0].is_ok());
    let on = |method: &str| {
        let calls = stub.calls();
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        for call in calls.iter().filter(|call| call.method == method) {
            *counts.entry(call.connection).or_default() += 1;
        }
        counts
    };
    let (pulls, acks) = (on("Pull"), on("Acknowledge"));
    assert!(acks.keys().all(|connection| !pulls.contains_key(connection)), "{pulls:?} {acks:?}");
    // The first was over when the others came.
    assert!(pulls.values().all(|count| *count <= 81), "{pulls:?}");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[test]
fn a_queue_that_is_kept_beyond_its_runtime_goes_on_in_another() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    };
    let server = runtime();
    // Not due for a second: it is kept, and comes again as it would from Pub/Sub.
    let mut envelope = Envelope::default();
    envelope.set_not_before(Some(std::time::SystemTime::now() + SECOND));
    let early = move |attempt| {
        let mut early = message("1", "early", attempt);
        let inner = early.message.as_mut().expect("a message");
        inner.attributes.insert("skyport".to_owned(), envelope.pack());
        pulled([early])
    };
    let stub = server.block_on(bringing([early(1), Reply::Silent, early(2)]));
    let queue = queue(&stub);
    let first = runtime().block_on(queue.receive(options(10, TENTH * 3)));
    assert!(first.expect("not due").is_empty());
    let held = runtime().block_on(received(&queue));
    assert_eq!((held.len(), held[0].receipt.as_str().rsplit(':').next().expect("an id")), (1, "ack-1-2"));
}

#[tokio::test]
async fn what_a_pull_brings_beyond_its_receive_is_for_the_next_one() {
    let brought = pulled([message("1", "a", 1), message("2", "b", 1), message("3", "c", 1)]);
    let stub = bringing([Reply::After(TENTH * 3, Box::new(brought))]).await;
    let queue = queue(&stub);
    assert!(timeout(TENTH, queue.receive(options(10, MINUTE))).await.is_err());
    for body in [&b"a"[..], b"b", b"c"] {
        let one = queue.receive(options(1, SECOND * 5)).await.expect("received");
        assert_eq!((&one[0].body[..], one[0].attempt), (body, 1));
    }
    assert!(deadlines(&stub).iter().all(|(_, seconds)| *seconds == 60), "none of them went back");
}

#[tokio::test]
async fn a_message_that_gets_no_lease_goes_back_and_the_receive_fails() {
    let stub = Stub::start(|calls| {
        let of = |method: &str| calls.iter().filter(|call| call.method == method).count();
        match calls.last() {
            Some(call) if call.method == "Pull" && of("Pull") == 1 => pulled([message("1", "a", 1)]),
            Some(call) if call.method == "Pull" && of("Pull") == 2 => pulled([message("1", "a", 2)]),
            Some(call) if call.method == "ModifyAckDeadline" && of("ModifyAckDeadline") == 1 => {
                failed(Code::Unavailable)
            }
            Some(call) => obliging(call),
            None => Reply::Silent,
        }
    })
    .await;
    let queue = queue(&stub);
    let error = queue.receive(options(10, SECOND)).await.expect_err("no lease");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Unavailable, Some("jobs")));
    until("it goes back", || deadlines(&stub).len() == 2).await;
    assert_eq!(deadlines(&stub)[1], (vec!["ack-1-1".to_owned()], 0));
    // Nobody has seen the first delivery.
    assert_eq!(received(&queue).await[0].attempt, 1);
}

#[tokio::test]
async fn a_receive_that_fails_says_how_and_is_repeated() {
    for (reply, kind) in [
        (failed(Code::Unavailable), ErrorKind::Unavailable),
        (failed(Code::Internal), ErrorKind::Unavailable),
        (failed(Code::ResourceExhausted), ErrorKind::Throttled),
        (failed(Code::DeadlineExceeded), ErrorKind::Timeout),
        (Reply::Broken, ErrorKind::Unavailable),
    ] {
        let stub = bringing([reply.clone(), reply, pulled([message("1", "a", 1)])]).await;
        let queue = queue(&stub);
        let error = queue.receive(options(10, SECOND)).await.expect_err("failed");
        assert_eq!((error.kind(), error.is_retryable()), (kind, true), "{error}");
        assert_eq!(received(&retried(queue)).await.len(), 1);
    }
}

#[tokio::test]
async fn who_is_told_when_to_come_again_comes_then() {
    let delay = prost_types::Duration { seconds: 1, nanos: 0 };
    let info = details("RetryInfo", &rpc::RetryInfo { retry_delay: Some(delay) });
    let stub = bringing([failed_with(Code::ResourceExhausted, info), pulled([message("1", "a", 1)])]).await;
    let begun = Instant::now();
    assert_eq!(received(&retried(queue(&stub))).await.len(), 1);
    assert!(begun.elapsed() >= SECOND, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_missing_is_named_as_it_is_called() {
    let stub = Stub::start(|_| failed(Code::NotFound)).await;
    let settings = QueueSettings::default();
    let url = "pubsub://orders?subscription=billing".parse().expect("a URL");
    let queue = at(stub.endpoint()).queue(&url, &settings).expect("opens");
    assert_eq!(queue.info().resource, "billing");
    for wait in [Duration::ZERO, SECOND] {
        let error = queue.receive(options(1, wait)).await.expect_err("no subscription");
        assert_eq!((error.kind(), error.resource()), (ErrorKind::NotFound, Some("billing")));
    }
    let sent = queue.send(vec![OutMessage::new("x")]).await.remove(0).expect_err("no topic");
    assert_eq!((sent.kind(), sent.resource()), (ErrorKind::NotFound, Some("orders")));
}

#[tokio::test]
async fn a_dead_endpoint_fails_within_the_limit_of_the_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let url = "pubsub://jobs".parse().expect("a URL");
    let queue = retried(at(endpoint).queue(&url, &QueueSettings::default()).expect("opens"));
    let begun = Instant::now();
    let error = queue.receive(options(1, SECOND)).await.expect_err("nobody listens");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false), "{error}");
    let sent = queue.send(vec![OutMessage::new("x")]).await.remove(0).expect_err("nobody listens");
    assert_eq!((sent.kind(), sent.is_ambiguous()), (ErrorKind::Unavailable, false), "{sent}");
    assert!(begun.elapsed() < SECOND * 15, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_look_without_a_wait_says_so() {
    let stub = bringing([pulled([]), pulled([message("1", "a", 1)])]).await;
    let queue = queue(&stub);
    assert!(queue.receive(options(1, Duration::ZERO)).await.expect("nothing there").is_empty());
    assert_eq!(queue.receive(options(1, Duration::ZERO)).await.expect("there").len(), 1);
    #[allow(deprecated, reason = "it is what is asked for")]
    let at_once: Vec<bool> = pulls(&stub).iter().map(|pull| pull.return_immediately).collect();
    assert_eq!(at_once, [true, true]);
}
