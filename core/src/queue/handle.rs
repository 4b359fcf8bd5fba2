//! The users' face of a queue.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::check;
use super::delivery::Delivery;
use super::lease::LeaseTimer;
use super::outgoing::{Outgoing, Sending};
use super::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueCapabilities, QueueInfo, QueueLimits, RawDelivery,
    ReceiveOptions,
};
use crate::codec::{Encode, Json};
use crate::{Error, Result, TraceContext};

/// The longest wait of one call of the port; longer ones are several calls.
const LONGEST_POLL: Duration = Duration::from_secs(20);

/// By how much a wait may fall short of what was asked for.
const HAIR: Duration = Duration::from_millis(2);

/// The pause after a call of the port that came back empty before its time.
const EARLY_PAUSE: Duration = Duration::from_millis(200);

/// A queue of values of type `T`, written by the codec `C`: JSON, unless another is named.
///
/// Cheap to clone, `Send` and `Sync` whatever `T` is. Messages arrive at least once and in no promised order, unless the
/// queue is declared ordered: then by group, first in first out.
pub struct Queue<T, C = Json> {
    port: Arc<dyn MessageQueue>,
    types: PhantomData<fn(T, C) -> T>,
}

impl<T, C> Queue<T, C> {
    /// The handle of a provider's queue.
    #[must_use]
    pub fn new(port: Arc<dyn MessageQueue>) -> Self {
        Self { port, types: PhantomData }
    }

    /// The provider's queue itself: for adapters, and for settling serialised receipts.
    #[must_use]
    pub fn port(&self) -> &Arc<dyn MessageQueue> {
        &self.port
    }

    /// What this queue is: provider, name, settings.
    #[must_use]
    pub fn info(&self) -> &QueueInfo {
        self.port.info()
    }

    /// Its sizes.
    #[must_use]
    pub fn limits(&self) -> QueueLimits {
        self.info().limits
    }

    /// What it can do, and how it comes by it.
    #[must_use]
    pub fn capabilities(&self) -> &QueueCapabilities {
        &self.info().capabilities
    }

    /// Sends a value; options are added before `.await`. Gives the message's id. The value is encoded here and now: the
    /// future borrows nothing.
    ///
    /// A send that timed out may have been sent.
    ///
    /// ```
    /// # use skyport_core::queue::Queue;
    /// # use std::time::Duration;
    /// async fn order(jobs: &Queue<String>) -> skyport_core::Result<()> {
    ///     jobs.send(&"resize".to_owned()).delay(Duration::from_secs(30)).attribute("tenant", "a7").await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// From `.await`: `TooLarge` and `InvalidArgument` for what is over the limits, `Unsupported` for an option that this
    /// queue cannot keep, all before any I/O; `NotFound` for a missing queue; what the service says.
    pub fn send(&self, value: &T) -> Sending
    where
        C: Encode<T>,
    {
        Sending::new(Arc::clone(&self.port), Outgoing::new(value).encode::<C>())
    }

    /// Sends any number of values, `&T` or [`Outgoing`] with options; one result each, in order. What cannot be sent
    /// fails alone; to repeat, send only what failed.
    ///
    /// ```
    /// # use skyport_core::queue::{Outgoing, Queue};
    /// # use std::time::Duration;
    /// async fn order(jobs: &Queue<u32>) {
    ///     let numbers = [1, 2, 3];
    ///     for result in jobs.send_all(&numbers).await {
    ///         result.expect("sent");
    ///     }
    ///     let later = numbers.iter().map(|n| Outgoing::new(n).delay(Duration::from_secs(5)));
    ///     assert_eq!(jobs.send_all(later).await.len(), 3);
    /// }
    /// ```
    ///
    /// Each result fails as [`send`](Self::send) does.
    pub fn send_all<'a, I>(&self, values: I) -> BoxFuture<'static, Vec<Result<MessageId>>>
    where
        I: IntoIterator,
        I::Item: Into<Outgoing<'a, T>>,
        T: 'a,
        C: Encode<T>,
    {
        let messages: Vec<Result<OutMessage>> =
            values.into_iter().map(|value| value.into().encode::<C>()).collect();
        let port = Arc::clone(&self.port);
        Box::pin(async move { send_checked(&*port, messages).await })
    }

    /// Waits up to `wait` for the first message and returns promptly then, with what is there, up to `max` (never more
    /// than [`QueueLimits::receive`]; empty when the wait is over). The messages are kept from other receivers for
    /// `lease`: 1 to 600 whole seconds.
    ///
    /// The lease is counted from before the call that brought them, to be on the safe side. A `wait` longer than half of it
    /// is therefore cut into several calls, and at least half of the lease is left on return. Whatever is dropped unsettled
    /// returns when its lease ends; a dropped future loses nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> skyport_core::Result<()> {
    /// # use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    /// # use skyport_core::queue::{Queue, port::QueueSettings};
    /// # let (memory, url) = (skyport_memory::Memory::new(), ResourceUrl::new("memory", "jobs"));
    /// # memory.create(&url, &ResourceKind::Queue(QueueSettings::default())).await?;
    /// # let jobs: Queue<String> = Queue::new(memory.queue(&url, &QueueSettings::default())?);
    /// use std::time::Duration;
    ///
    /// jobs.send(&"resize".to_owned()).await?;
    /// for job in jobs.receive(10, Duration::from_secs(5), Duration::from_secs(60)).await? {
    ///     match job.value() {
    ///         Ok(name) => println!("{name}, attempt {}", job.attempt()),
    ///         Err(error) => {
    ///             job.dead_letter(error.to_string()).await?; // no retry will mend it
    ///             continue;
    ///         }
    ///     }
    ///     job.ack().await?;
    /// }
    /// assert_eq!(jobs.depth().await?.total(), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for a `max` of 0 or a lease out of bounds; `NotFound` for a missing queue; what the service says.
    pub async fn receive(&self, max: usize, wait: Duration, lease: Duration) -> Result<Vec<Delivery<T, C>>> {
        let context = |error| context(self.info(), "queue.receive", error);
        if max == 0 {
            return Err(context(Error::invalid("`max` is at least 1")));
        }
        check::lease(self.info(), lease).map_err(context)?;
        let (raw, timer) = poll(&*self.port, max, wait, lease).await.map_err(context)?;
        Ok(raw.into_iter().map(|raw| Delivery::new(Arc::clone(&self.port), raw, timer)).collect())
    }

    /// About how many messages there are.
    ///
    /// # Errors
    /// `Unsupported` where `capabilities().depth` is no; `NotFound` for a missing queue; what the service says.
    pub async fn depth(&self) -> Result<Depth> {
        let refusal = "this queue does not count its messages: see what the service's own monitoring says";
        let supported = self.info().capabilities.depth.demand(refusal);
        supported.map_err(|error| context(self.info(), "queue.depth", error))?;
        let asked = self.port.depth().instrument(span(self.info(), "queue.depth"));
        asked.await.map_err(|error| context(self.info(), "queue.depth", error))
    }
}

/// Receives through the port, each call no longer than leaves at least half of the lease.
pub(crate) async fn poll(
    port: &dyn MessageQueue,
    max: usize,
    wait: Duration,
    lease: Duration,
) -> Result<(Vec<RawDelivery>, LeaseTimer)> {
    let info = port.info();
    let begun = Instant::now();
    loop {
        let left = wait.saturating_sub(begun.elapsed());
        let slice = left.min(lease / 2).min(LONGEST_POLL);
        let options = ReceiveOptions::new(max.min(info.limits.receive).max(1), slice, lease);
        let (timer, asked) = (LeaseTimer::start(info.clock, lease), Instant::now());
        let received = port.receive(options).instrument(span(info, "queue.receive")).await?;
        let left = wait.saturating_sub(begun.elapsed());
        // What the last call waited may be a hair less than it was told to.
        if !received.is_empty() || left < HAIR {
            return Ok((received, timer));
        }
        // Not every service waits as long as it is told to: whoever asks it must not spin.
        if asked.elapsed() + HAIR < slice {
            sleep(EARLY_PAUSE.min(left)).await;
        }
    }
}

/// Checks each message, sends those that pass, and gives one result each, in order.
pub(super) async fn send_checked(
    port: &dyn MessageQueue,
    messages: Vec<Result<OutMessage>>,
) -> Vec<Result<MessageId>> {
    let info = port.info();
    let failed = |error| context(info, "queue.send", error);
    let trace = TraceContext::current();
    let mut refused = Vec::new();
    let checked = messages.into_iter().enumerate().filter_map(|(at, message)| {
        match message.and_then(|message| check::message(info, &message).map(|()| message)) {
            Ok(mut message) => {
                // Ours always carry a trace: by that they are told from foreign ones.
                message.envelope.trace = Some(trace.clone().unwrap_or_else(TraceContext::root));
                Some(message)
            }
            Err(error) => {
                refused.push((at, failed(error)));
                None
            }
        }
    });
    // Most often all of them, in the room that they have.
    let valid: Vec<OutMessage> = checked.collect();
    let count = valid.len();
    let sent =
        if count == 0 { Vec::new() } else { port.send(valid).instrument(span(info, "queue.send")).await };
    let mut results: Vec<Result<MessageId>> =
        sent.into_iter().map(|result| result.map_err(failed)).take(count).collect();
    results.resize_with(count, || Err(failed(too_few_results())));
    for (at, error) in refused {
        results.insert(at, Err(error));
    }
    results
}

/// A provider broke its promise of one result an item.
pub(super) fn too_few_results() -> Error {
    Error::internal("the provider gave fewer results than items; whether this one was done is not known")
}

/// Says where an error happened.
pub(super) fn context(info: &QueueInfo, operation: &'static str, error: Error) -> Error {
    error.with_provider(info.provider).with_operation(operation).with_resource(&info.resource)
}

/// The span of one call of the port.
pub(super) fn span(info: &QueueInfo, operation: &'static str) -> tracing::Span {
    tracing::debug_span!("queue", operation, provider = info.provider, resource = info.resource)
}

impl<T, C> Clone for Queue<T, C> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.port))
    }
}

impl<T, C> fmt::Debug for Queue<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info();
        f.debug_struct("Queue")
            .field("provider", &info.provider)
            .field("resource", &info.resource)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn shared<T: Send + Sync + Clone + 'static>() {}

    #[test]
    fn a_handle_is_shared_between_threads_whatever_its_values_are() {
        struct NeitherSendNorClone(#[allow(dead_code)] *const Cell<u8>);
        shared::<Queue<NeitherSendNorClone>>();
    }
}
