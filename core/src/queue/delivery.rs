//! A received message, and its one end.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tracing::Instrument;

use super::handle::{context, span, too_few_results};
use super::lease::LeaseTimer;
use super::port::{Attributes, MessageQueue, RawDelivery, Receipt, Settlement, Verdict};
use super::{Foreign, check};
use crate::codec::{Decode, Json};
use crate::{Error, Result, TraceContext};

/// A message that is ours until its lease ends. It is settled once, by value; one that is dropped unsettled returns when
/// the lease ends.
#[must_use = "a message that is not settled returns when its lease ends"]
pub struct Delivery<T, C = Json> {
    port: Arc<dyn MessageQueue>,
    raw: RawDelivery,
    lease: LeaseTimer,
    types: PhantomData<fn(T, C) -> T>,
}

impl<T, C> Delivery<T, C> {
    pub(super) fn new(port: Arc<dyn MessageQueue>, raw: RawDelivery, lease: LeaseTimer) -> Self {
        Self { port, raw, lease, types: PhantomData }
    }

    /// The value in the body. A body that Skyport did not send is first read as the queue declares.
    ///
    /// # Errors
    /// `Malformed` where the body is something else: no retry will mend it, so let it go to the dead letters.
    pub fn value(&self) -> Result<T>
    where
        C: Decode<T>,
    {
        let decoded = self.raw.payload(self.foreign()).and_then(|payload| C::decode(&payload));
        decoded.map_err(|error| self.context("queue.receive", error).with_key(&self.raw.id))
    }

    fn foreign(&self) -> Foreign {
        self.port.info().settings.foreign
    }

    /// The body as it came, not decoded.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.raw.body
    }

    /// The provider's id of the message.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.raw.id
    }

    /// Which delivery of the message this is, from 1; approximate, and always 1 where `capabilities().attempts` is no.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.raw.attempt
    }

    /// The sender's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.raw.attributes
    }

    /// When it was sent.
    #[must_use]
    pub fn sent_at(&self) -> SystemTime {
        self.raw.sent_at
    }

    /// Its group, on an ordered queue.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.raw.group.as_deref()
    }

    /// Why it is a dead letter: the caller's reason, or `attempts`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.raw.envelope.reason()
    }

    /// The trace that it belongs to.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.raw.envelope.trace.as_ref()
    }

    /// What settles it through the port; can be serialised and used elsewhere.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.raw.receipt
    }

    /// All of it, as the provider handed it over.
    #[must_use]
    pub fn raw(&self) -> &RawDelivery {
        &self.raw
    }

    /// How much of the lease is left, counted from before the receive call.
    #[must_use]
    pub fn lease_remaining(&self) -> Duration {
        self.lease.remaining()
    }

    /// It is done and never comes again.
    ///
    /// # Errors
    /// `PreconditionFailed` where the lease has ended (said without I/O where this machine knows) or it is settled already;
    /// on an ordered queue also where an earlier message of the group failed. The error gives the delivery back.
    pub async fn ack(self) -> Result<(), SettleError<T, C>> {
        self.settle("queue.ack", Ok(Verdict::Ack)).await
    }

    /// It comes again, not before `after` (at most 15 minutes). Where its attempts are spent it goes to the dead letters
    /// instead.
    ///
    /// # Errors
    /// As [`ack`](Self::ack); `InvalidArgument` for an `after` over the limit.
    pub async fn retry(self, after: Duration) -> Result<(), SettleError<T, C>> {
        let verdict = check::retry_after(self.port.info(), after).map(|()| Verdict::Retry(after));
        self.settle("queue.retry", verdict).await
    }

    /// It goes to the dead letters at once; 256 bytes of the reason are kept.
    ///
    /// # Errors
    /// As [`ack`](Self::ack); `Unsupported` on a queue of dead letters.
    pub async fn dead_letter(self, reason: impl Into<String>) -> Result<(), SettleError<T, C>> {
        // A queue of dead letters has none of its own.
        let verdict = self
            .port
            .dead_letters()
            .map(|_| Verdict::DeadLetter { reason: reason.into(), message: Box::new(self.raw.to_message()) });
        self.settle("queue.dead_letter", verdict).await
    }

    /// Sets the lease to end `lease` from now: 1 to 600 whole seconds.
    ///
    /// # Errors
    /// `InvalidArgument` for a lease out of bounds; `PreconditionFailed` where it has ended already.
    pub async fn extend(&mut self, lease: Duration) -> Result<()> {
        let failed = |error| context(self.port.info(), "queue.extend", error);
        check::lease(self.port.info(), lease).map_err(failed)?;
        self.lease.check().map_err(failed)?;
        let timer = LeaseTimer::start(self.port.info().clock, lease);
        let extended = self.port.extend(&self.raw.receipt, lease);
        self.raw.receipt =
            extended.instrument(span(self.port.info(), "queue.extend")).await.map_err(failed)?;
        self.lease = timer;
        Ok(())
    }

    async fn settle(
        self,
        operation: &'static str,
        verdict: Result<Verdict>,
    ) -> Result<(), SettleError<T, C>> {
        let result = match verdict.and_then(|verdict| self.lease.check().map(|()| verdict)) {
            Ok(verdict) => {
                let settlement = Settlement::new(self.raw.receipt.clone(), verdict);
                let settling = self.port.settle(vec![settlement]);
                let results = settling.instrument(span(self.port.info(), operation)).await;
                results.into_iter().next().unwrap_or_else(|| Err(too_few_results()))
            }
            Err(error) => Err(error),
        };
        result
            .map_err(|error| SettleError { error: self.context(operation, error), delivery: Box::new(self) })
    }

    fn context(&self, operation: &'static str, error: Error) -> Error {
        context(self.port.info(), operation, error)
    }
}

impl<T, C> fmt::Debug for Delivery<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the body: it is the user's, and may be long or secret.
        f.debug_struct("Delivery")
            .field("id", &self.raw.id)
            .field("attempt", &self.raw.attempt)
            .field("bytes", &self.raw.body.len())
            .field("lease_remaining", &self.lease_remaining())
            .finish_non_exhaustive()
    }
}

/// A delivery that could not be settled, given back with the error. `?` turns it into the [`Error`].
pub struct SettleError<T, C = Json> {
    error: Error,
    delivery: Box<Delivery<T, C>>,
}

impl<T, C> SettleError<T, C> {
    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The delivery, to be settled again.
    pub fn into_delivery(self) -> Delivery<T, C> {
        *self.delivery
    }

    /// Both.
    pub fn into_parts(self) -> (Error, Delivery<T, C>) {
        (self.error, *self.delivery)
    }
}

impl<T, C> From<SettleError<T, C>> for Error {
    fn from(failed: SettleError<T, C>) -> Self {
        failed.error
    }
}

impl<T, C> fmt::Debug for SettleError<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettleError").field("error", &self.error).field("delivery", &self.delivery).finish()
    }
}

impl<T, C> fmt::Display for SettleError<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<T, C> std::error::Error for SettleError<T, C> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
