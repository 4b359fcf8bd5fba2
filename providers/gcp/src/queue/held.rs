//! Messages that this process keeps: those that are not due yet, and those that are and that no receive has taken so far.
//!
//! Their deadlines are prolonged for as long as they are far from due. If the process dies, they come again when those end. No
//! prolongation is under way when a message is handed out: it would overwrite the lease.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skyport_core::queue::port::bytes_of;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep_until, timeout};

use super::Place;
use super::ack_id::AckId;
use super::pulled::{Pulled, Unseen};

/// The most messages that are kept, and the most bytes of their bodies and attributes.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 32 << 20;

/// The deadline of what is kept, and how often it is set anew.
const DEADLINE: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(20);

/// What is due so soon has time enough.
const SOON: Duration = Duration::from_secs(30);

/// How long a call that sets deadlines may take; less than [`SOON`].
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long a message that is due waits for a receive, before others may have it.
const LINGER: Duration = Duration::from_secs(5);

/// What is kept for one queue.
#[derive(Default)]
pub(super) struct Held {
    inner: Mutex<Inner>,
    /// Something is due: for receives that wait.
    due: Notify,
    /// Something is to be kept: for the keeper.
    more: Notify,
}

#[derive(Default)]
struct Inner {
    /// By when they are due, and a number.
    early: BTreeMap<(Instant, u64), Pulled>,
    /// With the end of their waiting.
    due: VecDeque<(Instant, Pulled)>,
    /// Of all that is kept, and of what is about to be.
    count: usize,
    bytes: usize,
    number: u64,
    has_keeper: bool,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Woken once something is due; to be enabled before [`take`](Self::take).
    pub(super) fn woken(&self) -> Notified<'_> {
        self.due.notified()
    }

    /// Up to `max` messages that are due.
    pub(super) fn take(&self, max: usize) -> Vec<Pulled> {
        let mut inner = self.lock();
        let count = max.min(inner.due.len());
        inner.release(count)
    }
}

fn size(pulled: &Pulled) -> usize {
    pulled.delivery.body.len() + bytes_of(&pulled.delivery.attributes)
}

/// Room that was made for messages which are about to be kept; dropped before they are, it is given back.
struct Room<'h> {
    held: &'h Held,
    count: usize,
    bytes: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut inner = self.held.lock();
        inner.count -= self.count;
        inner.bytes -= self.bytes;
    }
}

/// The keeper at its work. Where it is ended before that is over, as by a runtime that ends, all that is kept is let go: it comes
/// again when the deadlines end, and the next that is to be kept finds another keeper.
struct Keeping<'h> {
    held: &'h Held,
    is_over: bool,
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.held.lock().let_go();
        }
    }
}

impl Inner {
    /// Makes room for a message; false where there is none.
    fn admit(&mut self, pulled: &Pulled) -> bool {
        let fits = self.count < MOST && self.bytes + size(pulled) <= MOST_BYTES;
        if fits {
            self.count += 1;
            self.bytes += size(pulled);
        }
        fits
    }

    /// Keeps a message that was admitted.
    fn keep(&mut self, mut pulled: Pulled, due: Instant) {
        pulled.detach();
        self.number += 1;
        self.early.insert((due, self.number), pulled);
    }

    /// Moves on what is due; whether there is any.
    fn ripen(&mut self, now: Instant) -> bool {
        let before = self.due.len();
        while self.early.first_key_value().is_some_and(|((due, _), _)| *due <= now) {
            self.due.extend(self.early.pop_first().map(|(_, pulled)| (now + LINGER, pulled)));
        }
        self.due.len() > before
    }

    /// What nobody took.
    fn overdue(&mut self, now: Instant) -> Vec<Pulled> {
        let count = self.due.iter().take_while(|(end, _)| *end <= now).count();
        self.release(count)
    }

    /// The first so many that are due.
    fn release(&mut self, count: usize) -> Vec<Pulled> {
        let released: Vec<Pulled> = self.due.drain(..count).map(|(_, pulled)| pulled).collect();
        self.count -= released.len();
        self.bytes -= released.iter().map(size).sum::<usize>();
        released
    }

    /// Forgets all that is kept.
    fn let_go(&mut self) {
        let early = std::mem::take(&mut self.early).into_values();
        let due = std::mem::take(&mut self.due).into_iter().map(|(_, pulled)| pulled);
        for pulled in early.chain(due) {
            self.count -= 1;
            self.bytes -= size(&pulled);
        }
        self.has_keeper = false;
    }

    /// The ids of what is far from due.
    fn far(&self, now: Instant) -> Vec<AckId> {
        self.early.range((now + SOON, 0)..).map(|(_, pulled)| pulled.handle.clone()).collect()
    }

    /// When there is next something to do; `None` where nothing is left.
    fn next(&self) -> Option<Instant> {
        let early = self.early.first_key_value().map(|((due, _), _)| *due);
        early.into_iter().chain(self.due.front().map(|(end, _)| *end)).min()
    }
}

impl Place {
    /// Keeps messages until they are due. Gives back those for which there is no room.
    pub(super) fn keep(self: &Arc<Self>, early: Vec<(Instant, Pulled)>) -> Vec<(Instant, Pulled)> {
        let (admitted, without_room): (Vec<_>, Vec<_>) = {
            let mut inner = self.held.lock();
            early.into_iter().partition(|(_, pulled)| inner.admit(pulled))
        };
        if !admitted.is_empty() {
            drop(tokio::spawn(Arc::clone(self).take_in(admitted)));
        }
        without_room
    }

    async fn take_in(self: Arc<Self>, admitted: Vec<(Instant, Pulled)>) {
        let (due, messages): (Vec<Instant>, Vec<Pulled>) = admitted.into_iter().unzip();
        let (count, bytes) = (messages.len(), messages.iter().map(size).sum());
        let mut room = Room { held: &self.held, count, bytes };
        let unseen = Unseen::new(&self, messages);
        let handles = unseen.messages().iter().map(|pulled| pulled.handle.clone()).collect();
        self.prolong(handles).await;
        let is_first = {
            let mut inner = self.held.lock();
            for (due, pulled) in due.into_iter().zip(unseen.take()) {
                inner.keep(pulled, due);
            }
            // What is kept has it now.
            (room.count, room.bytes) = (0, 0);
            !std::mem::replace(&mut inner.has_keeper, true)
        };
        drop(room);
        self.held.more.notify_one();
        if is_first {
            keeper(self).await;
        }
    }

    /// Sets the deadlines of what is kept.
    async fn prolong(&self, handles: Vec<AckId>) {
        let queue = &self.info.resource;
        match timeout(PATIENCE, self.set_deadlines(handles, DEADLINE)).await {
            Ok(set) => {
                if let Some(Err(error)) = set.into_iter().find(Result::is_err) {
                    tracing::debug!(queue, %error, "a message that is kept may also come to others");
                }
            }
            Err(_) => {
                tracing::debug!(queue, "Pub/Sub is silent; messages that are kept may also come to others")
            }
        }
    }
}

/// Hands over what is due, prolongs what is not, until nothing is left.
async fn keeper(place: Arc<Place>) {
    let mut renew_at = Instant::now() + RENEWED;
    let mut keeping = Keeping { held: &place.held, is_over: false };
    loop {
        let mut more = pin!(place.held.more.notified());
        more.as_mut().enable();
        let now = Instant::now();
        let (is_ripe, overdue, far, next) = {
            let mut inner = place.held.lock();
            let (is_ripe, overdue) = (inner.ripen(now), inner.overdue(now));
            let far = if now >= renew_at { inner.far(now) } else { Vec::new() };
            let next = inner.next();
            inner.has_keeper = next.is_some();
            keeping.is_over = next.is_none();
            (is_ripe, overdue, far, next)
        };
        if now >= renew_at {
            renew_at = now + RENEWED;
        }
        if is_ripe {
            place.held.due.notify_waiters();
        }
        if !far.is_empty() {
            let place = Arc::clone(&place);
            drop(tokio::spawn(async move { place.prolong(far).await }));
        }
        place.return_later(overdue);
        let Some(next) = next else { return };
        tokio::select! {
            () = &mut more => {}
            () = sleep_until(next.min(renew_at)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::pubsub::{Received, ReceivedMessage};

    fn pulled(id: &'static str, bytes: usize) -> Pulled {
        let message = Received { message_id: id.into(), data: vec![0; bytes].into(), ..Default::default() };
        let received = ReceivedMessage { ack_id: id.into(), message: Some(message), delivery_attempt: 1 };
        Pulled::new(received).expect("a message")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_early_ripens_in_order_and_what_nobody_takes_goes_back() {
        let held = Held::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for (id, due) in [("later", second * 2), ("soon", second), ("far", second * 60)] {
            let message = pulled(id, 10);
            assert!(held.lock().admit(&message));
            held.lock().keep(message, now + due);
        }
        assert!(!held.lock().ripen(now));
        assert_eq!(held.lock().next(), Some(now + second));
        assert!(held.lock().ripen(now + second * 2));
        let taken = held.take(1);
        assert_eq!(taken.iter().map(|pulled| pulled.handle.as_str()).collect::<Vec<_>>(), ["soon"]);
        let end = now + second * 2 + LINGER;
        assert!(held.lock().overdue(end - second).is_empty());
        assert_eq!(held.lock().overdue(end).len(), 1);
        let inner = held.lock();
        assert_eq!((inner.count, inner.bytes, inner.far(now)), (1, 10, vec!["far".to_owned().into()]));
        assert!(inner.far(now + second * 31).is_empty(), "it is due soon");
    }

    #[test]
    fn how_much_is_kept_is_bounded() {
        let mut inner = Inner::default();
        for _ in 0..MOST {
            assert!(inner.admit(&pulled("x", 1)));
        }
        assert!(!inner.admit(&pulled("x", 1)));
        let mut inner = Inner::default();
        assert!(inner.admit(&pulled("x", MOST_BYTES)) && inner.admit(&pulled("y", 0)));
        assert!(!inner.admit(&pulled("y", 1)));
    }

    #[test]
    fn attributes_are_counted_with_the_bodies() {
        let mut inner = Inner::default();
        let mut message = pulled("x", 10);
        message.delivery.attributes.insert("name".into(), "value".into());
        assert!(inner.admit(&message));
        inner.keep(message, Instant::now());
        assert_eq!((inner.count, inner.bytes), (1, 19));
        inner.let_go();
        assert_eq!((inner.count, inner.bytes), (0, 0));
    }
}
