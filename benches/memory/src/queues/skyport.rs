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
use skyport_measure::Outcome;

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
    /// A batch of one, as the port gives it and takes it.
    type Delivery = Vec<RawDelivery>;

    async fn send(&mut self, body: Bytes) -> Outcome {
        for sent in self.0.send(vec![OutMessage::new(body)]).await {
            sent?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Outcome<Vec<RawDelivery>> {
        let options = ReceiveOptions::new(1, Duration::from_secs(20), Duration::from_secs(30));
        let received = self.0.receive(options).await?;
        if received.is_empty() { Err("nothing was received".into()) } else { Ok(received) }
    }

    async fn ack(&mut self, received: Vec<RawDelivery>) -> Outcome {
        let ack = |delivery: &RawDelivery| Settlement::new(delivery.receipt.clone(), Verdict::Ack);
        let settlements = received.iter().map(ack).collect();
        for settled in self.0.settle(settlements).await {
            settled?;
        }
        Ok(())
    }
}
