//! A push subscription: takes messages from a queue, posts each, and acknowledges those that are answered so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyport_core::Shutdown;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::envelope::ENVELOPE_ATTRIBUTE;
use skyport_core::queue::port::{MessageQueue, RawDelivery, ReceiveOptions, Settlement, Verdict};
use tokio::task::JoinSet;

use super::client;
use super::time::rfc3339;

/// When a message comes again that was not acknowledged: Pub/Sub's shortest is 100 ms.
const BACKOFF: Duration = Duration::from_millis(150);

/// A subscription that pushes to a process.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) address: SocketAddr,
    pub(crate) queue: Arc<dyn MessageQueue>,
    /// The messages are a bucket's events, and travel as Cloud Storage writes them.
    pub(crate) notifications: bool,
    pub(crate) stop: Shutdown,
}

impl Subscription {
    /// Works until it is to stop; what is under way is waited for.
    pub(crate) async fn run(self) {
        let options = ReceiveOptions::new(1, Duration::from_secs(20), Duration::from_secs(30));
        let mut pushes = JoinSet::new();
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.triggered() => break,
                received = self.queue.receive(options) => received.expect("the queue is there"),
            };
            for delivery in received {
                // The queue itself keeps a group's next message back until this one is settled.
                let this = self.clone();
                pushes.spawn(async move { this.push(delivery).await });
            }
        }
        while let Some(ended) = pushes.join_next().await {
            ended.expect("a push broke off");
        }
    }

    async fn push(&self, delivery: RawDelivery) {
        let request = client::post("/", &self.wrapped(&delivery));
        let answered = client::send(self.address, request).await;
        let verdict = match answered.map(|response| response.status().as_u16()) {
            Ok(102 | 200 | 201 | 202 | 204) => Verdict::Ack,
            Ok(404) => panic!("the process knows no function for {}", self.queue.info().resource),
            Ok(_) => Verdict::Retry(BACKOFF),
            Err(_) => Verdict::Retry(Duration::ZERO),
        };
        let settled = self.queue.settle(vec![Settlement::new(delivery.receipt, verdict)]).await;
        settled.into_iter().for_each(|settled| settled.expect("the lease is long"));
    }

    /// As Pub/Sub writes it.
    fn wrapped(&self, delivery: &RawDelivery) -> Value {
        let mut attributes = delivery.attributes.clone().into_inner();
        if !delivery.envelope.is_empty() {
            attributes.insert(ENVELOPE_ATTRIBUTE.to_owned(), delivery.envelope.pack());
        }
        let mut body = delivery.body.to_vec();
        if self.notifications {
            let event: BlobEvent = serde_json::from_slice(&delivery.body).expect("a bucket's event");
            attributes = notification(&event);
            body =
                json!({"bucket": event.bucket, "name": event.key, "size": event.size.map(|n| n.to_string())})
                    .to_string()
                    .into_bytes();
        }
        let published = rfc3339(delivery.sent_at);
        let mut message = json!({
            "attributes": attributes,
            "data": STANDARD.encode(body),
            "messageId": delivery.id,
            "message_id": delivery.id,
            "publishTime": published,
            "publish_time": published,
        });
        if let Some(group) = &delivery.group {
            message["orderingKey"] = group.clone().into();
        }
        json!({
            "deliveryAttempt": delivery.attempt,
            "message": message,
            "subscription": format!("projects/p/subscriptions/{}", self.queue.info().resource),
        })
    }
}

/// The attributes of a bucket's event as Cloud Storage writes them.
fn notification(event: &BlobEvent) -> std::collections::BTreeMap<String, String> {
    let kind = if event.change == BlobChange::Created { "OBJECT_FINALIZE" } else { "OBJECT_DELETE" };
    [
        ("notificationConfig", "projects/_/buckets/b/notificationConfigs/1"),
        ("eventType", kind),
        ("payloadFormat", "JSON_API_V1"),
        ("bucketId", &event.bucket),
        ("objectId", &event.key),
        ("objectGeneration", "1600000000000001"),
        ("eventTime", &rfc3339(event.time)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
