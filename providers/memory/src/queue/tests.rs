//! The fakes' own queue semantics: order, leases and wake-ups, beside what the conformance suite asks of everybody.

use std::sync::Arc;
use std::time::Duration;

use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{
    MessageQueue, OutMessage, QueueSettings, RawDelivery, ReceiveOptions, Settlement, Verdict,
};
use skyport_core::{ErrorKind, Result};

use crate::Memory;

const LEASE: Duration = Duration::from_secs(30);

async fn queue(max_attempts: u32, ordered: bool) -> (Memory, Arc<dyn MessageQueue>) {
    let memory = Memory::new();
    let url = ResourceUrl::new("memory", "jobs");
    let mut settings = QueueSettings::default();
    settings.max_attempts = max_attempts;
    settings.ordered = ordered;
    let queue = memory.queue(&url, &settings).expect("opens");
    let kind = ResourceKind::Queue(settings);
    memory.create(&url, &kind).await.expect("is created");
    (memory, queue)
}

async fn send(queue: &Arc<dyn MessageQueue>, body: &str, group: Option<&str>) {
    let mut message = OutMessage::new(body.to_owned());
    message.group = group.map(str::to_owned);
    for sent in queue.send(vec![message]).await {
        sent.expect("is sent");
    }
}

async fn receive(queue: &Arc<dyn MessageQueue>, max: usize, wait: u64) -> Vec<RawDelivery> {
    let options = ReceiveOptions::new(max, Duration::from_secs(wait), LEASE);
    queue.receive(options).await.expect("receives")
}

async fn settle(queue: &Arc<dyn MessageQueue>, delivery: &RawDelivery, verdict: Verdict) -> Result<()> {
    let settlement = Settlement::new(delivery.receipt.clone(), verdict);
    queue.settle(vec![settlement]).await.remove(0)
}

fn bodies(deliveries: &[RawDelivery]) -> Vec<&[u8]> {
    deliveries.iter().map(|delivery| &*delivery.body).collect()
}

#[tokio::test(start_paused = true)]
async fn a_retried_head_takes_the_later_ones_of_its_receive_back_with_it() {
    let (_memory, queue) = queue(5, true).await;
    for body in ["a1", "a2", "a3"] {
        send(&queue, body, Some("a")).await;
    }
    send(&queue, "b1", Some("b")).await;
    let first = receive(&queue, 3, 0).await;
    assert_eq!(bodies(&first), [b"a1", b"a2", b"a3"]);
    let other = receive(&queue, 3, 0).await;
    assert_eq!(bodies(&other), [b"b1"], "another group is not held up");

    settle(&queue, &first[0], Verdict::Ack).await.expect("the head is done");
    let backoff = Verdict::Retry(Duration::from_secs(10));
    settle(&queue, &first[1], backoff).await.expect("is retried");
    let late = settle(&queue, &first[2], Verdict::Ack).await.expect_err("came behind a retry");
    assert_eq!(late.kind(), ErrorKind::PreconditionFailed);

    assert!(receive(&queue, 3, 9).await.is_empty(), "the group waits for its head");
    let again = receive(&queue, 3, 5).await;
    assert_eq!(bodies(&again), [b"a2", b"a3"]);
    assert_eq!((again[0].attempt, again[1].attempt), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_group_in_flight_is_closed_to_other_receives_until_it_is_settled() {
    let (_memory, queue) = queue(5, true).await;
    for body in ["a1", "a2", "a3"] {
        send(&queue, body, Some("a")).await;
    }
    let first = receive(&queue, 2, 0).await;
    assert!(receive(&queue, 2, 0).await.is_empty());
    settle(&queue, &first[1], Verdict::Ack).await.expect("is done");
    assert!(receive(&queue, 2, 0).await.is_empty(), "the head is still out");
    settle(&queue, &first[0], Verdict::Ack).await.expect("is done");
    assert_eq!(bodies(&receive(&queue, 2, 0).await), [b"a3"]);
}

#[tokio::test(start_paused = true)]
async fn a_poisonous_head_does_not_spend_the_attempts_of_those_behind_it() {
    let (_memory, queue) = queue(2, true).await;
    send(&queue, "bad", Some("a")).await;
    send(&queue, "good", Some("a")).await;
    for _ in 0..2 {
        let got = receive(&queue, 2, 0).await;
        settle(&queue, &got[0], Verdict::Retry(Duration::ZERO)).await.expect("retried");
    }
    let got = receive(&queue, 2, 0).await;
    assert_eq!(bodies(&got), [b"good"]);
    assert_eq!(got[0].attempt, 1);
    let dead = receive(&queue.dead_letters().expect("has them"), 2, 0).await;
    assert_eq!(bodies(&dead), [b"bad"]);
    assert_eq!(dead[0].envelope.reason(), Some("attempts"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_dead_letters_gets_one_when_a_last_lease_ends() {
    let (_memory, queue) = queue(1, false).await;
    let dead = queue.dead_letters().expect("has them");
    let waiting = tokio::spawn(async move { receive(&dead, 1, 120).await });
    tokio::task::yield_now().await;
    send(&queue, "lost", None).await;
    let began = tokio::time::Instant::now();
    assert_eq!(receive(&queue, 1, 0).await.len(), 1);
    let got = waiting.await.expect("no panic");
    assert_eq!(bodies(&got), [b"lost"]);
    assert!(began.elapsed() >= LEASE && began.elapsed() < LEASE + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn no_wake_up_is_lost_when_the_receive_that_got_it_is_dropped() {
    let (_memory, queue) = queue(5, false).await;
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { receive(&queue, 1, 60).await })
        })
        .collect();
    tokio::task::yield_now().await;
    for waiter in waiters.iter().take(4) {
        send(&queue, "m", None).await;
        // It may be the very one that was told.
        waiter.abort();
    }
    let began = tokio::time::Instant::now();
    let mut received = 0;
    for waiter in waiters {
        received += waiter.await.map_or(0, |got| got.len());
    }
    assert_eq!(received, 4);
    assert!(began.elapsed() < Duration::from_secs(1), "nobody slept through it");
    assert_eq!(queue.depth().await.expect("is there").in_flight, 4);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_learns_of_a_retry_that_another_waiter_knew_of() {
    let (_memory, queue) = queue(5, false).await;
    send(&queue, "m", None).await;
    let got = receive(&queue, 1, 0).await;
    let short = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { receive(&queue, 1, 1).await }
    });
    let long = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { receive(&queue, 1, 20).await }
    });
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    settle(&queue, &got[0], Verdict::Retry(Duration::from_secs(5))).await.expect("retried");
    assert!(short.await.expect("no panic").is_empty());
    assert_eq!(long.await.expect("no panic").len(), 1);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_receipt_fits_no_other_delivery_and_no_other_queue() {
    let (memory, queue) = queue(5, false).await;
    send(&queue, "m", None).await;
    let first = receive(&queue, 1, 0).await;
    let second = receive(&queue, 1, 60).await;
    assert_eq!(second[0].attempt, 2);
    let error = settle(&queue, &first[0], Verdict::Ack).await.expect_err("its lease has ended");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    let url = ResourceUrl::new("memory", "others");
    let kind = ResourceKind::Queue(QueueSettings::default());
    memory.create(&url, &kind).await.expect("is created");
    let others = memory.queue(&url, &QueueSettings::default()).expect("opens");
    send(&others, "n", None).await;
    assert_eq!(receive(&others, 1, 0).await.len(), 1);
    assert!(settle(&others, &second[0], Verdict::Ack).await.is_err());
    settle(&queue, &second[0], Verdict::Ack).await.expect("its own");
    assert_eq!(queue.depth().await.expect("is there").total(), 0);
}
