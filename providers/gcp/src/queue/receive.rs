//! Receiving: waiting by pulls that outlive their receive, and what came as deliveries.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::Result;
use skyport_core::queue::leases::Last;
use skyport_core::queue::polls::{Answer, Poll, Waiting};
use skyport_core::queue::port::{RawDelivery, ReceiveOptions};
use skyport_core::retry::answered;
use skyport_gcp_wire::message::is_worn;
use tokio::time::{Instant, sleep, sleep_until};

use super::Place;
use super::calls::MOST_ANSWERED;
use super::pulled::{Pulled, Unseen};
use super::settle::SPENT;
use crate::error::of_status;
use crate::grpc::Call;
use crate::proto::pubsub as wire;
use crate::provision::NAME;

/// Pub/Sub holds a pull for 90 seconds at most; one that is silent for longer is given up.
const SILENCE: Duration = Duration::from_secs(100);

/// A pull that came back with nothing sooner than this is not repeated at once.
const QUICK: Duration = Duration::from_millis(500);

const YEAR: Duration = Duration::from_secs(86_400 * 365);

impl Place {
    /// Waits up to the end for the first messages, and gives them their leases.
    pub(super) async fn receive(place: &Arc<Self>, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        // Of an ordered queue one at a time: see the room's documentation.
        let max = if place.info.settings.ordered { 1 } else { options.max };
        let begun = Instant::now();
        // As long as can be told, where that is for ever.
        let end = begun.checked_add(options.wait).unwrap_or(begun + YEAR);
        loop {
            let came =
                if options.wait.is_zero() { place.look(max).await? } else { place.next(max, end).await? };
            let nothing_came = came.messages().is_empty();
            let ready = place.sift(came).await;
            if !ready.messages().is_empty() {
                return place.lease(ready, options.lease).await;
            }
            if nothing_came || Instant::now() >= end {
                return Ok(Vec::new());
            }
        }
    }

    /// What is there now.
    async fn look(self: &Arc<Self>, max: usize) -> Result<Unseen> {
        let due = self.held.take(max);
        let came = if due.is_empty() { self.start(max, true).await? } else { due };
        Ok(Unseen::new(self, came))
    }

    /// What comes first; nothing at the end.
    async fn next(self: &Arc<Self>, max: usize, end: Instant) -> Result<Unseen> {
        loop {
            let mut woken = pin!(self.held.woken());
            woken.as_mut().enable();
            let due = self.held.take(max);
            if !due.is_empty() {
                return Ok(Unseen::new(self, due));
            }
            let begun = Instant::now();
            let came = tokio::select! {
                biased;
                answer = self.poll(max) => answer?,
                () = woken => continue,
                () = sleep_until(end) => return Ok(Unseen::new(self, Vec::new())),
            };
            if !came.is_empty() {
                return Ok(Unseen::new(self, self.cut(came, max)));
            }
            if begun.elapsed() < QUICK {
                sleep(QUICK.min(end.saturating_duration_since(Instant::now()))).await;
            }
            if Instant::now() >= end {
                return Ok(Unseen::new(self, Vec::new()));
            }
        }
    }

    /// A pull that nobody waits for any more, or a new one.
    fn poll(self: &Arc<Self>, max: usize) -> impl Future<Output = Answer<Pulled>> {
        let left = self.polls.adopt(|()| true);
        async move {
            match left {
                Some(poll) => {
                    Waiting::new(&self.polls, poll, |unread| self.return_later(unread)).answer().await
                }
                None => self.start(max, false).await,
            }
        }
    }

    /// A new pull, in a task of its own.
    async fn start(self: &Arc<Self>, max: usize, at_once: bool) -> Answer<Pulled> {
        let poll = Poll::new(());
        let (place, told) = (Arc::clone(self), poll.answering());
        let waiting = Waiting::new(&self.polls, poll, |unread| self.return_later(unread));
        drop(tokio::spawn(async move {
            let brought = tokio::select! {
                brought = place.pull(max, at_once) => brought,
                // What it was just given comes again when the subscription's own deadline ends.
                () = place.abandoned() => return,
            };
            if let Some(Ok(unwanted)) = told.answer(brought) {
                place.give_back(unwanted).await;
            }
        }));
        waiting.answer().await
    }

    /// Waits until the last handle is gone: nobody can take a pull over then.
    async fn abandoned(&self) {
        let mut handles = self.handles.subscribe();
        drop(handles.wait_for(|count| *count == 0).await);
    }

    async fn pull(&self, max: usize, at_once: bool) -> Answer<Pulled> {
        let request = wire::PullRequest {
            subscription: self.subscription().await?,
            return_immediately: at_once,
            max_messages: i32::try_from(max).unwrap_or(i32::MAX),
        };
        let pulled = async {
            let call = Call::waiting(&self.connection, MOST_ANSWERED).await.map_err(of_status)?;
            call.unary(wire::PULL, request).await.map_err(of_status)
        };
        let answer: wire::PullResponse = answered(SILENCE, "Pub/Sub did not answer a pull", pulled)
            .await
            .map_err(|error| self.named(error.with_provider(NAME)))?;
        let pulled = answer.received_messages.into_iter().map(Pulled::new).collect::<Result<_>>();
        pulled.map_err(|error| self.named(error))
    }

    /// The first `max`. A pull that was taken over may have been for more: the others wait for the next receive.
    fn cut(self: &Arc<Self>, mut came: Vec<Pulled>, max: usize) -> Vec<Pulled> {
        if came.len() > max {
            let now = Instant::now();
            let more = came.split_off(max).into_iter().map(|pulled| (now, pulled)).collect();
            let without_room = self.keep(more);
            self.return_later(without_room.into_iter().map(|(_, pulled)| pulled).collect());
        }
        came
    }

    /// Keeps what is early and buries what is spent, before anybody sees it.
    async fn sift(self: &Arc<Self>, came: Unseen) -> Unseen {
        let now = self.info.clock.now();
        let (mut early, mut ready) = (Vec::new(), Vec::new());
        for mut pulled in came.take() {
            let delivery = &mut pulled.delivery;
            let counted = self.uncounted.attempt(&delivery.id, pulled.counted);
            delivery.attempt = counted.saturating_add(delivery.envelope.attempts_before());
            match pulled.due(self.info.limits.delay).filter(|due| *due > now) {
                Some(due) => early.push((self.info.clock.instant_at(due), pulled)),
                None => ready.push(pulled),
            }
        }
        let ready = Unseen::new(self, ready);
        self.hide(self.keep(early));
        let ready = self.bury_spent(ready).await;
        self.send_worn_anew(ready)
    }

    /// Sends anew what may have more attempts than Pub/Sub counts, before Pub/Sub takes it for dead: it comes again, and its attempts are
    /// counted on. Where it cannot be sent, it comes again by itself.
    fn send_worn_anew(self: &Arc<Self>, ready: Unseen) -> Unseen {
        let most = self.info.settings.max_attempts;
        if !self.counts_on || !ready.messages().iter().any(|pulled| is_worn(pulled.counted, most)) {
            return ready;
        }
        let (worn, ready): (Vec<_>, Vec<_>) =
            ready.take().into_iter().partition(|pulled| is_worn(pulled.counted, most));
        let place = Arc::clone(self);
        // It goes on where the receive is dropped.
        drop(tokio::spawn(async move { place.send_anew(worn).await }));
        Unseen::new(self, ready)
    }

    /// Hides what is early and cannot be kept; this counts as an attempt, unless it comes back to this process.
    fn hide(self: &Arc<Self>, early: Vec<(Instant, Pulled)>) {
        for (due, pulled) in early {
            self.uncounted.add(&pulled.delivery.id);
            let place = Arc::clone(self);
            drop(tokio::spawn(async move {
                let left = due.saturating_duration_since(Instant::now());
                for hidden in place.set_deadlines(vec![pulled.handle], left).await {
                    if let Err(error) = hidden {
                        let queue = &place.info.resource;
                        tracing::debug!(queue, %error, "a message that is not due comes again");
                    }
                }
            }));
        }
    }

    /// Sends away what has been delivered as often as it may be: a lease ran out, and nobody said so.
    async fn bury_spent(self: &Arc<Self>, ready: Unseen) -> Unseen {
        let declared = self.info.settings.max_attempts;
        if !ready.messages().iter().any(|pulled| pulled.delivery.attempt > declared) {
            return ready;
        }
        let Some(most) = self.attempts().await else { return ready };
        let (spent, ready): (Vec<_>, Vec<_>) =
            ready.take().into_iter().partition(|pulled| pulled.delivery.attempt > most);
        if !spent.is_empty() {
            let place = Arc::clone(self);
            // It goes on where the receive is dropped.
            drop(tokio::spawn(async move { place.bury_unseen(spent).await }));
        }
        Unseen::new(self, ready)
    }

    /// Gives messages their leases; those that get none go back.
    async fn lease(self: &Arc<Self>, ready: Unseen, lease: Duration) -> Result<Vec<RawDelivery>> {
        let handles = ready.messages().iter().map(|pulled| pulled.handle.clone()).collect();
        let leased = self.set_deadlines(handles, lease).await;
        // No later: Pub/Sub began to count before it answered.
        let ends = Instant::now() + lease;
        let (mut deliveries, mut back, mut failed) = (Vec::new(), Vec::new(), None);
        for (pulled, leased) in ready.take().into_iter().zip(leased) {
            match leased {
                Ok(()) => deliveries.push(self.delivery(pulled, ends)),
                Err(error) => {
                    failed = Some(error);
                    back.push(pulled);
                }
            }
        }
        self.return_later(back);
        match failed {
            Some(error) if deliveries.is_empty() => Err(error),
            _ => Ok(deliveries),
        }
    }

    /// What a message is to its receiver.
    fn delivery(&self, pulled: Pulled, ends: Instant) -> RawDelivery {
        let Pulled { handle, mut delivery, .. } = pulled;
        let settings = &self.info.settings;
        let mortal = self.dead.is_some();
        // Letters keep their groups, for their way back.
        delivery.group = delivery.group.filter(|_| settings.ordered || !mortal);
        if !mortal && delivery.envelope.reason().is_none() {
            delivery.envelope.set_reason(Some(SPENT));
        }
        let last = (mortal && delivery.attempt >= settings.max_attempts)
            .then(|| Last { attempt: delivery.attempt, message: delivery.to_message() });
        delivery.receipt = self.leases.hold(handle.as_str(), ends, last);
        delivery
    }
}
