//! A queue of the fakes as one of Queue Storage, for the host's listener.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skyport_azure_wire::message::to_text;
use skyport_core::queue::port::{MessageQueue, RawDelivery, Receipt, ReceiveOptions, Settlement, Verdict};
use skyport_core::{Error, ErrorKind};
use skyport_functions_host::queue::LEASE;
use skyport_functions_host::{Fault, QueueMessage, QueueSource, Queues, Result};
use tokio::sync::Mutex;

/// How long a look into an empty queue may take; the host's own pauses stand behind it.
const WAIT: Duration = Duration::from_secs(20);

/// The queues of an application, by their names on Azure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(pub(crate) Vec<(String, Arc<dyn MessageQueue>)>);

impl Queues for Known {
    fn open(&self, queue: &str, _: &str) -> Result<Arc<dyn QueueSource>> {
        let known = self.0.iter().find(|(name, _)| name == queue);
        let (_, queue) = known.ok_or_else(|| Fault::new(format!("there is no queue `{queue}`")))?;
        Ok(Arc::new(Source { queue: Arc::clone(queue), held: Mutex::default() }))
    }
}

#[derive(Debug)]
struct Source {
    queue: Arc<dyn MessageQueue>,
    /// What a copy for the poison queue is made of.
    held: Mutex<Vec<RawDelivery>>,
}

fn fault(error: &Error) -> Fault {
    Fault::new(error.to_string())
}

impl Source {
    /// Whether the delivery was still the host's.
    async fn settle(&self, message: &QueueMessage, verdict: Verdict) -> Result<bool> {
        self.held.lock().await.retain(|delivery| *delivery.id != *message.id);
        let settlement = Settlement::new(Receipt::new(&*message.pop_receipt), verdict);
        match self.queue.settle(vec![settlement]).await.pop() {
            Some(Ok(())) => Ok(true),
            Some(Err(error)) if error.kind() == ErrorKind::PreconditionFailed => Ok(false),
            Some(Err(error)) => Err(fault(&error)),
            None => Err(Fault::new("no answer")),
        }
    }
}

#[async_trait]
impl QueueSource for Source {
    async fn receive(&self, most: usize, lease: Duration) -> Result<Vec<QueueMessage>> {
        let received = self.queue.receive(ReceiveOptions::new(most, WAIT, lease)).await;
        let mut messages = Vec::new();
        for delivery in received.map_err(|error| fault(&error))? {
            let text = match std::str::from_utf8(&delivery.body) {
                // Somebody else's stands there as it was sent.
                Ok(text) if delivery.envelope.is_empty() && delivery.attributes.is_empty() => text.to_owned(),
                _ => to_text(&delivery.to_message()).map_err(|error| fault(&error))?,
            };
            let mut message = QueueMessage::new(&*delivery.id, delivery.receipt.as_str(), text);
            message.dequeue_count = delivery.attempt.into();
            message.inserted = delivery.sent_at;
            messages.push(message);
            self.held.lock().await.push(delivery);
        }
        Ok(messages)
    }

    async fn hide(&self, message: &QueueMessage, visibility: Duration) -> Result<Option<String>> {
        // Queue Storage knows no difference between a longer lease and a message that is given back; the fakes do.
        if visibility == LEASE {
            return match self.queue.extend(&Receipt::new(&*message.pop_receipt), visibility).await {
                Ok(receipt) => Ok(Some(receipt.as_str().to_owned())),
                Err(error) if error.kind() == ErrorKind::PreconditionFailed => Ok(None),
                Err(error) => Err(fault(&error)),
            };
        }
        let hidden = self.settle(message, Verdict::Retry(visibility)).await?;
        Ok(hidden.then(|| message.pop_receipt.clone()))
    }

    async fn delete(&self, message: &QueueMessage) -> Result<bool> {
        self.settle(message, Verdict::Ack).await
    }

    async fn copy_to_poison(&self, message: &QueueMessage) -> Result<()> {
        let held = self.held.lock().await;
        let delivery = held.iter().find(|delivery| *delivery.id == *message.id);
        let mut copy = delivery.ok_or_else(|| Fault::new("a message that nobody has"))?.to_message();
        copy.envelope.set_reason(Some("attempts"));
        let letters = self.queue.dead_letters().map_err(|error| fault(&error))?;
        letters
            .send(vec![copy])
            .await
            .into_iter()
            .try_for_each(|sent| sent.map(drop))
            .map_err(|error| fault(&error))
    }
}
