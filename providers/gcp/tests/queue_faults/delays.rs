//! Delays, which Pub/Sub has not: messages that are early are kept.

use std::time::{Duration, SystemTime};

use gcloud_sdk::google::pubsub::v1 as wire;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{Settlement, Verdict};
use tokio::time::{Instant, timeout};

use crate::grpc::Reply;
use crate::stub::{
    MINUTE, SECOND, TENTH, bringing, deadlines, message, options, pulled, queue, queue_with, received, until,
};

fn early(id: &str, attempt: i32, left: Duration) -> wire::ReceivedMessage {
    let mut envelope = Envelope::default();
    envelope.set_not_before(Some(SystemTime::now() + left));
    let mut received = message(id, "later", attempt);
    let inner = received.message.as_mut().expect("a message");
    inner.attributes.insert("skyport".into(), envelope.pack());
    received
}

#[tokio::test]
async fn what_is_early_is_kept_and_handed_out_when_it_is_due() {
    let stub = bringing([pulled([early("1", 1, SECOND), message("2", "now", 1)])]).await;
    let queue = queue_with(&stub, |settings| settings.max_attempts = 1);
    let begun = Instant::now();
    let first = received(&queue).await;
    assert_eq!((first.len(), &first[0].body[..]), (1, &b"now"[..]));
    let later = received(&queue).await;
    assert!(begun.elapsed() >= SECOND - TENTH / 5 && begun.elapsed() < SECOND * 3, "{:?}", begun.elapsed());
    assert_eq!((&later[0].body[..], later[0].attempt), (&b"later"[..], 1));
    // Kept, and then leased; it never went back.
    let of_it: Vec<i32> = deadlines(&stub)
        .into_iter()
        .filter(|(ids, _)| ids == &["ack-1-1"])
        .map(|(_, seconds)| seconds)
        .collect();
    assert_eq!(of_it, [60, 60]);
}

#[tokio::test]
async fn what_is_due_and_taken_by_nobody_goes_back_and_was_no_attempt() {
    let stub =
        bringing([pulled([early("1", 1, TENTH)]), pulled([]), pulled([message("1", "later", 2)])]).await;
    let queue = queue(&stub);
    let nothing = queue.receive(options(10, Duration::ZERO)).await.expect("nothing is due");
    assert!(nothing.is_empty());
    until("it goes back", || deadlines(&stub).last() == Some(&(vec!["ack-1-1".to_owned()], 0))).await;
    assert_eq!(received(&queue).await[0].attempt, 1);
}

#[tokio::test]
async fn what_went_back_once_is_subtracted_once_however_long_it_is_kept() {
    let late = Reply::After(TENTH * 2, Box::new(pulled([message("1", "body", 1)])));
    let stub = bringing([late, pulled([early("1", 3, TENTH * 4)])]).await;
    let queue = queue(&stub);
    assert!(timeout(TENTH, queue.receive(options(10, MINUTE))).await.is_err());
    until("it goes back", || !deadlines(&stub).is_empty()).await;
    assert_eq!(received(&queue).await[0].attempt, 2);
}

#[tokio::test]
async fn a_retry_over_ten_minutes_is_prolonged_before_its_deadline_ends() {
    let stub = bringing([pulled([message("1", "body", 1)])]).await;
    let queue = queue(&stub);
    let held = received(&queue).await;
    let quarter = MINUTE * 15;
    let settled = queue.settle(vec![Settlement::new(held[0].receipt.clone(), Verdict::Retry(quarter))]).await;
    assert!(settled[0].is_ok());
    assert_eq!(deadlines(&stub)[1].1, 600);
    tokio::time::pause();
    tokio::time::advance(MINUTE * 9 + SECOND).await;
    tokio::time::resume();
    until("it is prolonged", || deadlines(&stub).len() == 3).await;
    let (ids, seconds) = deadlines(&stub).remove(2);
    assert_eq!(ids, ["ack-1-1"]);
    assert!((355..=361).contains(&seconds), "{seconds}");
}
