//! The messages of a queue and where each stands. No clock, no lock, no waiting: all of that is the cell's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;
use std::{iter, mem};

use bytes::Bytes;
use skyport_core::Sparse;
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{Attributes, Depth, MessageId, OutMessage, RawDelivery};
use tokio::time::Instant;

use super::dedupe::Dedupe;
use super::echoes::Echoes;
use super::groups::Groups;
use super::numbers::Numbers;
use super::receipt::{self, Slot};
use super::timers::Timers;
use crate::faults::{Draw, Held, Named};

/// The reason of a letter whose attempts were spent.
const SPENT: &str = "attempts";

/// A message that is kept. Small: most have a body and nothing else.
struct Stored {
    number: u64,
    /// The parts of its letter, of which each is put where it stays: moved as one they would cost more.
    body: Option<Bytes>,
    sent_at: SystemTime,
    extras: Option<Box<Extras>>,
    /// Its group, where order counts.
    group: Option<Arc<str>>,
    attempts: u32,
    phase: Phase,
}

/// What outlives a stored message: it may go on to the dead letters.
pub(super) struct Letter {
    pub(super) body: Bytes,
    pub(super) sent_at: SystemTime,
    pub(super) extras: Option<Box<Extras>>,
}

/// What most messages do without.
#[derive(Default)]
pub(super) struct Extras {
    attributes: Sparse<Attributes>,
    envelope: Sparse<Envelope>,
    group: Option<String>,
}

impl Extras {
    /// What a message has of them; it is left without.
    #[inline(always)]
    pub(super) fn of(message: &mut OutMessage) -> Option<Box<Self>> {
        let plain = message.group.is_none() && message.attributes.is_empty() && message.envelope.is_empty();
        (!plain).then(|| {
            Box::new(Self {
                attributes: mem::take(&mut message.attributes),
                envelope: mem::take(&mut message.envelope),
                group: message.group.take(),
            })
        })
    }

    /// Apart from the rest of a delivery, for most have none: that is then put in its place as it is made.
    #[inline(never)]
    fn tell(&self, raw: &mut RawDelivery) {
        raw.attributes = self.attributes.clone();
        raw.envelope = self.envelope.clone();
        raw.group = self.group.clone();
    }
}

impl Letter {
    pub(super) fn set_reason(&mut self, reason: &str) {
        let extras = self.extras.get_or_insert_default();
        extras.envelope.set_reason(Some(reason));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no message: the place is free.
    Vacant,
    Ready,
    Delayed(Instant),
    Leased {
        until: Instant,
        delivery: u64,
    },
}

impl Phase {
    /// Whether this delivery is what it is leased for.
    #[inline]
    fn is_lease(self, delivery: u64) -> bool {
        matches!(self, Self::Leased { delivery: theirs, .. } if theirs == delivery)
    }

    /// When it ends by itself.
    fn end(self) -> Option<Instant> {
        match self {
            Self::Vacant | Self::Ready => None,
            Self::Delayed(due) => Some(due),
            Self::Leased { until, .. } => Some(until),
        }
    }
}

/// Who is next.
enum Turn {
    Message(Slot),
    Group(Arc<str>),
}

pub(super) struct State {
    pub(super) max_attempts: u32,
    pub(super) ordered: bool,
    pub(super) dedupe: Dedupe,
    numbers: Numbers,
    slots: Vec<Stored>,
    free: Vec<Slot>,
    ready: VecDeque<Turn>,
    /// The ends of leases and delays.
    timers: Timers,
    groups: Groups,
    in_flight: u64,
    delayed: u64,
    /// Duplicates that a fault makes; mostly there are none.
    echoes: Option<Box<Echoes>>,
}

impl State {
    pub(super) fn new(max_attempts: u32, ordered: bool, numbers: Numbers) -> Self {
        Self {
            max_attempts,
            ordered,
            dedupe: Dedupe::default(),
            numbers,
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            timers: Timers::default(),
            groups: Groups::default(),
            in_flight: 0,
            delayed: 0,
            echoes: None,
        }
    }

    /// When the next lease or delay ends, or the next duplicate comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let ends = self.timers.first().map(|(due, _)| due);
        let echo = self.echoes.as_ref().and_then(|echoes| echoes.next_due());
        ends.into_iter().chain(echo).min()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.echoes.as_ref().is_some_and(|echoes| echoes.ready() > 0)
    }

    pub(super) fn depth(&self) -> Depth {
        let all = (self.slots.len() - self.free.len()) as u64;
        let mut depth = Depth::default();
        depth.in_flight = self.in_flight;
        depth.delayed = self.delayed;
        depth.ready = all - self.in_flight - self.delayed;
        if let Some(echoes) = &self.echoes {
            depth.ready += echoes.ready();
            depth.delayed += echoes.waiting();
        }
        depth
    }

    /// Adds a message, to be received from `due` on; its id. The body is taken from where it is.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        body: &mut Bytes,
        sent_at: SystemTime,
        extras: Option<Box<Extras>>,
        due: Option<Instant>,
    ) -> MessageId {
        let group = extras.as_ref().and_then(|extras| extras.group.as_deref());
        let group: Option<Arc<str>> = group.filter(|_| self.ordered).map(Arc::from);
        let number = self.numbers.take();
        let slot = self.vacancy();
        if let Some(stored) = self.slots.get_mut(slot as usize) {
            stored.number = number;
            stored.body = Some(mem::take(body));
            stored.sent_at = sent_at;
            stored.extras = extras;
            stored.group.clone_from(&group);
            stored.attempts = 0;
            stored.phase = Phase::Ready;
        }
        if let Some(name) = &group {
            self.groups.push(name, slot);
        }
        match due {
            Some(due) => self.delay(slot, due),
            None => self.line_up(slot, group.as_ref()),
        }
        MessageId::of_number(number)
    }

    /// A place for a message.
    #[inline(always)]
    fn vacancy(&mut self) -> Slot {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        self.slots.push(Stored {
            number: 0,
            body: None,
            sent_at: SystemTime::UNIX_EPOCH,
            extras: None,
            group: None,
            attempts: 0,
            phase: Phase::Vacant,
        });
        (self.slots.len() - 1) as Slot
    }

    #[inline]
    fn stored(&mut self, slot: Slot) -> Option<&mut Stored> {
        self.slots.get_mut(slot as usize).filter(|stored| stored.phase != Phase::Vacant)
    }

    fn delay(&mut self, slot: Slot, due: Instant) {
        if let Some(stored) = self.stored(slot) {
            stored.phase = Phase::Delayed(due);
            self.timers.add(due, slot);
            self.delayed += 1;
        }
    }

    /// Puts a ready message in the line, or its group where that is free.
    fn line_up(&mut self, slot: Slot, group: Option<&Arc<str>>) {
        match group {
            None => self.ready.push_back(Turn::Message(slot)),
            Some(name) => self.line_up_group(name),
        }
    }

    fn line_up_group(&mut self, name: &Arc<str>) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let Some(&head) = group.messages.front() else {
            return;
        };
        let free = group.in_flight == 0 && !group.listed;
        let head_ready = self.slots.get(head as usize).is_some_and(|stored| stored.phase == Phase::Ready);
        if free && head_ready {
            group.listed = true;
            self.ready.push_back(Turn::Group(Arc::clone(name)));
        }
    }

    /// Whether a lease or a delay is over, or a duplicate is to come.
    #[inline(always)]
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.timers.is_due(now) || self.echoes.as_ref().is_some_and(|echoes| echoes.is_due(now))
    }

    /// Ends the leases and delays that are over; gives back the messages whose attempts are spent.
    pub(super) fn advance(&mut self, now: Instant) -> Vec<Letter> {
        if let Some(echoes) = &mut self.echoes {
            echoes.advance(now);
        }
        let mut spent = Vec::new();
        while let Some((_, slot)) = self.timers.first().filter(|(due, _)| *due <= now) {
            match self.stored(slot).map(|stored| stored.phase) {
                Some(Phase::Leased { .. }) => spent.extend(self.give_back(slot, None)),
                Some(Phase::Delayed(_)) => self.end_delay(slot),
                Some(Phase::Vacant | Phase::Ready) | None => self.timer_over(),
            }
        }
        spent
    }

    fn end_delay(&mut self, slot: Slot) {
        self.delayed -= 1;
        if let Some(stored) = self.stored(slot) {
            stored.phase = Phase::Ready;
            let group = stored.group.clone();
            self.line_up(slot, group.as_ref());
        }
        self.timer_over();
    }

    /// A message has left the phase that its timer was to end.
    #[inline]
    fn timer_over(&mut self) {
        let slots = &self.slots;
        self.timers
            .tidy(|due, slot| slots.get(slot as usize).is_some_and(|stored| stored.phase.end() == Some(due)));
    }

    /// Leases up to `max` messages until `until`.
    #[inline(always)]
    pub(super) fn take(&mut self, max: usize, until: Instant) -> Vec<RawDelivery> {
        // A turn of a group may give several.
        let mut taken = Vec::with_capacity(self.ready.len().min(max));
        while taken.len() < max {
            match self.ready.pop_front() {
                None => break,
                Some(Turn::Message(slot)) => {
                    self.deliver(slot, until, &mut taken);
                }
                Some(Turn::Group(name)) => self.take_group(&name, max, until, &mut taken),
            }
        }
        if let Some(echoes) = &mut self.echoes {
            echoes.take(max, &mut taken);
        }
        taken
    }

    /// Makes deliveries once more, from `due` on.
    pub(super) fn echo(&mut self, deliveries: Vec<RawDelivery>, due: Instant) {
        let echoes = self.echoes.get_or_insert_default();
        for delivery in deliveries {
            echoes.add(delivery, due);
        }
    }

    /// Delivers now what was to be delivered once more.
    pub(super) fn let_echoes_go(&mut self) {
        if let Some(echoes) = &mut self.echoes {
            echoes.let_go();
        }
    }

    /// Puts what is ready in another order. Not on an ordered queue.
    pub(super) fn shuffle(&mut self, draw: Draw) {
        if !self.ordered {
            draw.shuffle(self.ready.make_contiguous());
        }
    }

    /// Whoever holds this delivery has crashed: nothing settles it any more, and its lease ends by itself. Another delivery of its
    /// message is left to whom it has gone to.
    pub(super) fn abandon(&mut self, held: &Held) {
        let theirs = match &held.0 {
            Named::Receipt(receipt) => receipt::read(receipt).ok().and_then(|(slot, delivery)| {
                self.slots.get_mut(slot as usize).filter(|stored| stored.phase.is_lease(delivery))
            }),
            Named::Attempt(id, attempt) => self
                .slots
                .iter_mut()
                .find(|stored| stored.attempts == *attempt && MessageId::of_number(stored.number) == *id),
        };
        if let Some(Phase::Leased { delivery, .. }) = theirs.map(|stored| &mut stored.phase) {
            // One that no receipt names.
            *delivery = self.numbers.take();
        }
    }

    fn take_group(&mut self, name: &str, max: usize, until: Instant, taken: &mut Vec<RawDelivery>) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        group.listed = false;
        let slots: Vec<Slot> = group.messages.iter().copied().take(max - taken.len()).collect();
        let before = taken.len();
        for slot in slots {
            if !self.deliver(slot, until, taken) {
                // A message in its backoff: those behind it wait for it.
                break;
            }
        }
        let handed_out = taken.len() - before;
        if let Some(group) = self.groups.get_mut(name) {
            group.in_flight = handed_out;
        }
    }

    /// Leases a message and adds it to what was taken, if it is ready.
    #[inline(always)]
    fn deliver(&mut self, slot: Slot, until: Instant, taken: &mut Vec<RawDelivery>) -> bool {
        let stored = self.slots.get_mut(slot as usize);
        let Some(stored) = stored.filter(|stored| stored.phase == Phase::Ready) else {
            return false;
        };
        // Early, for it takes some time until it can be moved on.
        let Some(body) = stored.body.clone() else { return false };
        let delivery = self.numbers.take();
        stored.attempts = stored.attempts.saturating_add(1);
        stored.phase = Phase::Leased { until, delivery };
        self.timers.add(until, slot);
        self.in_flight += 1;
        let (number, attempt, sent_at) = (stored.number, stored.attempts, stored.sent_at);
        // Made where it stays: elsewhere, and then moved, it would cost more.
        taken.extend(iter::once_with(|| {
            let (id, receipt) = (MessageId::of_number(number), receipt::write(slot, delivery));
            let mut raw = RawDelivery::new(id, Bytes::new(), receipt, sent_at);
            raw.attempt = attempt;
            raw
        }));
        if let Some(raw) = taken.last_mut() {
            raw.body = body;
            if let Some(extras) = &stored.extras {
                extras.tell(raw);
            }
        }
        true
    }

    /// Whether this delivery is leased still; expired leases were ended before.
    pub(super) fn is_leased(&self, slot: Slot, delivery: u64) -> bool {
        self.slots.get(slot as usize).is_some_and(|stored| stored.phase.is_lease(delivery))
    }

    /// Lets a lease end at another time.
    pub(super) fn extend(&mut self, slot: Slot, end: Instant) {
        let Some(stored) = self.stored(slot) else { return };
        if let Phase::Leased { until, .. } = &mut stored.phase {
            *until = end;
            self.timers.add(end, slot);
            self.timer_over();
        }
    }

    /// Ends a lease, without saying what becomes of the message.
    fn unlease(&mut self, slot: Slot) -> bool {
        let Some(stored) = self.stored(slot) else {
            return false;
        };
        if !matches!(stored.phase, Phase::Leased { .. }) {
            return false;
        }
        stored.phase = Phase::Ready;
        self.timer_over();
        self.in_flight -= 1;
        true
    }

    /// Takes a leased message out: it goes elsewhere.
    pub(super) fn finish(&mut self, slot: Slot) -> Option<Letter> {
        self.unlease(slot);
        let stored = self.stored(slot)?;
        stored.phase = Phase::Vacant;
        let Stored { body, sent_at, extras, group, .. } = stored;
        let (extras, group) = (extras.take(), group.take());
        let letter = body.take().map(|body| Letter { body, sent_at: *sent_at, extras });
        self.vacate(slot, group);
        letter
    }

    /// Takes a leased message out: it is done. Dropped where it lies. False where this delivery is not leased.
    #[inline(always)]
    pub(super) fn forget(&mut self, slot: Slot, delivery: u64) -> bool {
        let stored = self.slots.get_mut(slot as usize);
        let Some(stored) = stored.filter(|stored| stored.phase.is_lease(delivery)) else {
            return false;
        };
        stored.phase = Phase::Vacant;
        stored.body = None;
        stored.extras = None;
        let group = stored.group.take();
        self.in_flight -= 1;
        self.timer_over();
        self.vacate(slot, group);
        true
    }

    /// The place of a message that was taken out is free, and its group goes on without it.
    #[inline]
    fn vacate(&mut self, slot: Slot, group: Option<Arc<str>>) {
        self.free.push(slot);
        if let Some(name) = &group {
            if let Some(group) = self.groups.get_mut(name) {
                group.in_flight = group.in_flight.saturating_sub(1);
            }
            self.groups.remove(name, slot);
            self.line_up_group(name);
        }
    }

    /// Returns a leased message to the queue, from `due` on; gives it back where its attempts are spent.
    pub(super) fn give_back(&mut self, slot: Slot, due: Option<Instant>) -> Option<Letter> {
        let max_attempts = self.max_attempts;
        let stored = self.stored(slot)?;
        let spent = stored.attempts >= max_attempts;
        let group = stored.group.clone();
        if let Some(name) = &group {
            self.return_later_ones(name, slot);
        }
        if spent {
            let mut letter = self.finish(slot)?;
            letter.set_reason(SPENT);
            return Some(letter);
        }
        self.unlease(slot);
        if let Some(group) = group.as_ref().and_then(|name| self.groups.get_mut(name)) {
            group.in_flight = group.in_flight.saturating_sub(1);
        }
        match due {
            Some(due) => self.delay(slot, due),
            None => self.line_up(slot, group.as_ref()),
        }
        if let Some(name) = &group {
            self.line_up_group(name);
        }
        None
    }

    /// Ends the leases behind a message that returns, so that its group stays in order. They do not count as attempts:
    /// the messages did not fail.
    fn return_later_ones(&mut self, name: &str, slot: Slot) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let (Some(at), in_flight) = (group.position(slot), group.in_flight) else {
            return;
        };
        let later: Vec<Slot> = group.messages.iter().copied().take(in_flight).skip(at + 1).collect();
        let mut returned = 0;
        for slot in later {
            if self.unlease(slot) {
                returned += 1;
                if let Some(stored) = self.stored(slot) {
                    stored.attempts = stored.attempts.saturating_sub(1);
                }
            }
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.in_flight = group.in_flight.saturating_sub(returned);
        }
    }
}
