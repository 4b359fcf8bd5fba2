//! Queues: rows behind the port [`MessageQueue`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::Result;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};

use crate::engine::Engine;
use crate::error::NAME;
use skyport_core::refusal::Refusal;

mod receive;
pub(crate) mod rows;
mod send;
mod settle;
mod wait;

pub(crate) use send::insert;

/// The most messages of one receive.
const RECEIVE: usize = 100;

/// A handle to a queue.
pub(crate) struct LocalQueue {
    engine: Arc<Engine>,
    /// What it is called in the database: `queue/orders`.
    name: Arc<str>,
    info: QueueInfo,
}

impl LocalQueue {
    /// The queue of this name in the database, shown to users as `shown`.
    pub(crate) fn new(
        engine: Arc<Engine>,
        name: impl Into<Arc<str>>,
        shown: &str,
        settings: QueueSettings,
    ) -> Self {
        let mut info = QueueInfo::new(NAME, shown, settings);
        info.clock = engine.clock();
        info.capabilities = crate::support::queue();
        info.limits.receive = RECEIVE;
        Self { engine, name: name.into(), info }
    }
}

impl fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalQueue").field(&self.name).finish()
    }
}

#[async_trait]
impl MessageQueue for LocalQueue {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let (name, now, count) = (Arc::clone(&self.name), self.engine.now(), messages.len());
        let sent = self.engine.write(move |job| send::send(job, &name, &messages, now));
        match sent.await {
            Ok(results) => results,
            Err(error) => error.of_each(count),
        }
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        wait::receive(&self.engine, &self.name, options).await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let (name, now, asked) = (Arc::clone(&self.name), self.engine.now(), receipt.clone());
        self.engine.write(move |job| settle::extend(job, &name, &asked, lease, now)).await?;
        Ok(receipt.clone())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let (name, now, count) = (Arc::clone(&self.name), self.engine.now(), settlements.len());
        let settled = self.engine.write(move |job| settle::settle(job, &name, &settlements, now));
        match settled.await {
            Ok(results) => results,
            Err(error) => error.of_each(count),
        }
    }

    async fn depth(&self) -> Result<Depth> {
        let (name, now) = (Arc::clone(&self.name), self.engine.now());
        self.engine
            .read(move |connection| rows::depth(connection, &rows::find(connection, &name)?, now))
            .await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        if self.name.starts_with(rows::DEAD) {
            return Err(Refusal::NoDeadLetters.into());
        }
        let mut settings = self.info.settings.clone();
        settings.ordered = false;
        settings.max_attempts = u32::MAX;
        let shown = format!("{} dead letters", self.info.resource);
        let name = format!("{}{}", rows::DEAD, self.name);
        Ok(Arc::new(Self::new(Arc::clone(&self.engine), name, &shown, settings)))
    }
}
