//! The claim check: large bodies through a bucket.
#![allow(clippy::expect_used)]

mod layers_support;

use std::sync::Arc;
use std::time::Duration;

use layers_support::{bucket, queue, receive};
use skyport_core::ErrorKind::Unavailable;
use skyport_core::TraceContext;
use skyport_core::blob::port::{BlobStore, DeleteOptions, ListOptions, PutOptions};
use skyport_core::layers::{ClaimCheck, Layer};
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, Receipt, Settlement, Verdict};
use skyport_memory::{Fault, Memory, Operation};

const LARGE: usize = 100_000;

struct Setup {
    memory: Memory,
    bucket: Arc<dyn BlobStore>,
    plain: Arc<dyn MessageQueue>,
    queue: Arc<dyn MessageQueue>,
}

async fn setup() -> Setup {
    let memory = Memory::new();
    let bucket = bucket(&memory, "claims").await;
    let plain = queue(&memory, "q").await;
    let queue = ClaimCheck::new(bucket.clone(), usize::MAX).queue(plain.clone());
    Setup { memory, bucket, plain, queue }
}

impl Setup {
    async fn send_large(&self) {
        let mut message = OutMessage::new(vec![7; LARGE]);
        message.envelope.trace = Some(TraceContext::root());
        self.queue.send(vec![message]).await.remove(0).expect("sent");
    }

    async fn claims(&self) -> Vec<String> {
        let mut options = ListOptions::default();
        options.page_size = 100;
        let page = self.bucket.list(options).await.expect("listed");
        page.entries.iter().map(|entry| entry.key().to_owned()).collect()
    }
}

async fn settle(queue: &Arc<dyn MessageQueue>, receipt: &Receipt, verdict: Verdict) {
    let settlement = Settlement::new(receipt.clone(), verdict);
    queue.settle(vec![settlement]).await.remove(0).expect("settled");
}

fn dead(delivery: &RawDelivery) -> Verdict {
    let message = Box::new(delivery.to_message());
    Verdict::DeadLetter { reason: "test".to_owned(), message }
}

#[tokio::test(start_paused = true)]
async fn a_large_body_goes_through_the_bucket_until_it_is_acknowledged() {
    let s = setup().await;
    assert!(s.queue.info().limits.body_bytes >= 256 << 20);
    s.send_large().await;
    assert_eq!(s.claims().await.len(), 1);
    let delivery = receive(&*s.queue).await.remove(0);
    assert_eq!(delivery.body, vec![7; LARGE]);
    assert!(delivery.envelope.claim.is_none());
    let receipt = s.queue.extend(&delivery.receipt, Duration::from_secs(60)).await.expect("extended");
    settle(&s.queue, &receipt, Verdict::Ack).await;
    assert!(s.claims().await.is_empty());
    assert_eq!(s.queue.depth().await.expect("told").total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_small_body_goes_as_it_is_and_keeps_the_order_of_the_batch() {
    let s = setup().await;
    let large = OutMessage::new(vec![7; LARGE]);
    let batch = vec![OutMessage::new("1"), large, OutMessage::new("3")];
    let sent = s.queue.send(batch).await;
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 3);
    assert_eq!(s.claims().await.len(), 1);
    let mut sizes: Vec<_> = receive(&*s.queue).await.iter().map(|one| one.body.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, LARGE]);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_many_parts_comes_whole() {
    let s = setup().await;
    let size = (s.bucket.info().limits.part_bytes * 2) + 1;
    let sent = s.queue.send(vec![OutMessage::new(vec![1; size])]).await;
    assert!(sent[0].is_ok());
    assert_eq!(receive(&*s.queue).await[0].body.len(), size);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_could_not_be_stored_fails_its_message_only() {
    let s = setup().await;
    s.memory.faults().inject(Operation::BlobPut, Fault::refuse(Unavailable).nth(1));
    let batch = vec![OutMessage::new(vec![7; LARGE]), OutMessage::new("2")];
    let sent = s.queue.send(batch).await;
    assert_eq!(sent[0].as_ref().expect_err("not stored").kind(), Unavailable);
    assert!(sent[1].is_ok());
    assert_eq!(receive(&*s.queue).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_keeps_its_body_and_is_sent_back_with_it() {
    let s = setup().await;
    s.send_large().await;
    let delivery = receive(&*s.queue).await.remove(0);
    settle(&s.queue, &delivery.receipt, dead(&delivery)).await;
    let first = s.claims().await;
    assert_eq!(first.len(), 1);

    let letters = s.queue.dead_letters().expect("has some");
    let letter = receive(&*letters).await.remove(0);
    assert_eq!((letter.body.len(), letter.envelope.reason()), (LARGE, Some("test")));
    s.queue.send(vec![letter.to_message()]).await.remove(0).expect("sent back");
    settle(&letters, &letter.receipt, Verdict::Ack).await;
    let second = s.claims().await;
    assert!(second.len() == 1 && second != first);
    assert_eq!(receive(&*s.queue).await[0].body.len(), LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_body_is_gone_goes_to_the_dead_letters_with_the_reason() {
    let s = setup().await;
    s.send_large().await;
    for key in s.claims().await {
        s.bucket.delete(&key, DeleteOptions::default()).await.expect("deleted");
    }
    assert!(receive(&*s.queue).await.is_empty());
    let letters = s.plain.dead_letters().expect("has some");
    assert_eq!(receive(&*letters).await[0].envelope.reason(), Some("claim missing"));
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_not_read() {
    let s = setup().await;
    s.send_large().await;
    let narrow = ClaimCheck::new(s.bucket.clone(), 10).with_limit(LARGE - 1).queue(s.plain.clone());
    assert!(receive(&*narrow).await.is_empty());
    let letters = s.plain.dead_letters().expect("has some");
    assert_eq!(receive(&*letters).await[0].envelope.reason(), Some("claim too large"));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_ours_is_never_followed() {
    let s = setup().await;
    s.bucket.put("secret", "x".into(), PutOptions::default()).await.expect("written");
    let mut message = OutMessage::new("");
    message.envelope.claim = Some("secret".to_owned());
    s.plain.send(vec![message]).await.remove(0).expect("sent");
    assert!(receive(&*s.queue).await.is_empty());
    assert_eq!(s.claims().await, ["secret"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_for_the_moment_comes_again() {
    let s = setup().await;
    s.send_large().await;
    s.memory.faults().inject(Operation::BlobGet, Fault::refuse(Unavailable).nth(1));
    let options = skyport_core::queue::port::ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(30));
    let error = s.queue.receive(options).await.expect_err("not now");
    assert_eq!(error.kind(), Unavailable);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(receive(&*s.queue).await[0].body.len(), LARGE);
}

/// Received without the layer, as a platform hands messages over.
async fn handed_over(s: &Setup) -> RawDelivery {
    receive(&*s.plain).await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_handed_over_is_adopted_with_its_body_and_settled_with_its_claim() {
    let s = setup().await;
    s.send_large().await;
    let handed = handed_over(&s).await;
    assert!(handed.body.is_empty() && handed.envelope.claim.is_some());
    let adopted = s.queue.adopt(vec![handed.clone()]).await.remove(0).expect("readable").expect("ours");
    assert_eq!(adopted.body, vec![7; LARGE]);
    assert!(adopted.envelope.claim.is_none() && adopted.receipt != handed.receipt);
    settle(&s.queue, &adopted.receipt, Verdict::Ack).await;
    assert!(s.claims().await.is_empty());
    assert_eq!(s.queue.depth().await.expect("told").total(), 0);
}

#[tokio::test(start_paused = true)]
async fn adopting_settles_nothing_and_says_whether_a_body_is_lost_or_out_of_reach() {
    let s = setup().await;
    s.send_large().await;
    let handed = handed_over(&s).await;
    s.memory.faults().inject(Operation::BlobGet, Fault::refuse(Unavailable).nth(1));
    let waits = s.queue.adopt(vec![handed.clone()]).await.remove(0).expect_err("out of reach");
    assert_eq!(waits.kind(), Unavailable);
    for key in s.claims().await {
        s.bucket.delete(&key, DeleteOptions::default()).await.expect("deleted");
    }
    let small = RawDelivery::new("2", "small", Receipt::new("r"), std::time::SystemTime::UNIX_EPOCH);
    let mut adopted = s.queue.adopt(vec![handed, small]).await.into_iter();
    let lost = adopted.next().expect("one each").expect_err("lost");
    assert_eq!((lost.kind(), lost.message()), (skyport_core::ErrorKind::NotFound, "claim missing"));
    assert_eq!(&adopted.next().expect("one each").expect("readable").expect("ours").body[..], b"small");
    assert_eq!(s.plain.depth().await.expect("told").in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_sent_on_unread_keeps_what_it_claims() {
    let s = setup().await;
    s.send_large().await;
    let handed = handed_over(&s).await;
    let letters = s.queue.dead_letters().expect("has some");
    letters.send(vec![handed.to_message()]).await.remove(0).expect("sent on");
    assert_eq!(receive(&*letters).await[0].body, vec![7; LARGE]);
    // What has a body claims none, whatever it claimed before.
    let mut stale = handed.to_message();
    stale.body = "small".into();
    s.queue.send(vec![stale]).await.remove(0).expect("sent");
    assert_eq!(receive(&*s.queue).await[0].body, "small");
}
