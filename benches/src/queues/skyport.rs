//! Skyport's memory provider through the port: leases, attempts and dead letters kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{
    MessageQueue, OutMessage, QueueSettings, RawDelivery, ReceiveOptions, Settlement, Verdict,
};
use skyport_memory::Memory;

use super::Queues;
use crate::Outcome;

/// The port: `Arc<dyn MessageQueue>`.
#[derive(Clone, Debug)]
pub struct Port(Arc<dyn MessageQueue>);

impl Port {
    /// A new queue.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        let memory = Memory::new();
        let url = ResourceUrl::new("memory", "jobs");
        let settings = QueueSettings::default();
        memory.create(&url, &ResourceKind::Queue(settings.clone())).await?;
        Ok(Self(memory.queue(&url, &settings)?))
    }
}

impl Queues for Port {
    type Delivery = RawDelivery;

    async fn send(&mut self, body: Bytes) -> Outcome {
        for sent in self.0.send(vec![OutMessage::new(body)]).await {
            sent?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Outcome<RawDelivery> {
        let options = ReceiveOptions::new(1, Duration::from_secs(20), Duration::from_secs(30));
        let mut received = self.0.receive(options).await?;
        received.pop().ok_or_else(|| "nothing was received".into())
    }

    async fn ack(&mut self, delivery: RawDelivery) -> Outcome {
        let settlement = Settlement::new(delivery.receipt, Verdict::Ack);
        for settled in self.0.settle(vec![settlement]).await {
            settled?;
        }
        Ok(())
    }
}
