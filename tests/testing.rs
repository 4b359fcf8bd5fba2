//! What `skyport::testing` promises to those who test with it.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skyport::ErrorKind;
use skyport::memory::Memory;
use skyport::prelude::*;
use skyport::testing::{Chaos, Determined, Fault, Injected, Operation, Test, dead_letters, start};

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
async fn settle_bears_with_chaos_and_what_it_left() {
    for seed in 0..40 {
        let _determined = Determined::by(seed);
        let chaos = Chaos::seeded(seed)
            .rate(Operation::QueueDepth, Fault::refuse(ErrorKind::Unavailable), 0.3)
            .rate(Operation::QueueReceive, Fault::redeliver(Duration::from_secs(200)), 0.5)
            .rate(Operation::QueueReceive, Fault::late_lease(130), 0.2);
        let test = start(shop()).with_chaos(chaos).await;
        for order in 0..5 {
            while test.resources().orders.send(&order).await.is_err() {}
        }
        test.settle().await;
        let calls = test.resources().calls.load(Ordering::Relaxed);
        test.calm();
        test.settle().await;
        let dead = dead(&test).await;
        assert_eq!(
            test.resources().calls.load(Ordering::Relaxed),
            calls,
            "seed {seed}: it was settled before"
        );
        for order in 0..5 {
            assert!(dead.contains(&order) || booked(&test, order).await, "seed {seed}, order {order}");
        }
        assert!(!test.trace().is_empty());
    }
}

/// The orders that were given up.
async fn dead(test: &Test<Shop>) -> Vec<u32> {
    let letters = dead_letters(&test.resources().orders).await.expect("no fault");
    letters.iter().map(|letter| letter.value().expect("an order")).collect()
}

async fn take_order(request: Request, cx: Context<Shop>) -> Result<StatusCode> {
    cx.orders.send(&request.text().await?.parse()?).await?;
    Ok(StatusCode::ACCEPTED)
}

#[tokio::test(start_paused = true)]
async fn a_client_sees_502_where_a_handler_crashed() {
    let test = start(shop().http("order", route::post("/"), take_order)).await;
    let faults = test.memory().faults();
    faults.inject(Operation::QueueSend, Fault::crash().nth(1));
    faults.inject(Operation::QueueSend, Fault::crash_after().nth(2));
    test.post("/", "0").await.assert_status(502);
    test.settle().await;
    assert!(!booked(&test, 0).await, "it crashed before it sent");
    test.post("/", "0").await.assert_status(502);
    test.settle().await;
    assert!(booked(&test, 0).await, "it had sent");
    test.post("/", "0").await.assert_status(202);
    assert!(test.trace().iter().all(Injected::is_crash) && test.trace().len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_handler_crashed_comes_again_when_its_lease_has_ended() {
    let test = start(shop()).await;
    test.memory().faults().inject(Operation::BlobPut, Fault::crash_after().times(1));
    test.resources().orders.send(&0).await.expect("sent");
    test.advance(Duration::from_secs(10)).await;
    assert!(booked(&test, 0).await, "carried out");
    let depth = test.resources().orders.depth().await.expect("a depth");
    assert_eq!((depth.total(), depth.in_flight), (1, 1), "and not acknowledged: its lease runs on");
    test.settle().await;
    assert_eq!(test.resources().calls.load(Ordering::Relaxed), 2);
    assert_eq!(test.dead_letters(Shop::ORDERS).await.len(), 0);
}

async fn book_all(orders: Batch<u32>, cx: Context<Shop>) -> Result<Outcomes> {
    let cx = &cx;
    let book = async |order: Message<u32>| -> Result<()> {
        cx.calls.fetch_add(1, Ordering::Relaxed);
        cx.files.put(&order.to_string(), "booked").await?;
        Ok(())
    };
    Ok(orders.each(1, book).await)
}

async fn seen(event: BlobEvent, cx: Context<Shop>) -> Result<()> {
    cx.calls.fetch_add(100, Ordering::Relaxed);
    cx.files.head(&event.key).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn batches_and_changes_of_buckets_come_again_after_a_crash() {
    let app =
        App::new("shop").on_batch("book", Shop::ORDERS, book_all).on_blob_created("seen", Shop::FILES, seen);
    let test = start(app).await;
    test.memory().faults().inject(Operation::BlobPut, Fault::crash().nth(2));
    test.memory().faults().inject(Operation::BlobHead, Fault::crash_after().nth(1));
    for sent in test.resources().orders.send_all(&[1, 2, 3]).await {
        sent.expect("sent");
    }
    test.settle().await;
    // The batch breaks off at its second order, and comes again; so does the change of the first object.
    let calls = test.resources().calls.load(Ordering::Relaxed);
    assert!(booked(&test, 1).await && booked(&test, 2).await && booked(&test, 3).await);
    assert_eq!((calls % 100, calls / 100), (5, 5));
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
    assert_eq!(dead_letters(&test.resources().orders).await.expect("no fault").len(), 25, "waited for");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_a_fault_delivers_twice_is_seen_once_and_put_back() {
    for (after, lasting) in [(0, false), (0, true), (30, false), (30, true)] {
        let test = start(shop()).await;
        for order in [7, 8, 9] {
            test.resources().orders.send(&order).await.expect("sent");
        }
        test.settle().await;
        let twice = Fault::redeliver(Duration::from_secs(after)).on_resource("orders dead letters");
        let twice = if lasting { twice } else { twice.times(1) };
        test.memory().faults().inject(Operation::QueueReceive, twice);
        for look in 0..4 {
            let mut orders = dead(&test).await;
            orders.sort_unstable();
            assert_eq!(orders, [7, 8, 9], "after {after} s, lasting: {lasting}, look {look}");
        }
        assert!(test.memory().faults().struck() > 0);
    }
}

/// Run again by the test that follows, to see what is told.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "an order is lost")]
async fn a_test_fails_under_chaos() {
    let _run = Determined::by(7);
    let test = start(shop()).with_chaos(Chaos::seeded(7)).await;
    while test.trace().is_empty() {
        drop(test.resources().orders.send(&1).await);
    }
    panic!("an order is lost");
}

#[test]
fn a_test_that_fails_under_chaos_tells_its_seed_and_its_faults() {
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    let output = command.args(["a_test_fails_under_chaos", "--exact", "--nocapture"]).output();
    let output = output.expect("it starts");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    let (_, faults) = told.split_once("`Chaos` of seed 7: 1 faults").expect(&told);
    assert!(faults.lines().nth(1).expect("a fault").contains(" on \"orders\", call "), "{told}");
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
