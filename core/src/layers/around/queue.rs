//! Around the calls of a queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Around, Call, Wrapped};
use crate::Result;
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
};

fn call<'a>(info: &'a QueueInfo, operation: &'static str) -> Call<'a> {
    Call::new(info.provider, &info.resource, operation)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<A: Around> MessageQueue for Wrapped<dyn MessageQueue, A> {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let bytes = messages.iter().map(|message| message.body.len()).sum();
        let call = call(self.info(), "queue.send").items(messages.len()).bytes(bytes);
        self.around.batch(call, self.inner.send(messages)).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let mut call = call(self.info(), "queue.receive");
        call.wait = options.wait;
        self.around.one(call, self.inner.receive(options)).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        let call = call(self.info(), "queue.adopt").items(deliveries.len());
        self.around.batch(call, self.inner.adopt(deliveries)).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let call = call(self.info(), "queue.extend");
        self.around.one(call, self.inner.extend(receipt, lease)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let call = call(self.info(), "queue.settle").items(settlements.len());
        self.around.batch(call, self.inner.settle(settlements)).await
    }

    async fn depth(&self) -> Result<Depth> {
        let call = call(self.info(), "queue.depth");
        self.around.one(call, self.inner.depth()).await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        let around = self.around.clone();
        Ok(Arc::new(Wrapped { inner, around }))
    }
}
