//! An event source mapping: takes messages from a queue, invokes the function with them, and deletes those that are done.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use skyport_aws_wire::sqs::SqsAttribute;
use skyport_core::Shutdown;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::envelope::ENVELOPE_ATTRIBUTE;
use skyport_core::queue::port::{MessageQueue, RawDelivery, ReceiveOptions, Settlement, Verdict};
use skyport_core::queue::wire::to_text;

use super::runtime_api::{Answer, RuntimeApi};

/// The time of an invocation by a mapping.
const TIME: Duration = Duration::from_secs(20);

/// A mapping from a queue to the function.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) api: RuntimeApi,
    pub(crate) queue: Arc<dyn MessageQueue>,
    /// The messages are a bucket's events, and travel as S3 writes them.
    pub(crate) notifications: bool,
    pub(crate) batch: usize,
    pub(crate) stop: Shutdown,
}

impl Mapping {
    /// Works until it is to stop; what is under way is waited for.
    pub(crate) async fn run(self) {
        let options = ReceiveOptions::new(self.batch, Duration::from_secs(20), Duration::from_secs(30));
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.triggered() => return,
                received = self.queue.receive(options) => received.expect("the queue is there"),
            };
            if !received.is_empty() {
                self.hand_over(received).await;
            }
        }
    }

    async fn hand_over(&self, received: Vec<RawDelivery>) {
        let records: Vec<Value> = received.iter().map(|delivery| self.record(delivery)).collect();
        let event = json!({"Records": records});
        let failed: Vec<String> = match self.api.invoke(&event, TIME, None).await {
            Some(Answer::Whole(answer)) => answer["batchItemFailures"]
                .as_array()
                .expect("a batch's answer")
                .iter()
                .map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned())
                .collect(),
            // All return when their visibility timeouts end.
            Some(other) => panic!("a mapping got {other:?}"),
            // Never begun.
            None => {
                let again = received
                    .into_iter()
                    .map(|raw| Settlement::new(raw.receipt, Verdict::Retry(Duration::ZERO)));
                self.queue.settle(again.collect()).await;
                return;
            }
        };
        assert!(
            failed.iter().all(|id| received.iter().any(|raw| raw.id == id.as_str())),
            "an unknown id fails the whole batch"
        );
        let done = received.into_iter().filter(|raw| failed.iter().all(|id| raw.id != id.as_str()));
        // As SQS has it, deleting what the function settled already is no error.
        self.queue.settle(done.map(|raw| Settlement::new(raw.receipt, Verdict::Ack)).collect()).await;
    }

    fn record(&self, delivery: &RawDelivery) -> Value {
        let mut envelope = delivery.envelope.clone();
        let body =
            if self.notifications { notification(delivery) } else { to_text(&delivery.body, &mut envelope) };
        let mut attributes: Map<String, Value> = Map::new();
        let mut put = |name: &str, value: &str| {
            let attribute = SqsAttribute::new(value);
            let value = json!({"dataType": attribute.data_type, "stringValue": attribute.string_value});
            attributes.insert(name.to_owned(), value);
        };
        delivery.attributes.iter().for_each(|(name, value)| put(name, value));
        if !envelope.is_empty() {
            put(ENVELOPE_ATTRIBUTE, &envelope.pack());
        }
        let sent = delivery.sent_at.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let mut system = json!({
            "ApproximateReceiveCount": delivery.attempt.to_string(),
            "SentTimestamp": sent.to_string(),
        });
        if let Some(group) = &delivery.group {
            system["MessageGroupId"] = group.clone().into();
        }
        json!({
            "messageId": delivery.id,
            "receiptHandle": delivery.receipt.as_str(),
            "body": body,
            "attributes": system,
            "messageAttributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{}", self.queue.info().resource),
            "awsRegion": "us-east-1",
        })
    }
}

/// A bucket's event as S3 writes it.
fn notification(delivery: &RawDelivery) -> String {
    let event: BlobEvent = serde_json::from_slice(&delivery.body).expect("a bucket's event");
    let name = if event.change == BlobChange::Created { "ObjectCreated:Put" } else { "ObjectRemoved:Delete" };
    let key = utf8_percent_encode(&event.key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
    let record = json!({
        "eventSource": "aws:s3",
        "eventName": name,
        "eventTime": "2026-11-26T13:03:16.192Z",
        "s3": {"bucket": {"name": event.bucket}, "object": {"key": key, "size": event.size}},
    });
    json!({"Records": [record]}).to_string()
}
