//! omniqueue's memory backend, behind its dyn types as an application holds it.

use bytes::Bytes;
use omniqueue::backends::InMemoryBackend;
use omniqueue::{Delivery, DynConsumer, DynProducer};
use skyport_measure::Outcome;

use super::Queues;

/// omniqueue, through its dyn producer and consumer.
#[allow(missing_debug_implementations)] // Its types have none.
pub struct OmniQueue {
    producer: DynProducer,
    consumer: DynConsumer,
}

impl OmniQueue {
    /// A new queue.
    ///
    /// # Errors
    /// What omniqueue says.
    pub async fn new() -> Outcome<Self> {
        let (producer, consumer) = InMemoryBackend::builder().make_dynamic().build_pair().await?;
        Ok(Self { producer, consumer })
    }
}

impl Queues for OmniQueue {
    type Delivery = Delivery;

    async fn send(&mut self, body: Bytes) -> Outcome {
        Ok(self.producer.send_raw(&body).await?)
    }

    async fn receive(&mut self) -> Outcome<(Delivery, usize)> {
        let delivery = self.consumer.receive().await?;
        let bytes = delivery.borrow_payload().map_or(0, <[u8]>::len);
        Ok((delivery, bytes))
    }

    async fn ack(&mut self, delivery: Delivery) -> Outcome {
        delivery.ack().await.map_err(|(error, _)| error.into())
    }
}
