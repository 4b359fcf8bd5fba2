//! The users' face of a queue over the fakes: what needs virtual time or injected faults.

// All of this is a test, its helpers too.
#![allow(clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
};
use skyport_core::queue::{Outgoing, Queue, QueueSettings};
use skyport_core::{ErrorKind, Result, Shutdown, Worker, WorkerConfig};
use skyport_memory::{Fault, Memory, Operation};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

async fn queue() -> (Memory, Queue<String>) {
    let memory = Memory::new();
    let url = ResourceUrl::new("memory", "jobs");
    let settings = QueueSettings::default();
    let kind = ResourceKind::Queue(settings.clone());
    memory.create(&url, &kind).await.expect("created");
    let port = memory.queue(&url, &settings).expect("opened");
    (memory, Queue::new(port))
}

#[tokio::test(start_paused = true)]
async fn after_a_long_wait_half_of_a_short_lease_is_left() {
    for millis in [7_300, 7_999, 8_000] {
        let (_memory, queue) = queue().await;
        let sender = queue.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            sender.send(&"late".to_owned()).await.expect("sent");
        });
        let begun = Instant::now();
        let mut received = queue.receive(1, SECOND * 20, SECOND * 2).await.expect("received");
        assert_eq!(begun.elapsed().as_millis(), u128::from(millis), "promptly");
        let delivery = received.pop().expect("one");
        assert!(delivery.lease_remaining() >= SECOND, "{delivery:?}");
        delivery.ack().await.expect("still ours");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_slices_is_as_long_as_asked_and_one_without_end_overflows_nothing() {
    let (_memory, queue) = queue().await;
    let begun = Instant::now();
    let received = queue.receive(1, SECOND * 45, SECOND * 600).await.expect("received");
    assert!(received.is_empty());
    assert_eq!(begun.elapsed(), SECOND * 45);
    let sender = queue.clone();
    tokio::spawn(async move {
        sleep(SECOND * 1000).await;
        sender.send(&"at last".to_owned()).await.expect("sent");
    });
    let received = queue.receive(1, Duration::MAX, SECOND * 30).await.expect("received");
    assert_eq!(received[0].value().expect("a text"), "at last");
}

/// A queue whose long poll ends at once where nothing is there, as some services' do; counts how often it is asked.
#[derive(Debug)]
struct Hasty(Arc<dyn MessageQueue>, AtomicU32);

#[async_trait::async_trait]
impl MessageQueue for Hasty {
    fn info(&self) -> &QueueInfo {
        self.0.info()
    }
    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        self.0.send(messages).await
    }
    async fn receive(&self, mut options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        options.wait = Duration::ZERO;
        self.0.receive(options).await
    }
    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.0.adopt(deliveries).await
    }
    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        self.0.extend(receipt, lease).await
    }
    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        self.0.settle(settlements).await
    }
    async fn depth(&self) -> Result<Depth> {
        self.0.depth().await
    }
    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        self.0.dead_letters()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_wait_is_asked_again_but_not_without_a_pause() {
    let (_memory, queue) = queue().await;
    let hasty = Arc::new(Hasty(Arc::clone(queue.port()), AtomicU32::new(0)));
    let receiver: Queue<String> = Queue::new(Arc::clone(&hasty) as Arc<dyn MessageQueue>);
    let begun = Instant::now();
    assert!(receiver.receive(1, SECOND * 10, SECOND * 30).await.expect("received").is_empty());
    assert_eq!(begun.elapsed(), SECOND * 10, "it waits as long as it was told to");
    tokio::spawn(async move {
        sleep(SECOND * 3).await;
        queue.send(&"late".to_owned()).await.expect("sent");
    });
    let received = receiver.receive(1, SECOND * 10, SECOND * 30).await.expect("received");
    assert_eq!(received[0].value().expect("a text"), "late");
    assert!(begun.elapsed() < SECOND * 14, "promptly");
    // A worker without work asks no more often.
    let stop = Shutdown::new();
    let worker =
        Worker::new(Arc::clone(&hasty) as Arc<dyn MessageQueue>, WorkerConfig::default(), |_, _| async {
            Vec::new()
        });
    let before = hasty.1.load(Ordering::Relaxed);
    let working = tokio::spawn(worker.run(stop.clone()));
    sleep(SECOND * 60).await;
    let asked = hasty.1.load(Ordering::Relaxed) - before;
    assert!((10..=400).contains(&asked), "{asked}");
    stop.trigger();
    working.await.expect("ends");
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_failed_can_be_repeated() {
    let (memory, queue) = queue().await;
    queue.send(&"x".to_owned()).await.expect("sent");
    let fault = Fault::refuse(ErrorKind::Throttled).times(1);
    memory.faults().inject(Operation::QueueSettle, fault);
    let delivery = queue.receive(1, SECOND, SECOND * 30).await.expect("received").pop();
    let failed = delivery.expect("one").ack().await.expect_err("refused");
    assert_eq!(failed.error().kind(), ErrorKind::Throttled);
    assert_eq!(failed.error().resource(), Some("jobs"));
    // As a std error it is found again by whoever gets it.
    let boxed: skyport_core::BoxError = Box::new(failed);
    let found = skyport_core::Error::find(&*boxed).expect("a Skyport error");
    assert!(found.is_retryable());
    let failed = boxed.downcast::<skyport_core::queue::SettleError<String>>().expect("itself");
    failed.into_delivery().ack().await.expect("the second time");
    assert_eq!(queue.depth().await.expect("a depth").total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_fails_for_each_valid_item() {
    let (memory, queue) = queue().await;
    memory.faults().inject(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable));
    let [good, bad] = ["good", "bad"].map(str::to_owned);
    let batch = [Outgoing::new(&good), Outgoing::new(&bad).attribute("", "")];
    let kinds: Vec<_> =
        queue.send_all(batch).await.into_iter().map(|result| result.expect_err("refused").kind()).collect();
    assert_eq!(kinds, [ErrorKind::Unavailable, ErrorKind::InvalidArgument]);
    let error = queue.send(&good).await.expect_err("refused");
    assert_eq!((error.operation(), error.provider()), (Some("queue.send"), Some("memory")));
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_is_interrupted_loses_no_letter() {
    let (memory, queue) = queue().await;
    for name in ["a", "b", "c"] {
        queue.send(&name.to_owned()).await.expect("sent");
    }
    for delivery in queue.receive(10, SECOND, SECOND * 30).await.expect("received") {
        delivery.dead_letter("why").await.expect("settled");
    }
    let fault = Fault::refuse(ErrorKind::Unavailable).times(1);
    memory.faults().inject(Operation::QueueSend, fault);
    let error = queue.redrive(10).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let letters = queue.dead_letters().expect("dead letters");
    assert_eq!(letters.depth().await.expect("a depth").ready, 3, "let go at once");
    // An answer that is lost may double a letter, and loses none.
    let fault = Fault::lose_answer(ErrorKind::Timeout).times(1);
    memory.faults().inject(Operation::QueueSettle, fault);
    queue.redrive(10).await.expect_err("the answer was lost");
    sleep(SECOND * 120).await;
    queue.redrive(10).await.expect("none is left, or some again");
    let mut names: Vec<String> = Vec::new();
    for delivery in queue.receive(10, SECOND, SECOND * 30).await.expect("received") {
        assert_eq!(delivery.reason(), None);
        names.push(delivery.value().expect("a text"));
    }
    names.sort();
    names.dedup();
    assert_eq!(names, ["a", "b", "c"]);
}
