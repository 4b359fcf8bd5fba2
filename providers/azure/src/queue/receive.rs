//! Receiving: looking again and again, and what came as deliveries.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use skyport_core::clock::whole_seconds;
use skyport_core::queue::MessageId;
use skyport_core::queue::leases::Last;
use skyport_core::queue::polls::{Answer, Poll, Waiting};
use skyport_core::queue::port::{OutMessage, RawDelivery, ReceiveOptions};
use skyport_core::queue::wire::Unreadable;
use skyport_core::{Error, Result};
use tokio::runtime::Handle as Runtime;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::calls::Taken;
use super::settle::{SPENT, letter};
use super::{CALLS, Place};

const YEAR: Duration = Duration::from_secs(86_400 * 365);

/// A message that nobody is to see, and its letter.
struct Dead {
    handle: String,
    letter: OutMessage,
}

impl Place {
    /// Looks up to the end for the first messages.
    pub(super) async fn receive(place: &Arc<Self>, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let begun = Instant::now();
        // As long as can be told, where that is for ever.
        let end = begun.checked_add(options.wait).unwrap_or(begun + YEAR);
        loop {
            let asked = Instant::now();
            let came = match place.look(options).await {
                Ok(came) => came,
                Err(error) => place.or_empty(error, Vec::new()).await?,
            };
            let nothing_came = came.is_empty();
            let deliveries = place.sift(came, asked + options.lease);
            if !deliveries.is_empty() || Instant::now() >= end {
                return Ok(deliveries);
            }
            if nothing_came {
                // From the look's beginning on: a slow service is not looked at later for it. What this process sends itself ends the pause.
                let next = end.min(asked + place.pace.slower());
                drop(timeout_at(next, place.woken.notified()).await);
            }
        }
    }

    /// One look, in a task of its own: if the receive is dropped meanwhile, what it brings goes back.
    async fn look(self: &Arc<Self>, options: ReceiveOptions) -> Answer<Taken> {
        let max = i32::try_from(options.max).unwrap_or(i32::MAX);
        let lease = whole_seconds(options.lease);
        let poll = Poll::new(());
        let (place, told) = (Arc::clone(self), poll.answering());
        let waiting = Waiting::new(&self.polls, poll, |unread| self.return_later(unread));
        drop(tokio::spawn(async move {
            if let Some(Ok(unwanted)) = told.answer(place.take(max, lease).await) {
                place.give_back(unwanted).await;
            }
        }));
        let came = waiting.answer().await?;
        if !came.is_empty() {
            self.pace.quicken();
        }
        Ok(came)
    }

    /// As [`give_back`](Self::give_back), beside whatever goes on.
    fn return_later(self: &Arc<Self>, unread: Vec<Taken>) {
        // Without a runtime the program is at its end: they return with their leases.
        if let Ok(runtime) = Runtime::try_current() {
            let place = Arc::clone(self);
            drop(runtime.spawn(async move { place.give_back(unread).await }));
        }
    }

    /// Makes messages visible again that nobody is there for.
    async fn give_back(&self, messages: Vec<Taken>) {
        let one = |taken: Taken| async move {
            self.uncounted.add(&MessageId::new(&taken.message.id));
            if let Err(error) = self.hide(taken.handle.as_str(), 0).await {
                let queue = &self.info.resource;
                tracing::debug!(queue, %error, "a message of a dropped receive returns when its lease ends");
            }
        };
        stream::iter(messages).for_each_concurrent(CALLS, one).await;
    }

    /// What the messages are to a receiver. Those that nobody is to see are on their way to the dead letters.
    fn sift(self: &Arc<Self>, came: Vec<Taken>, ends: Instant) -> Vec<RawDelivery> {
        let (mut deliveries, mut dead) = (Vec::with_capacity(came.len()), Vec::new());
        for taken in came {
            match self.read(taken, ends) {
                Ok(delivery) => deliveries.push(delivery),
                Err(one) => dead.push(*one),
            }
        }
        if !dead.is_empty() {
            let place = Arc::clone(self);
            // It goes on where the receive is dropped.
            drop(tokio::spawn(async move { place.bury_unseen(dead).await }));
        }
        deliveries
    }

    fn read(&self, taken: Taken, ends: Instant) -> std::result::Result<RawDelivery, Box<Dead>> {
        let Taken { handle, message } = taken;
        let (mut delivery, error) = match message.into_delivery(handle) {
            Ok(delivery) => (delivery, None),
            Err(Unreadable { error, delivery, .. }) => (*delivery, Some(error)),
        };
        delivery.attempt = self.uncounted.attempt(&delivery.id, delivery.attempt);
        let handle = delivery.receipt.as_str().to_owned();
        let most = self.info.settings.max_attempts;
        if self.letters().is_some() {
            let reason = match &error {
                Some(error) => Some(error.message()),
                None => (delivery.attempt > most).then_some(SPENT),
            };
            if let Some(reason) = reason {
                return Err(Box::new(Dead { handle, letter: letter(delivery.to_message(), reason) }));
            }
        } else {
            if delivery.envelope.reason().is_none() {
                // The host moved it; or it is a letter whose reason found no room.
                delivery.envelope.set_reason(Some(SPENT));
            }
            if delivery.envelope.attempts_before() > 0 {
                // The host moved it as it was. Sent back, it begins anew.
                delivery.envelope.set_attempts_before(0);
            }
        }
        let last = (self.letters().is_some() && delivery.attempt >= most)
            .then(|| Last { attempt: delivery.attempt, message: delivery.to_message() });
        delivery.receipt = self.leases.hold(&handle, ends, last);
        Ok(delivery)
    }

    /// Moves what nobody is to see, each by itself: what is sent is deleted at once, whatever becomes of the others. What cannot be moved comes
    /// again, and is tried again.
    async fn bury_unseen(&self, dead: Vec<Dead>) {
        let Some(place) = self.letters() else { return };
        let made = OnceCell::new();
        let moved = |Dead { handle, letter }: Dead| {
            let made = &made;
            async move {
                let moved = match place.bury(letter, made).await {
                    Ok(()) => self.delete(&handle).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = moved {
                    self.stays(&error);
                }
            }
        };
        stream::iter(dead).for_each_concurrent(CALLS, moved).await;
    }

    fn stays(&self, error: &Error) {
        let queue = &self.info.resource;
        tracing::warn!(queue, %error, "a message that is to go to the dead letters could not be moved; it comes again");
    }
}
