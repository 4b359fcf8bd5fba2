//! A queue, whether it exists or not: takes the lock, looks at the clock, and wakes who waits.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, SystemTime};

use skyport_core::queue::port::{
    Depth, MessageId, OutMessage, QueueSettings, RawDelivery, Receipt, Settlement, Verdict,
};
use skyport_core::{Clock, Result};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::numbers::Numbers;
use super::receipt;
use super::state::{Extras, Letter, State};
use crate::error::Refusal;
use crate::faults::{Draw, Held};
use crate::sync::lock;

pub(crate) struct QueueCell {
    name: String,
    clock: Clock,
    numbers: Arc<AtomicU64>,
    state: Mutex<Option<State>>,
    /// Told to one waiting receive whenever there may be something for it, or an earlier time to wake at.
    arrivals: Notify,
    /// How many receives wait. Each counts itself before it looks under the lock, so that whoever changes something under
    /// the lock and counts none afterwards leaves nobody untold.
    waiting: AtomicUsize,
    /// Messages of receives that faults hold up on their way to the receiver. Such a one may be leased by nobody: one that
    /// comes twice.
    on_the_way: AtomicUsize,
    role: Role,
}

enum Role {
    Queue { dead: Arc<QueueCell> },
    DeadLetters { of: Weak<QueueCell> },
}

impl QueueCell {
    pub(crate) fn new(name: &str, clock: Clock, numbers: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new_cyclic(|this| {
            let dead = Self::with_role(
                format!("{name} dead letters"),
                clock,
                Arc::clone(&numbers),
                Role::DeadLetters { of: Weak::clone(this) },
            );
            let dead = Arc::new(dead);
            Self::with_role(name.to_owned(), clock, numbers, Role::Queue { dead })
        })
    }

    fn with_role(name: String, clock: Clock, numbers: Arc<AtomicU64>, role: Role) -> Self {
        let state = Mutex::new(None);
        Self {
            name,
            clock,
            numbers,
            state,
            arrivals: Notify::new(),
            waiting: AtomicUsize::new(0),
            on_the_way: AtomicUsize::new(0),
            role,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn dead_letters(&self) -> Option<&Arc<Self>> {
        match &self.role {
            Role::Queue { dead } => Some(dead),
            Role::DeadLetters { .. } => None,
        }
    }

    /// The attempts and the order that it was created with.
    pub(super) fn provisioned(&self) -> Option<(u32, bool)> {
        let state = lock(&self.state);
        state.as_ref().map(|state| (state.max_attempts, state.ordered))
    }

    pub(crate) fn create(&self, settings: &QueueSettings) -> Result<()> {
        let max_attempts = settings.max_attempts.max(1);
        let mut state = lock(&self.state);
        match state.as_mut() {
            Some(there) if there.ordered != settings.ordered => return Err(Refusal::OrderFixed.into()),
            Some(there) => there.max_attempts = max_attempts,
            None => {
                *state = Some(State::new(max_attempts, settings.ordered, Numbers::of(&self.numbers)));
            }
        }
        if let Some(dead) = self.dead_letters() {
            lock(&dead.state).get_or_insert_with(|| State::new(u32::MAX, false, Numbers::of(&self.numbers)));
        }
        Ok(())
    }

    pub(crate) fn remove(&self) {
        let removed = lock(&self.state).take();
        drop(removed);
        self.arrivals.notify_waiters();
        if let Some(dead) = self.dead_letters() {
            dead.remove();
        }
    }

    /// Tells one waiting receive, where there is one, that it has to look again.
    fn tell(&self) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.arrivals.notify_one();
        }
    }

    /// The queue as it is at `now`: leases and delays that are over have ended.
    #[inline(always)]
    fn at(&self, now: Instant) -> MutexGuard<'_, Option<State>> {
        if let Role::DeadLetters { of } = &self.role {
            self.settle_origin(of, now);
        }
        let mut guard = lock(&self.state);
        if let Some(state) = guard.as_mut()
            && state.is_due(now)
        {
            self.advance(state, now);
        }
        guard
    }

    #[cold]
    fn advance(&self, state: &mut State, now: Instant) {
        self.bury(state.advance(now));
    }

    /// A queue of dead letters gets those whose last lease has ended by now; says when the next may come.
    #[cold]
    fn settle_origin(&self, of: &Weak<Self>, now: Instant) -> Option<Instant> {
        let origin = of.upgrade()?;
        let guard = origin.at(now);
        let state = guard.as_ref()?;
        if state.has_ready() {
            origin.tell();
        }
        state.next_due()
    }

    /// Moves letters to the dead letters. Locks are taken in this order only: a queue's, then its dead letters'.
    fn bury(&self, letters: impl IntoIterator<Item = Letter>) {
        let mut letters = letters.into_iter().peekable();
        let Some(dead) = self.dead_letters().filter(|_| letters.peek().is_some()) else {
            return;
        };
        if let Some(state) = lock(&dead.state).as_mut() {
            for Letter { mut body, sent_at, extras } in letters {
                state.push(&mut body, sent_at, extras, None);
            }
        }
        dead.tell();
    }

    #[inline]
    pub(crate) fn send(&self, messages: impl IntoIterator<Item = OutMessage>) -> Vec<Result<MessageId>> {
        let sent_at = self.clock.now();
        let mut guard = lock(&self.state);
        let send = |mut message| {
            let state = guard.as_mut().ok_or(Refusal::NoQueue)?;
            send_one(state, &mut message, sent_at)
        };
        let sent = messages.into_iter().map(send).collect();
        drop(guard);
        self.tell();
        sent
    }

    #[inline]
    pub(super) fn receive_now(&self, max: usize, lease: Duration) -> Result<Vec<RawDelivery>> {
        let now = Instant::now();
        let mut guard = self.at(now);
        let state = guard.as_mut().ok_or(Refusal::NoQueue)?;
        let taken = state.take(max, later(now, lease));
        let more = state.has_ready();
        let last_attempts = taken.iter().any(|delivery| delivery.attempt >= state.max_attempts);
        drop(guard);
        if more {
            self.tell();
        }
        if last_attempts {
            self.tell_dead_letters();
        }
        Ok(taken)
    }

    /// A lease on a last attempt was given or moved: who waits for dead letters has a new time to wake at.
    fn tell_dead_letters(&self) {
        if let Some(dead) = self.dead_letters() {
            dead.tell();
        }
    }

    /// Waits for the first message. Nothing is leased before the future is ready: dropping it loses nothing.
    pub(super) async fn receive_waiting(
        &self,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<RawDelivery>> {
        let deadline = later(Instant::now(), wait);
        let _hand_over = HandOver::new(self);
        loop {
            let arrival = self.arrivals.notified();
            let taken = self.receive_now(max, lease)?;
            if !taken.is_empty() || Instant::now() >= deadline {
                return Ok(taken);
            }
            let until = self.next_due().map_or(deadline, |due| due.min(deadline));
            match tokio::time::timeout_at(until, arrival).await {
                // Told, or a lease, a delay or the wait is over: look again.
                Ok(()) | Err(_) => {}
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let origin = match &self.role {
            Role::Queue { .. } => None,
            Role::DeadLetters { of } => self.settle_origin(of, Instant::now()),
        };
        let ours = lock(&self.state).as_ref().and_then(State::next_due);
        origin.into_iter().chain(ours).min()
    }

    pub(super) fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<()> {
        let (slot, delivery) = receipt::read(receipt)?;
        let now = Instant::now();
        let mut guard = self.at(now);
        let state = guard.as_mut().ok_or(Refusal::NoQueue)?;
        if !state.is_leased(slot, delivery) {
            return Err(Refusal::NotLeased.into());
        }
        state.extend(slot, later(now, lease));
        drop(guard);
        // It may end sooner than before.
        self.tell();
        self.tell_dead_letters();
        Ok(())
    }

    pub(super) fn settle(&self, settlements: impl IntoIterator<Item = Settlement>) -> Vec<Result<()>> {
        let now = Instant::now();
        let mut guard = self.at(now);
        let mut changed = false;
        let settle = |settlement: Settlement| {
            let state = guard.as_mut().ok_or(Refusal::NoQueue)?;
            if matches!(settlement.verdict, Verdict::Ack) {
                return acknowledge(state, &settlement.receipt);
            }
            changed = true;
            self.settle_otherwise(state, &settlement, now)
        };
        let settled = settlements.into_iter().map(settle).collect();
        changed |= guard.as_ref().is_some_and(State::has_ready);
        drop(guard);
        if changed {
            self.tell();
        }
        settled
    }

    #[inline(never)]
    fn settle_otherwise(&self, state: &mut State, settlement: &Settlement, now: Instant) -> Result<()> {
        let (slot, delivery) = receipt::read(&settlement.receipt)?;
        if !state.is_leased(slot, delivery) {
            return Err(Refusal::NotLeased.into());
        }
        match &settlement.verdict {
            Verdict::Retry(after) => {
                let due = (!after.is_zero()).then(|| later(now, *after));
                self.bury(state.give_back(slot, due));
            }
            Verdict::DeadLetter { reason, .. } => {
                self.dead_letters().ok_or(Refusal::NoDeadLetters)?;
                let letter = state.finish(slot).map(|mut letter| {
                    letter.set_reason(reason);
                    letter
                });
                self.bury(letter);
            }
            _ => return Err(Refusal::UnknownVerdict.into()),
        }
        Ok(())
    }

    /// Makes deliveries once more, `after` so long.
    pub(crate) fn echo(&self, deliveries: Vec<RawDelivery>, after: Duration) {
        let due = later(Instant::now(), after);
        if let Some(state) = lock(&self.state).as_mut() {
            state.echo(deliveries, due);
        }
        self.tell();
    }

    /// Delivers now what was to be delivered once more.
    pub(crate) fn let_echoes_go(&self) {
        if let Some(state) = lock(&self.state).as_mut() {
            state.let_echoes_go();
        }
        self.tell();
    }

    /// Counts so many messages as on their way, until the result is dropped.
    pub(crate) fn on_the_way(&self, messages: usize) -> OnTheWay<'_> {
        self.on_the_way.fetch_add(messages, Ordering::AcqRel);
        OnTheWay { cell: self, messages }
    }

    /// Puts what is ready in another order.
    pub(crate) fn shuffle(&self, draw: Draw) {
        if let Some(state) = lock(&self.state).as_mut() {
            state.shuffle(draw);
        }
    }

    /// Whoever holds this delivery has crashed: it can no longer be settled or extended, and its lease ends by itself.
    pub(crate) fn abandon(&self, held: &Held) {
        if let Some(state) = lock(&self.state).as_mut() {
            state.abandon(held);
        }
        if let Some(dead) = self.dead_letters() {
            dead.abandon(held);
        }
    }

    pub(super) fn depth(&self) -> Result<Depth> {
        let guard = self.at(Instant::now());
        let state = guard.as_ref().ok_or(Refusal::NoQueue)?;
        let (mut depth, ready) = (state.depth(), state.has_ready());
        drop(guard);
        // Most of them are leased, and counted already.
        depth.in_flight = depth.in_flight.max(self.on_the_way.load(Ordering::Acquire) as u64);
        if ready {
            self.tell();
        }
        Ok(depth)
    }
}

impl fmt::Debug for QueueCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueCell").field(&self.name).finish()
    }
}

/// Messages on their way to a receiver.
pub(crate) struct OnTheWay<'a> {
    cell: &'a QueueCell,
    messages: usize,
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.cell.on_the_way.fetch_sub(self.messages, Ordering::AcqRel);
    }
}

/// A receive that stops waiting, for whatever reason, hands over to another: it may have been the only one that knew of
/// the next time to wake at.
struct HandOver<'a>(&'a QueueCell);

impl<'a> HandOver<'a> {
    fn new(cell: &'a QueueCell) -> Self {
        cell.waiting.fetch_add(1, Ordering::AcqRel);
        Self(cell)
    }
}

impl Drop for HandOver<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
        self.0.tell();
    }
}

#[inline(always)]
fn send_one(state: &mut State, message: &mut OutMessage, sent_at: SystemTime) -> Result<MessageId> {
    let delay = message.delay.filter(|delay| !delay.is_zero());
    if delay.is_some() && state.ordered {
        return Err(Refusal::DelayInOrder.into());
    }
    let due = delay.map(|delay| later(Instant::now(), delay));
    let extras = Extras::of(message);
    let Some(dedupe_id) = message.dedupe_id.take() else {
        return Ok(state.push(&mut message.body, sent_at, extras, due));
    };
    let now = Instant::now();
    if let Some(first) = state.dedupe.find(&dedupe_id, now) {
        return Ok(first);
    }
    let id = state.push(&mut message.body, sent_at, extras, due);
    state.dedupe.record(dedupe_id, id.clone(), now);
    Ok(id)
}

#[inline(always)]
fn acknowledge(state: &mut State, receipt: &Receipt) -> Result<()> {
    let (slot, delivery) = receipt::read(receipt)?;
    if state.forget(slot, delivery) { Ok(()) } else { Err(Refusal::NotLeased.into()) }
}

/// `now` and so much more, held to what can be told.
fn later(now: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365);
    now.checked_add(by).unwrap_or_else(|| now + FAR)
}
