//! What `skyport::testing` promises to those who test with it.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skyport::ErrorKind;
use skyport::memory::{Fault, Memory, Operation};
use skyport::prelude::*;
use skyport::testing::{Test, dead_letters, start};

#[derive(Resources)]
struct Shop {
    #[resource(max_attempts = 3)]
    orders: Queue<u32>,
    files: Bucket,
    #[state]
    calls: Arc<AtomicU32>,
}

/// As often as it says, it fails; beyond a hundred it never returns.
async fn book(order: Message<u32>, cx: Context<Shop>) -> Result<()> {
    let _entered = Leaving(Arc::clone(&cx.calls));
    if *order > 100 {
        std::future::pending::<()>().await;
    }
    if order.attempt() <= *order {
        Err("not now")?;
    }
    cx.files.put(&order.to_string(), "booked").await?;
    Ok(())
}

/// Counts calls that have ended, whether they returned or were dropped.
struct Leaving(Arc<AtomicU32>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn shop() -> App<Shop> {
    App::new("shop").on_message("book", Shop::ORDERS, book)
}

async fn booked(test: &Test<Shop>, order: u32) -> bool {
    test.resources().files.exists(&order.to_string()).await.expect("answers")
}

#[tokio::test(start_paused = true)]
async fn settle_bears_with_faults_that_pass() {
    let memory = Memory::new();
    let test = start(shop()).on(memory.clone()).await;
    test.resources().orders.send(&2).await.expect("sent");
    let faults = memory.faults();
    for operation in
        [Operation::QueueReceive, Operation::QueueSettle, Operation::QueueDepth, Operation::BlobPut]
    {
        faults.inject(operation, Fault::refuse(ErrorKind::Unavailable).times(1));
    }
    test.settle().await;
    assert!(faults.struck() >= 3, "{}", faults.struck());
    assert!(booked(&test, 2).await || test.dead_letters(Shop::ORDERS).await.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn settle_sees_what_is_never_acknowledged_to_its_end() {
    let memory = Memory::new();
    let other = start(App::<Shop>::new("shop")).on(memory.clone()).await;
    other.resources().orders.send(&0).await.expect("sent");
    let held = other.resources().orders.receive(1, Duration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(held.expect("received").len(), 1, "held, and forgotten");
    drop(other);
    let test = start(shop()).on(memory).await;
    test.resources().orders.send(&101).await.expect("sent");
    test.settle().await;
    assert_eq!(test.dead_letters(Shop::ORDERS).await.len(), 1);
    assert!(booked(&test, 0).await);
}

#[tokio::test(start_paused = true)]
async fn all_dead_letters_are_seen_and_a_look_leaves_them_where_they_are() {
    let test = start(shop()).await;
    for _ in 0..25 {
        test.resources().orders.send(&9).await.expect("sent");
    }
    test.settle().await;
    for _ in 0..2 {
        assert_eq!(dead_letters(&test.resources().orders).await.expect("no fault").len(), 25);
    }
    assert_eq!(test.dead_letters(Shop::ORDERS).await.len(), 25);
    assert_eq!(test.dead_letters(Shop::ORDERS).await.len(), 0, "leased");
}

#[tokio::test(start_paused = true)]
async fn settle_gives_up_and_names_what_is_left() {
    let memory = Memory::new();
    let test = start(shop()).on(memory.clone()).await;
    memory.faults().inject(Operation::QueueReceive, Fault::refuse(ErrorKind::Unavailable));
    test.resources().orders.send(&0).await.expect("sent");
    let settling = tokio::spawn(async move { test.settle().await });
    let panic = settling.await.expect_err("gives up").into_panic();
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.contains("not settled") && text.contains("1 messages in `orders`"), "{text}");
}

#[tokio::test]
async fn start_panics_with_everything_that_is_wrong() {
    let app = shop().on_message("book", Shop::ORDERS, book).on_message("bad name", Shop::ORDERS, book);
    let starting = tokio::spawn(async move {
        start(app).await;
    });
    let panic = starting.await.expect_err("faults").into_panic();
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.contains("two functions are called `book`") && text.contains("`bad name`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_test_stops_what_runs_in_it() {
    let test = start(shop()).await;
    let calls = Arc::clone(&test.resources().calls);
    let orders = test.resources().orders.clone();
    orders.send(&101).await.expect("sent");
    test.advance(Duration::from_secs(1)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 0, "it runs");
    drop(test);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1, "it was dropped");
    orders.send(&0).await.expect("sent");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1, "nobody works any more");
}

#[tokio::test(start_paused = true)]
async fn two_at_once_do_not_see_each_other() {
    let (one, other) = (start(shop()).await, start(shop()).await);
    one.resources().orders.send(&0).await.expect("sent");
    one.settle().await;
    other.settle().await;
    assert!(booked(&one, 0).await && !booked(&other, 0).await);
    assert_eq!(other.resources().calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_in_real_time_and_on_several_threads_as_well() {
    let test = start(shop()).await;
    for _ in 0..50 {
        test.resources().orders.send(&0).await.expect("sent");
    }
    test.resources().orders.send(&1).await.expect("sent");
    test.settle().await;
    assert_eq!(test.resources().calls.load(Ordering::Relaxed), 52);
    assert!(booked(&test, 1).await);
}
