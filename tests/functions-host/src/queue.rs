//! Listening to a queue.
//!
//! From `QueueListener.cs`, `QueueProcessor.cs`, `UpdateQueueMessageVisibilityCommand` and `QueueServiceClientProvider.cs` of the extension of Storage (azure-sdk-for-net). A
//! message is taken for ten minutes, and its lease is renewed at half of that, which gives it another pop receipt. Success deletes it; failure lets
//! it be seen again after `visibilityTimeout`, or, at the last delivery, copies it to `<queue>-poison` and deletes it. Whether it can be
//! deleted or let go does not matter where its pop receipt is no longer the right one, or where it is gone: so a function may settle its own message and succeed.
//! It must not fail then: at the last delivery the copy would be made all the same.

pub mod storage;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fault::{Fault, Result};
use crate::host_json::QueueOptions;
use crate::invoker::Invoker;
use crate::payload;

/// For so long a message is taken.
pub const LEASE: Duration = Duration::from_secs(600);

/// The shortest pause between two looks into an empty queue: `QueuePollingIntervals.Minimum`.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// A message as Queue Storage gives it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueMessage {
    /// Its id.
    pub id: String,
    /// What it is settled by, until the next time.
    pub pop_receipt: String,
    /// The text, as it stands in the queue.
    pub text: String,
    /// Which delivery this is, from 1.
    pub dequeue_count: u64,
    /// When it was put there.
    pub inserted: SystemTime,
    /// When it goes.
    pub expires: SystemTime,
    /// When others would see it.
    pub next_visible: SystemTime,
}

impl QueueMessage {
    /// The first delivery of a message that was put there just now and lives for a week.
    pub fn new(id: impl Into<String>, pop_receipt: impl Into<String>, text: impl Into<String>) -> Self {
        let now = SystemTime::now();
        Self {
            id: id.into(),
            pop_receipt: pop_receipt.into(),
            text: text.into(),
            dequeue_count: 1,
            inserted: now,
            expires: now + Duration::from_secs(7 * 86_400),
            next_visible: now + LEASE,
        }
    }
}

/// Without the text.
impl std::fmt::Debug for QueueMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, dequeue_count, .. } = self;
        f.debug_struct("QueueMessage")
            .field("id", id)
            .field("dequeue_count", dequeue_count)
            .finish_non_exhaustive()
    }
}

/// Where messages come from.
#[async_trait]
pub trait QueueSource: std::fmt::Debug + Send + Sync + 'static {
    /// Takes up to `most` messages for so long. It may wait for some.
    ///
    /// # Errors
    /// Where it cannot be asked; the listener asks again.
    async fn receive(&self, most: usize, lease: Duration) -> Result<Vec<QueueMessage>>;

    /// Hides a message for so long from now; its new pop receipt, or `None` where it is no longer ours.
    ///
    /// # Errors
    /// Where it cannot be asked.
    async fn hide(&self, message: &QueueMessage, visibility: Duration) -> Result<Option<String>>;

    /// Deletes a message; whether it was still ours.
    ///
    /// # Errors
    /// Where it cannot be asked.
    async fn delete(&self, message: &QueueMessage) -> Result<bool>;

    /// Copies a message to the poison queue, which is created where it is missing.
    ///
    /// # Errors
    /// Where that fails.
    async fn copy_to_poison(&self, message: &QueueMessage) -> Result<()>;
}

/// Opens queues.
pub trait Queues: std::fmt::Debug + Send + Sync + 'static {
    /// The queue of this name, over the connection of that name.
    ///
    /// # Errors
    /// Where there is no such connection.
    fn open(&self, queue: &str, connection: &str) -> Result<Arc<dyn QueueSource>>;
}

/// A listener of one function.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) function: String,
    pub(crate) binding: String,
    pub(crate) source: Arc<dyn QueueSource>,
    /// A queue that is named as the poisoned ones are has none of its own.
    pub(crate) has_poison: bool,
    pub(crate) options: QueueOptions,
    pub(crate) lease: Duration,
    pub(crate) invoker: Invoker,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Listener {
    /// Listens until it is to stop; what is under way is waited for.
    pub(crate) async fn run(mut self) {
        let mut working = JoinSet::new();
        let mut pause = LEAST_PAUSE;
        loop {
            while working.len() > self.options.new_batch_threshold {
                ended(working.join_next().await);
            }
            let received = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => break,
                received = self.source.receive(self.options.batch_size, self.lease) => received,
            };
            let received = received.unwrap_or_else(|error| {
                tracing::warn!(%error, "the queue cannot be asked");
                Vec::new()
            });
            if received.is_empty() {
                tokio::select! {
                    biased;
                    _ = self.stop.wait_for(|stop| *stop) => break,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(self.options.max_polling_interval);
                continue;
            }
            pause = LEAST_PAUSE;
            for message in received {
                let this = self.clone();
                working.spawn(async move {
                    if let Err(error) = this.process(message).await {
                        tracing::error!(%error, "a message could not be settled");
                    }
                });
            }
        }
        while let Some(joined) = working.join_next().await {
            ended(Some(joined));
        }
    }

    async fn process(&self, mut message: QueueMessage) -> Result<()> {
        if message.dequeue_count > self.options.max_dequeue_count {
            return self.poison(&message).await;
        }
        let Some(text) = self.text(&message) else {
            return self.poison(&message).await;
        };
        let payload = payload::message(&self.function, &self.binding, &text, &message);
        let called = {
            let mut calling = std::pin::pin!(self.invoker.call(&self.function, &payload, None));
            let mut renewal = Some(Instant::now() + self.lease / 2);
            loop {
                tokio::select! {
                    biased;
                    called = &mut calling => break called,
                    () = until(renewal) => renewal = self.renew(&mut message).await,
                }
            }
        };
        if called.is_ok() {
            self.source.delete(&message).await.map(drop)
        } else if !self.has_poison {
            // It comes again when its lease is over.
            Ok(())
        } else if message.dequeue_count >= self.options.max_dequeue_count {
            self.poison(&message).await
        } else {
            self.source.hide(&message, self.options.visibility_timeout).await.map(drop)
        }
    }

    /// The message's text; `None` where it is not encoded as it should be.
    fn text(&self, message: &QueueMessage) -> Option<String> {
        if !self.options.base64 {
            return Some(message.text.clone());
        }
        let decoded = STANDARD.decode(message.text.trim_ascii()).ok()?;
        // As .NET's `Encoding.UTF8` has it; what is no UTF-8 is spoilt.
        Some(String::from_utf8_lossy(&decoded).into_owned())
    }

    /// When to renew the lease next; `None` where the message is lost.
    async fn renew(&self, message: &mut QueueMessage) -> Option<Instant> {
        match self.source.hide(message, self.lease).await {
            Ok(Some(receipt)) => {
                message.pop_receipt = receipt;
                Some(Instant::now() + self.lease / 2)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "a lease could not be renewed");
                Some(Instant::now() + self.lease / 10)
            }
        }
    }

    async fn poison(&self, message: &QueueMessage) -> Result<()> {
        if !self.has_poison {
            return Ok(());
        }
        self.source.copy_to_poison(message).await?;
        self.source.delete(message).await.map(drop)
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn ended(joined: Option<std::result::Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = joined {
        tracing::error!(%error, "a task broke off");
    }
}

/// No queues: for applications that have none.
#[derive(Clone, Copy, Debug)]
pub struct NoQueues;

impl Queues for NoQueues {
    fn open(&self, queue: &str, _: &str) -> Result<Arc<dyn QueueSource>> {
        Err(Fault::new(format!("there is no connection to the queue `{queue}`")))
    }
}
