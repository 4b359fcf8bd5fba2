//! What a connection is doing, and when it has taken too long.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a connection that is to end bears with a client that is in the midst of a head, of a body that nobody reads, or
/// of saying goodbye.
const LINGER: Duration = Duration::from_secs(1);

/// Looks are never closer together, however short the times are.
const CLOSEST: Duration = Duration::from_millis(5);

/// Looks are never further apart, however long the times are.
const FURTHEST: Duration = Duration::from_secs(3_600);

/// Follows one connection: requests under way, and since when it is silent or in the midst of a head.
///
/// Nobody is told of what changes: waking a connection and setting its timer anew costs more than all else that is done here for a
/// request. The one who waits looks again before anything that has begun since can be overdue.
#[derive(Debug)]
pub(crate) struct Pulse {
    state: Mutex<State>,
    header: Option<Duration>,
    idle: Duration,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// What was written waits for the client to take it.
    blocked: bool,
    /// No more requests are taken.
    closing: bool,
    quiet_since: Instant,
    head_since: Option<Instant>,
}

impl Pulse {
    /// A connection whose first bytes have come. Where `header` is given, a head is to be complete so long after its
    /// first bytes; without requests, the connection ends after `idle`.
    pub(crate) fn new(header: Option<Duration>, idle: Duration) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            in_flight: 0,
            blocked: false,
            closing: false,
            quiet_since: now,
            head_since: header.map(|_| now),
        };
        Arc::new(Self { state: Mutex::new(state), header, idle })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come from the client.
    pub(crate) fn received(&self) {
        let mut state = self.state();
        if self.header.is_some() && state.in_flight == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// A head is complete: a request begins, and ends when the result is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.in_flight += 1;
        state.head_since = None;
        Busy(Arc::clone(self))
    }

    /// Whether what was written waits for the client to take it: the connection is not idle then.
    pub(crate) fn blocked(&self, blocked: bool) {
        let mut state = self.state();
        state.blocked = blocked;
        state.quiet_since = Instant::now();
    }

    /// No more requests are taken: from now on the connection ends after a moment without one. Whoever waits for it to be overdue is to
    /// begin anew.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        state.quiet_since = Instant::now();
    }

    /// Begins to count the idle time anew.
    pub(crate) fn rest(&self) {
        self.state().quiet_since = Instant::now();
    }

    /// Returns once the client has taken too long. Safe to drop and call again.
    pub(crate) async fn overdue(&self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        while let Some(look) = self.next_look() {
            timer.as_mut().reset(look);
            timer.as_mut().await;
        }
    }

    /// When to look again; `None` where the client has taken too long. What begins after this look cannot be overdue before the next.
    fn next_look(&self) -> Option<Instant> {
        let state = self.state();
        let idle = if state.closing { self.idle.min(LINGER) } else { self.idle };
        let now = Instant::now();
        let shortest = self.header.map_or(idle, |header| header.min(idle));
        let look = now + shortest.clamp(CLOSEST, FURTHEST);
        if state.in_flight > 0 || state.blocked {
            return Some(look);
        }
        let head = state.head_since.zip(self.header).and_then(|(since, limit)| since.checked_add(limit));
        let due = state.quiet_since.checked_add(idle).into_iter().chain(head).min();
        match due {
            Some(due) if due <= now => None,
            Some(due) => Some(due.min(look)),
            None => Some(look),
        }
    }
}

/// A request under way, up to the last byte of its response.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Pulse>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if state.in_flight == 0 {
            state.quiet_since = Instant::now();
            state.head_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(75);

    async fn time_to_overdue(pulse: &Pulse) -> Duration {
        let start = Instant::now();
        pulse.overdue().await;
        // Timers are a millisecond fine.
        Duration::from_secs(start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_and_an_idle_connection_have_their_own_times() {
        let pulse = Pulse::new(Some(HEADER), IDLE);
        assert_eq!(time_to_overdue(&pulse).await, HEADER);
        drop(pulse.begin());
        assert_eq!(time_to_overdue(&pulse).await, IDLE);
        pulse.rest();
        pulse.received();
        assert_eq!(time_to_overdue(&pulse).await, HEADER);
        let http2 = Pulse::new(None, IDLE);
        http2.received();
        assert_eq!(time_to_overdue(&http2).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_closes_lingers_for_a_moment_once_all_is_read() {
        let pulse = Pulse::new(Some(HEADER), IDLE);
        let busy = pulse.begin();
        pulse.blocked(true);
        pulse.close();
        drop(busy);
        assert!(tokio::time::timeout(IDLE * 10, pulse.overdue()).await.is_err());
        pulse.blocked(false);
        assert_eq!(time_to_overdue(&pulse).await, LINGER);
    }

    #[tokio::test(start_paused = true)]
    async fn what_begins_while_somebody_waits_is_overdue_in_its_own_time() {
        let pulse = Pulse::new(Some(HEADER), IDLE);
        drop(pulse.begin());
        let start = Instant::now();
        let beginning = async {
            tokio::time::sleep(Duration::from_secs(33)).await;
            pulse.received();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = pulse.overdue() => {}
            () = beginning => {}
        }
        assert_eq!(start.elapsed().as_secs(), 33 + HEADER.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_never_overdue() {
        let pulse = Pulse::new(Some(HEADER), IDLE);
        let busy = pulse.begin();
        pulse.received();
        let waiting = tokio::time::timeout(IDLE * 10, pulse.overdue());
        assert!(waiting.await.is_err());
        drop(busy);
        assert_eq!(time_to_overdue(&pulse).await, IDLE);
    }
}
