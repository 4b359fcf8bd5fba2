//! Skyport's memory provider: leases, attempts and dead letters kept. The implementors' port, and the handle that users hold.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::codec::Raw;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{
    MessageQueue, OutMessage, QueueSettings, RawDelivery, ReceiveOptions, Settlement, Verdict,
};
use skyport_core::queue::{Delivery, Queue};
use skyport_measure::Outcome;
use skyport_memory::Memory;

use super::Queues;

const WAIT: Duration = Duration::from_secs(20);
const LEASE: Duration = Duration::from_secs(30);

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

    async fn receive(&mut self) -> Outcome<(RawDelivery, usize)> {
        let received = self.0.receive(ReceiveOptions::new(1, WAIT, LEASE)).await?;
        let delivery = received.into_iter().next().ok_or("nothing was received")?;
        let bytes = delivery.body.len();
        Ok((delivery, bytes))
    }

    async fn ack(&mut self, delivery: RawDelivery) -> Outcome {
        for settled in self.0.settle(vec![Settlement::new(delivery.receipt, Verdict::Ack)]).await {
            settled?;
        }
        Ok(())
    }
}

/// The handle: messages are checked, carry a trace, and are traced.
#[derive(Debug)]
pub struct Handle(Queue<Bytes, Raw>);

impl Handle {
    /// A new queue.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn new() -> Outcome<Self> {
        Ok(Self(Queue::new(Port::new().await?.0)))
    }
}

impl Queues for Handle {
    type Delivery = Delivery<Bytes, Raw>;

    async fn send(&mut self, body: Bytes) -> Outcome {
        self.0.send(&body).await?;
        Ok(())
    }

    async fn receive(&mut self) -> Outcome<(Self::Delivery, usize)> {
        let received = self.0.receive(1, WAIT, LEASE).await?;
        let delivery = received.into_iter().next().ok_or("nothing was received")?;
        let bytes = delivery.value()?.len();
        Ok((delivery, bytes))
    }

    async fn ack(&mut self, delivery: Self::Delivery) -> Outcome {
        Ok(delivery.ack().await?)
    }
}
