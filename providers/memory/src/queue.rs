//! Queues: leases, delays, groups and dead letters behind the port [`MessageQueue`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use skyport_core::Result;
use skyport_core::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, QueueSettings, RawDelivery, Receipt,
    ReceiveOptions, Settlement,
};

use crate::error::Refusal;
use crate::faults::{Faults, Operation, Site, call};

mod cell;
mod dedupe;
mod echoes;
mod groups;
mod numbers;
mod receipt;
mod state;
#[cfg(test)]
mod tests;
mod timers;

pub(crate) use cell::QueueCell;

/// A handle to a queue; handles of one name share the queue.
pub(crate) struct MemoryQueue {
    cell: Arc<QueueCell>,
    info: QueueInfo,
    faults: Faults,
}

impl MemoryQueue {
    pub(crate) fn new(cell: Arc<QueueCell>, settings: &QueueSettings, faults: Faults) -> Self {
        let mut info = QueueInfo::new(crate::provision::NAME, cell.name(), settings.clone());
        // What the queue was created with wins over what is declared here.
        if let Some((max_attempts, ordered)) = cell.provisioned() {
            info.settings.max_attempts = max_attempts;
            info.settings.ordered = ordered;
        }
        info.clock = cell.clock();
        info.capabilities = crate::support::queue();
        Self { cell, info, faults }
    }
}

/// What may have to wait. The port's methods box it only then: a call that is done at once does not carry what these need.
impl MemoryQueue {
    fn site(&self, operation: Operation, items: usize) -> Site<'_> {
        let ordered = self.info.settings.ordered;
        Site { operation, resource: self.cell.name(), items, ordered }
    }

    async fn send_with_faults(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let site = self.site(Operation::QueueSend, messages.len());
        self.faults.call_each(site, messages, |messages| self.cell.send(messages)).await
    }

    async fn receive_with_faults(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let ReceiveOptions { max, wait, lease, .. } = options;
        let site = self.site(Operation::QueueReceive, 1);
        let receive = async {
            let found = self.cell.receive_now(max, lease)?;
            if !found.is_empty() || wait.is_zero() {
                return Ok(found);
            }
            self.cell.receive_waiting(max, wait, lease).await
        };
        self.faults.receive(&site, &self.cell, lease, receive).await
    }

    async fn settle_with_faults(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let site = self.site(Operation::QueueSettle, settlements.len());
        self.faults.call_each(site, settlements, |settlements| self.cell.settle(settlements)).await
    }
}

impl fmt::Debug for MemoryQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryQueue").field(&self.cell.name()).finish()
    }
}

#[async_trait]
impl MessageQueue for MemoryQueue {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    // This, `receive` and `settle` are written out, and take what they are given apart: what is moved whole, just after it was
    // made part by part, costs as much as the box that it is moved to.
    fn send<'q, 'f>(&'q self, messages: Vec<OutMessage>) -> BoxFuture<'f, Vec<Result<MessageId>>>
    where
        'q: 'f,
        Self: 'f,
    {
        if self.faults.are_armed() {
            return Box::pin(self.send_with_faults(messages));
        }
        let messages = messages.into_iter();
        Box::pin(async move { self.cell.send(messages) })
    }

    fn receive<'q, 'f>(&'q self, options: ReceiveOptions) -> BoxFuture<'f, Result<Vec<RawDelivery>>>
    where
        'q: 'f,
        Self: 'f,
    {
        if self.faults.are_armed() {
            return Box::pin(self.receive_with_faults(options));
        }
        let ReceiveOptions { max, wait, lease, .. } = options;
        Box::pin(async move {
            let found = self.cell.receive_now(max, lease);
            if wait.is_zero() || !matches!(&found, Ok(found) if found.is_empty()) {
                return found;
            }
            Box::pin(self.cell.receive_waiting(max, wait, lease)).await
        })
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        call!(self.faults, QueueExtend, self.cell.name(), || {
            self.cell.extend(receipt, lease).map(|()| receipt.clone())
        })
    }

    fn settle<'q, 'f>(&'q self, settlements: Vec<Settlement>) -> BoxFuture<'f, Vec<Result<()>>>
    where
        'q: 'f,
        Self: 'f,
    {
        if self.faults.are_armed() {
            return Box::pin(self.settle_with_faults(settlements));
        }
        let settlements = settlements.into_iter();
        Box::pin(async move { self.cell.settle(settlements) })
    }

    async fn depth(&self) -> Result<Depth> {
        call!(self.faults, QueueDepth, self.cell.name(), || self.cell.depth())
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let dead = self.cell.dead_letters().ok_or(Refusal::NoDeadLetters)?;
        let mut settings = self.info.settings.clone();
        settings.ordered = false;
        settings.max_attempts = u32::MAX;
        Ok(Arc::new(Self::new(Arc::clone(dead), &settings, self.faults.clone())))
    }
}
