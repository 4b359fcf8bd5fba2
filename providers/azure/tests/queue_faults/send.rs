//! Sending: what is on the wire, and what is refused or lost.

use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::queue::port::OutMessage;
use skyport_stub::{Answer, answer};

use crate::stub::{Call, call, calls, id, kind, list, payload_of, queue, refusal, repeating, text_of};

#[tokio::test]
async fn a_message_goes_as_it_is_documented_and_is_kept_for_a_week() {
    let (queue, log) = queue(|_, _, _| None).await;
    let mut message = OutMessage::new("<hello> & \u{ffff}");
    message.attributes.insert("colour".to_owned(), "blue".to_owned());
    message.delay = Some(Duration::from_millis(1_500));
    let sent = queue.send(vec![message]).await.remove(0).expect("sent");
    assert_eq!(&*sent, id(0));
    let asked = calls(&log, Call::Put, "jobs").remove(0);
    assert!(asked.target.contains("messagettl=604800"), "{}", asked.target);
    assert!(asked.target.contains("visibilitytimeout=2"), "{}", asked.target);
    let payload = payload_of(&text_of(&asked));
    assert_eq!(payload, "skyport1:{\"attributes\":{\"colour\":\"blue\"}}\n<hello> & \u{ffff}");
}

#[tokio::test]
async fn each_of_many_has_its_result_in_its_place() {
    let (queue, _) = queue(|call, _, before| {
        (call == Call::Put && before % 2 == 1).then(|| refusal(403, "AuthorizationPermissionMismatch"))
    })
    .await;
    let mut messages: Vec<OutMessage> = (0..40).map(|n| OutMessage::new(n.to_string())).collect();
    messages[7] = OutMessage::new(vec![0xff; 64 << 10]);
    let results = queue.send(messages).await;
    assert_eq!(results.len(), 40);
    assert_eq!(results[7].as_ref().map_err(skyport_core::Error::kind), Err(ErrorKind::TooLarge));
    let refused = results
        .iter()
        .filter(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied));
    assert_eq!(refused.count(), 19);
}

#[tokio::test]
async fn a_missing_queue_is_not_found_and_named() {
    let (queue, _) = queue(|_, _, _| Some(refusal(404, "QueueNotFound"))).await;
    let error = queue.send(vec![OutMessage::new("x")]).await.remove(0).expect_err("missing");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::NotFound, Some("jobs")));
    assert!(!error.to_string().contains("It says no"), "{error}");
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_may_have_been_sent() {
    let (queue, log) = queue(|_, _, _| Some(Answer::Lost)).await;
    let error = queue.send(vec![OutMessage::new("x")]).await.remove(0).expect_err("lost");
    assert!(error.is_ambiguous() && error.is_retryable(), "{error:?}");
    assert_eq!(log.all().len(), 1, "the provider tries once");
}

#[tokio::test]
async fn a_send_that_is_throttled_is_repeated_by_the_layer() {
    let busy = |call, _: &str, before| (call == Call::Put && before < 2).then(|| refusal(503, "ServerBusy"));
    let (queue, log) = queue(busy).await;
    repeating(queue).send(vec![OutMessage::new("x")]).await.remove(0).expect("sent");
    assert_eq!(log.all().iter().filter(|asked| call(asked).0 == Call::Put).count(), 3);
}

#[tokio::test]
async fn an_answer_that_names_no_message_is_malformed_and_may_have_been_sent() {
    for nothing in [|| list(&[]), || answer(201, "<no xml").into(), || answer(201, "").into()] {
        let (queue, _) = queue(move |_, _, _| {
            Some(match nothing() {
                Answer::Whole(mut answer) => {
                    *answer.status_mut() = http::StatusCode::CREATED;
                    answer.into()
                }
                other => other,
            })
        })
        .await;
        let error = queue.send(vec![OutMessage::new("x")]).await.remove(0).expect_err("no id");
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.is_ambiguous());
    }
}

#[tokio::test]
async fn what_is_malformed_never_shows_in_an_error() {
    let secret = |_: Call, _: &str, _: usize| Some(answer(200, "<secret").into());
    let (queue, _) = queue(secret).await;
    let error = queue.depth().await.map(|depth| depth.total());
    assert_eq!(kind(error), Some(ErrorKind::Malformed), "it counts nothing");
    let looked = queue
        .receive(skyport_core::queue::port::ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(1)))
        .await;
    let error = looked.expect_err("no XML");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!error.to_string().contains("secret"), "{error}");
}
