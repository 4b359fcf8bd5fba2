//! Dead letters: who moves them, where to, and what of that fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::queue::port::{ReceiveOptions, Verdict};
use skyport_stub::Answer;

use crate::stub::{
    Call, SECOND, calls, dead, kind, list, message, one, ours, payload_of, queue, queue_of, received,
    refusal, repeating, settle, text_of, until,
};

/// A queue with this one message.
fn holding(message: String) -> impl Fn(Call, &str, usize) -> Option<Answer> + Send + Sync + 'static {
    move |call, queue, before| {
        (call == Call::Take && queue == "jobs" && before == 0).then(|| list(std::slice::from_ref(&message)))
    }
}

#[tokio::test]
async fn what_was_delivered_too_often_is_moved_and_seen_by_nobody() {
    let (queue, log) = queue_of(2, holding(ours(1, 3, "poison"))).await;
    assert!(received(&queue).await.is_empty());
    until(|| !calls(&log, Call::Delete, "jobs").is_empty()).await;
    let letters = calls(&log, Call::Put, "jobs-poison");
    assert_eq!(letters.len(), 1);
    assert_eq!(payload_of(&text_of(&letters[0])), "skyport1:{\"envelope\":{\"r\":\"attempts\"}}\npoison");
    assert!(letters[0].target.contains("messagettl=1209600"), "kept for 14 days: {}", letters[0].target);
}

#[tokio::test]
async fn what_was_moved_is_deleted_though_another_letter_is_not_answered() {
    let script = |call, queue: &str, before| match (call, queue) {
        (Call::Take, "jobs") if before == 0 => {
            Some(list(&(0..20).map(|number| ours(number, 3, "poison")).collect::<Vec<_>>()))
        }
        (Call::Put, "jobs-poison") if before == 0 => Some(Answer::Silent),
        _ => None,
    };
    let (queue, log) = queue_of(2, script).await;
    assert!(received(&queue).await.is_empty());
    until(|| calls(&log, Call::Delete, "jobs").len() == 19).await;
}

#[tokio::test]
async fn many_first_letters_make_the_poison_queue_once() {
    let made = AtomicBool::new(false);
    let script = move |call, queue: &str, before| match (call, queue) {
        (Call::Take, "jobs") if before == 0 => {
            Some(list(&(0..10).map(|number| ours(number, 3, "poison")).collect::<Vec<_>>()))
        }
        (Call::Create, "jobs-poison") => {
            made.store(true, Ordering::SeqCst);
            None
        }
        (Call::Put, "jobs-poison") if !made.load(Ordering::SeqCst) => Some(refusal(404, "QueueNotFound")),
        _ => None,
    };
    let (queue, log) = queue_of(2, script).await;
    assert!(received(&queue).await.is_empty());
    until(|| calls(&log, Call::Delete, "jobs").len() == 10).await;
    assert_eq!(calls(&log, Call::Create, "jobs-poison").len(), 1);
}

#[tokio::test]
async fn what_begins_as_ours_and_cannot_be_read_is_moved_with_the_reason() {
    for text in ["skyport1:nonsense", "c2t5cG9ydDE6e30="] {
        let (queue, log) = queue(holding(message(1, 1, text))).await;
        assert!(received(&queue).await.is_empty());
        until(|| !calls(&log, Call::Delete, "jobs").is_empty()).await;
        let letter = payload_of(&text_of(&calls(&log, Call::Put, "jobs-poison")[0]));
        assert!(letter.contains("line") && letter.ends_with(text), "{letter}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_and_leaves_no_room_for_a_reason_is_moved_as_it_came() {
    let text = format!("skyport1:{}", "x".repeat((64 << 10) - 9));
    let (queue, log) = queue(holding(message(1, 1, &text))).await;
    assert!(received(&queue).await.is_empty());
    until(|| !calls(&log, Call::Delete, "jobs").is_empty()).await;
    assert_eq!(text_of(&calls(&log, Call::Put, "jobs-poison")[0]), text);
}

#[tokio::test]
async fn a_retry_of_a_last_attempt_goes_to_the_letters() {
    let (queue, log) = queue_of(2, holding(ours(1, 2, "poison"))).await;
    let delivery = one(&queue).await;
    settle(&queue, &delivery, Verdict::Retry(Duration::ZERO)).await.expect("moved");
    assert_eq!(calls(&log, Call::Put, "jobs-poison").len(), 1);
    assert_eq!(calls(&log, Call::Delete, "jobs").len(), 1);
    assert!(calls(&log, Call::Hide, "jobs").is_empty());
}

#[tokio::test]
async fn the_poison_queue_is_made_with_its_first_letter() {
    let script = |call, queue: &str, before| match (call, queue) {
        (Call::Take, "jobs") => Some(list(&[ours(1, 1, "body")])),
        (Call::Put, "jobs-poison") if before == 0 => Some(refusal(404, "QueueNotFound")),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    settle(&queue, &delivery, dead(&delivery, "why")).await.expect("moved");
    assert_eq!(calls(&log, Call::Create, "jobs-poison").len(), 1);
    assert_eq!(calls(&log, Call::Put, "jobs-poison").len(), 2);
}

#[tokio::test]
async fn where_the_letter_cannot_be_sent_the_message_stays() {
    let script = |call, queue: &str, _| match (call, queue) {
        (Call::Take, "jobs") => Some(list(&[ours(1, 1, "body")])),
        (Call::Put, "jobs-poison") => Some(refusal(404, "QueueNotFound")),
        (Call::Create, _) => Some(refusal(403, "AuthorizationPermissionMismatch")),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    let error = settle(&queue, &delivery, dead(&delivery, "why")).await.expect_err("not permitted");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs-poison")));
    assert!(calls(&log, Call::Delete, "jobs").is_empty());
    settle(&queue, &delivery, Verdict::Retry(Duration::ZERO)).await.expect("it is still ours");
}

#[tokio::test]
async fn a_letter_whose_message_cannot_be_deleted_is_not_sent_again() {
    let script = |call, queue: &str, before| match (call, queue) {
        (Call::Take, "jobs") => Some(list(&[ours(1, 1, "body")])),
        (Call::Delete, "jobs") if before < 2 => Some(refusal(503, "ServerBusy")),
        _ => None,
    };
    let (queue, log) = queue(script).await;
    let delivery = one(&queue).await;
    settle(&repeating(queue), &delivery, dead(&delivery, "why")).await.expect("moved");
    assert_eq!(calls(&log, Call::Delete, "jobs").len(), 3);
    assert_eq!(calls(&log, Call::Put, "jobs-poison").len(), 1);
}

#[tokio::test]
async fn what_the_host_moved_is_a_letter_whose_attempts_were_spent() {
    let script = |call, queue: &str, _| {
        (call == Call::Take && queue == "jobs-poison")
            .then(|| list(&[ours(1, 1, "moved"), message(2, 1, "raw")]))
    };
    let (queue, _) = queue(script).await;
    let letters = received(&queue.dead_letters().expect("letters")).await;
    let told: Vec<_> = letters.iter().map(|letter| (&letter.body[..], letter.envelope.reason())).collect();
    assert_eq!(told, [(&b"moved"[..], Some("attempts")), (b"raw", Some("attempts"))]);
}

#[tokio::test]
async fn letters_that_cannot_be_read_are_handed_over_as_they_came() {
    let script =
        |call, _: &str, _| (call == Call::Take).then(|| list(&[message(1, 99, "skyport1:nonsense")]));
    let (queue, log) = queue(script).await;
    let letters = queue.dead_letters().expect("letters");
    let letter = one(&letters).await;
    assert_eq!((&letter.body[..], letter.envelope.reason()), (&b"skyport1:nonsense"[..], Some("attempts")));
    assert_eq!(kind(settle(&letters, &letter, dead(&letter, "again")).await), Some(ErrorKind::Unsupported));
    settle(&letters, &letter, Verdict::Retry(Duration::ZERO)).await.expect("kept");
    assert!(calls(&log, Call::Put, "jobs-poison").is_empty());
}

#[tokio::test]
async fn a_poison_queue_that_is_missing_is_empty_where_its_queue_is_there() {
    let missing = |queue: &str| queue == "jobs-poison";
    let (with_queue, _) =
        queue(move |_, queue, _| missing(queue).then(|| refusal(404, "QueueNotFound"))).await;
    let letters = with_queue.dead_letters().expect("letters");
    assert!(received(&letters).await.is_empty());
    assert_eq!(letters.depth().await.expect("counted").total(), 0);
    let (without, _) = queue(|_, _, _| Some(refusal(404, "QueueNotFound"))).await;
    let letters = without.dead_letters().expect("letters");
    let looked = letters.receive(ReceiveOptions::new(1, SECOND, SECOND)).await.expect_err("no queue");
    assert_eq!((looked.kind(), looked.resource()), (ErrorKind::NotFound, Some("jobs-poison")));
    assert_eq!(kind(letters.depth().await), Some(ErrorKind::NotFound));
}

#[tokio::test]
async fn where_it_cannot_be_told_whether_a_missing_poison_queue_is_empty_the_error_says_why() {
    let script = |_, queue: &str, _| match queue {
        "jobs-poison" => Some(refusal(404, "QueueNotFound")),
        _ => Some(refusal(403, "AuthorizationPermissionMismatch")),
    };
    let (queue, _) = queue(script).await;
    let letters = queue.dead_letters().expect("letters");
    let looked = letters.receive(ReceiveOptions::new(1, Duration::ZERO, SECOND)).await.map(drop);
    for error in [looked, letters.depth().await.map(drop)] {
        let error = error.expect_err("not permitted");
        assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("jobs")));
    }
}
