//! Sending, when answers are lost, and in order.

use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::ErrorKind;
use skyport_core::queue::port::OutMessage;
use tonic::Code;

use crate::grpc::{Reply, Stub, failed, ok};
use crate::stub::{calls, obliging, queue, queue_with, retried};

fn of_group(body: impl Into<String>, group: &str) -> OutMessage {
    let mut message = OutMessage::new(body.into());
    message.group = Some(group.to_owned());
    message
}

fn published(stub: &Stub) -> Vec<wire::PublishRequest> {
    calls(stub, "Publish")
}

fn sent(count: usize) -> Reply {
    ok(wire::PublishResponse { message_ids: (0..count).map(|n| n.to_string()).collect() })
}

#[tokio::test]
async fn many_messages_are_one_request() {
    let stub = Stub::start(|calls| calls.last().map_or(Reply::Silent, obliging)).await;
    let results = queue(&stub).send((0..50).map(|n| OutMessage::new(n.to_string())).collect()).await;
    let ids: Vec<String> = results.into_iter().map(|id| id.expect("sent").to_string()).collect();
    assert_eq!((ids[0].as_str(), ids[49].as_str(), ids.len()), ("sent-0", "sent-49", 50));
    let requests = published(&stub);
    assert_eq!((requests.len(), &*requests[0].topic), (1, "projects/p/topics/jobs"));
}

#[tokio::test]
async fn a_request_is_of_one_group() {
    let stub = Stub::start(|calls| calls.last().map_or(Reply::Silent, obliging)).await;
    let queue = queue_with(&stub, |settings| settings.ordered = true);
    let messages = vec![of_group("a1", "a"), of_group("b1", "b"), OutMessage::new("x"), of_group("a2", "a")];
    assert!(queue.send(messages).await.iter().all(Result::is_ok));
    let mut requests: Vec<Vec<(String, String)>> = published(&stub)
        .into_iter()
        .map(|request| request.messages.into_iter())
        .map(|messages| {
            messages.map(|m| (m.ordering_key, String::from_utf8_lossy(&m.data).into_owned())).collect()
        })
        .collect();
    requests.sort();
    let pair = |key: &str, body: &str| (key.to_owned(), body.to_owned());
    assert_eq!(
        requests,
        [vec![pair("", "x")], vec![pair("a", "a1"), pair("a", "a2")], vec![pair("b", "b1")]]
    );
}

#[tokio::test]
async fn what_stands_behind_a_request_that_failed_is_not_sent() {
    let stub = Stub::script([failed(Code::Unavailable), sent(1_000), sent(200)]).await;
    let queue = queue_with(&stub, |settings| settings.ordered = true);
    let all = || (0..1_200).map(|n| of_group(n.to_string(), "a")).collect::<Vec<_>>();
    let results = queue.send(all()).await;
    let ambiguous = |at: usize| results[at].as_ref().expect_err("not sent").is_ambiguous();
    assert_eq!(
        (ambiguous(0), ambiguous(999), ambiguous(1_000), ambiguous(1_199)),
        (true, true, false, false)
    );
    assert!(results.iter().all(|result| result.as_ref().is_err_and(skyport_core::Error::is_retryable)));
    assert_eq!(published(&stub).len(), 1);
    assert!(queue.send(all()).await.iter().all(Result::is_ok));
    assert_eq!(stub.methods(), ["Publish"; 3]);
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_repeated_and_may_come_twice() {
    let stub = Stub::script([Reply::Broken, sent(1)]).await;
    let results = retried(queue(&stub)).send(vec![OutMessage::new("x")]).await;
    assert!(results[0].is_ok());
    assert_eq!(stub.methods(), ["Publish"; 2]);
}

#[tokio::test]
async fn a_send_that_may_have_been_sent_says_so() {
    for (reply, ambiguous) in [
        (Reply::Broken, true),
        (failed(Code::Unavailable), true),
        (failed(Code::Internal), true),
        (failed(Code::Unknown), true),
        (failed(Code::Cancelled), true),
        (failed(Code::DeadlineExceeded), true),
        (failed(Code::ResourceExhausted), false),
        (failed(Code::PermissionDenied), false),
        (failed(Code::NotFound), false),
        (failed(Code::InvalidArgument), false),
        (sent(0), true),
    ] {
        let stub = Stub::script([reply.clone()]).await;
        let error = queue(&stub).send(vec![OutMessage::new("x")]).await.remove(0).expect_err("failed");
        assert_eq!(error.is_ambiguous(), ambiguous, "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn a_missing_topic_fails_each_of_its_messages() {
    let stub = Stub::script([failed(Code::NotFound)]).await;
    for result in queue(&stub).send(vec![OutMessage::new("x"), OutMessage::new("y")]).await {
        assert_eq!(result.expect_err("missing").kind(), ErrorKind::NotFound);
    }
    assert_eq!(stub.methods(), ["Publish"]);
}
