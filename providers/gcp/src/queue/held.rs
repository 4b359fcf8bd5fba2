//! Messages that this process keeps: those that are not due yet, and those that are and that no receive has taken so far.
//!
//! A keeper prolongs their deadlines for as long as there are any. If the process dies, they come again when those end.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle as Runtime;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep_until};

use super::Place;
use super::pulled::Pulled;

/// The most messages that are kept, and the most bytes of their bodies.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 32 << 20;

/// The deadline of what is kept, and how often it is set anew.
const DEADLINE: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(20);

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
    /// The ids of those whose deadline was not set yet.
    fresh: Vec<String>,
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
        let taken: Vec<Pulled> = inner.due.drain(..count).map(|(_, pulled)| pulled).collect();
        inner.bytes -= taken.iter().map(size).sum::<usize>();
        taken
    }
}

fn size(pulled: &Pulled) -> usize {
    pulled.delivery.body.len()
}

impl Inner {
    fn keep(&mut self, pulled: Pulled, due: Instant) {
        self.bytes += size(&pulled);
        self.fresh.push(pulled.handle.clone());
        self.number += 1;
        self.early.insert((due, self.number), pulled);
    }

    fn has_room(&self, pulled: &Pulled) -> bool {
        self.early.len() + self.due.len() < MOST && self.bytes + size(pulled) <= MOST_BYTES
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
        let overdue: Vec<Pulled> = self.due.drain(..count).map(|(_, pulled)| pulled).collect();
        self.bytes -= overdue.iter().map(size).sum::<usize>();
        overdue
    }

    fn handles(&self) -> Vec<String> {
        let due = self.due.iter().map(|(_, pulled)| pulled);
        self.early.values().chain(due).map(|pulled| pulled.handle.clone()).collect()
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
        let mut without_room = Vec::new();
        // Without a runtime the program is at its end: they return with their deadlines.
        let Ok(runtime) = Runtime::try_current() else { return without_room };
        let mut inner = self.held.lock();
        for (due, pulled) in early {
            if inner.has_room(&pulled) {
                inner.keep(pulled, due);
            } else {
                without_room.push((due, pulled));
            }
        }
        if !std::mem::replace(&mut inner.has_keeper, true) {
            drop(runtime.spawn(keeper(Arc::clone(self))));
        }
        drop(inner);
        self.held.more.notify_one();
        without_room
    }

    /// Sets the deadlines of what is kept, beside whatever goes on.
    fn prolong(self: &Arc<Self>, handles: Vec<String>) {
        let place = Arc::clone(self);
        drop(tokio::spawn(async move {
            for set in place.set_deadlines(handles, DEADLINE).await {
                if let Err(error) = set {
                    let queue = &place.info.resource;
                    tracing::debug!(queue, %error, "a message that is kept may also come to others");
                }
            }
        }));
    }
}

async fn keeper(place: Arc<Place>) {
    let mut renew_at = Instant::now() + RENEWED;
    loop {
        let mut more = pin!(place.held.more.notified());
        more.as_mut().enable();
        let now = Instant::now();
        let (ripe, overdue, handles, next) = {
            let mut inner = place.held.lock();
            let ripe = inner.ripen(now);
            let overdue = inner.overdue(now);
            let fresh = std::mem::take(&mut inner.fresh);
            let handles = if now >= renew_at { inner.handles() } else { fresh };
            let next = inner.next();
            inner.has_keeper = next.is_some();
            (ripe, overdue, handles, next)
        };
        if now >= renew_at {
            renew_at = now + RENEWED;
        }
        if ripe {
            place.held.due.notify_waiters();
        }
        if !handles.is_empty() {
            place.prolong(handles);
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
    use gcloud_sdk::google::pubsub::v1 as wire;

    use super::*;

    fn pulled(id: &str, bytes: usize) -> Pulled {
        let message =
            wire::PubsubMessage { message_id: id.into(), data: vec![0; bytes], ..Default::default() };
        Pulled::new(wire::ReceivedMessage { ack_id: id.into(), message: Some(message), delivery_attempt: 1 })
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_early_ripens_in_order_and_what_nobody_takes_goes_back() {
        let held = Held::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for (id, due) in [("later", second * 2), ("soon", second), ("far", second * 60)] {
            held.lock().keep(pulled(id, 10), now + due);
        }
        assert!(!held.lock().ripen(now));
        assert_eq!(held.lock().next(), Some(now + second));
        assert!(held.lock().ripen(now + second * 2));
        let taken = held.take(1);
        assert_eq!(taken.iter().map(|pulled| &*pulled.handle).collect::<Vec<_>>(), ["soon"]);
        let end = now + second * 2 + LINGER;
        assert!(held.lock().overdue(end - second).is_empty());
        assert_eq!(held.lock().overdue(end).len(), 1);
        assert_eq!((held.lock().bytes, held.lock().handles()), (10, vec!["far".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn how_much_is_kept_is_bounded() {
        let mut inner = Inner::default();
        let due = Instant::now();
        for n in 0..MOST {
            assert!(inner.has_room(&pulled("x", 1)));
            inner.keep(pulled(&n.to_string(), 1), due);
        }
        assert!(!inner.has_room(&pulled("x", 1)));
        let mut inner = Inner::default();
        inner.keep(pulled("x", MOST_BYTES), due);
        assert!(inner.has_room(&pulled("y", 0)) && !inner.has_room(&pulled("y", 1)));
    }
}
