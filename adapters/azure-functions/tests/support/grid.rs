//! Event Grid: takes a bucket's events from the fakes and hands each to its function, until that succeeds.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use skyport_core::Shutdown;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::port::{MessageQueue, RawDelivery, ReceiveOptions, Settlement, Verdict};
use skyport_functions_host::{BlobChanged, Host};
use tokio::task::JoinSet;

/// When an event comes again: Event Grid's first pause is 10 s.
const BACKOFF: Duration = Duration::from_millis(150);

/// A subscription of a function.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) function: String,
    pub(crate) queue: Arc<dyn MessageQueue>,
    pub(crate) host: Arc<Host>,
    pub(crate) stop: Shutdown,
}

impl Subscription {
    /// Works until it is to stop; what is under way is waited for.
    pub(crate) async fn run(self) {
        let options = ReceiveOptions::new(1, Duration::from_secs(20), Duration::from_secs(30));
        let mut under_way = JoinSet::new();
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.triggered() => break,
                received = self.queue.receive(options) => received.expect("the queue is there"),
            };
            for delivery in received {
                let this = self.clone();
                under_way.spawn(async move { this.tell(delivery).await });
            }
        }
        while let Some(ended) = under_way.join_next().await {
            ended.expect("an event broke off");
        }
    }

    async fn tell(&self, delivery: RawDelivery) {
        let event: BlobEvent = serde_json::from_slice(&delivery.body).expect("a bucket's event");
        let verdict = match self.host.event(&self.function, &written(&event, &delivery.id)).await {
            Ok(()) => Verdict::Ack,
            Err(_) => Verdict::Retry(BACKOFF),
        };
        let settled = self.queue.settle(vec![Settlement::new(delivery.receipt, verdict)]).await;
        settled.into_iter().for_each(|settled| settled.expect("the lease is long"));
    }
}

/// As Blob Storage writes it.
fn written(event: &BlobEvent, id: &str) -> Value {
    let mut changed = BlobChanged::new("example", &event.bucket, &event.key);
    changed.created = (event.change == BlobChange::Created).then(|| event.size.unwrap_or_default());
    (changed.id, changed.time) = (id.to_owned(), event.time);
    changed.event()
}
