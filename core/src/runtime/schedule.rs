//! Schedules that fire: one ticker a function.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::claim::claim;
use super::config::TriggersConfig;
use super::gauge::Gauge;
use crate::app::{Event, FunctionRef, Functions, Invocation};
use crate::clock::to_millis;
use crate::event::ScheduleEvent;
use crate::retry::backoff;
use crate::schedule::Schedule;
use crate::{Outcome, Result, Shutdown};

/// The wall clock is looked at this often: it can be set while a ticker sleeps.
const LOOK: Duration = Duration::from_secs(300);

/// Instants that were missed are looked through no further back than this: a clock may have been set by decades.
const LATEST: Duration = Duration::from_secs(86_400);

/// The pause after a first failure, doubled with each, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// What a cancelled handler has to report before it is dropped.
const WIND_DOWN: Duration = Duration::from_secs(1);

/// Fires the schedule of one function.
pub(super) struct Ticker {
    pub(super) functions: Arc<Functions>,
    /// The function's position.
    pub(super) index: usize,
    pub(super) schedule: Schedule,
    pub(super) config: TriggersConfig,
    pub(super) running: Gauge,
    pub(super) stop: Shutdown,
}

impl Ticker {
    /// Fires instant by instant until it is to stop; the first one is after `since`. An instant that passes while a call
    /// runs comes late, and of several only the last.
    pub(super) async fn run(self, since: SystemTime) {
        let Some(function) = self.functions.iter().nth(self.index) else { return };
        let mut fired = since;
        while let Some(next) = self.schedule.next_after(fired) {
            tokio::select! {
                biased;
                () = self.stop.triggered() => return,
                () = self.until(next) => {}
            }
            fired = self.last_due(next);
            // Counted from here on, so that nobody takes a ticker that is about to call for an idle one.
            let running = self.running.enter();
            if self.is_mine(function, fired).await {
                self.fire(function, fired).await;
            }
            drop(running);
        }
    }

    async fn until(&self, instant: SystemTime) {
        let clock = self.config.clock;
        while clock.now() < instant {
            sleep_until(clock.instant_at(instant).min(Instant::now() + LOOK)).await;
        }
    }

    /// The last instant that has come, from `due` on.
    fn last_due(&self, due: SystemTime) -> SystemTime {
        let now = self.config.clock.now();
        let from = now.checked_sub(LATEST).map_or(due, |earliest| earliest.max(due));
        let (mut last, mut next) = (due, self.schedule.next_after(from));
        while let Some(instant) = next.filter(|instant| *instant <= now) {
            last = instant;
            next = self.schedule.next_after(instant);
        }
        last
    }

    async fn is_mine(&self, function: FunctionRef<'_>, instant: SystemTime) -> bool {
        let Some(table) = &self.config.claims else { return true };
        let application = &self.functions.manifest().application;
        let mine = claim(&**table, application, function.name(), instant).await;
        if !mine {
            tracing::debug!(function = function.name(), "another process fires this instant");
        }
        mine
    }

    /// Calls the function until it succeeds, its attempts are spent, or it is to stop.
    async fn fire(&self, function: FunctionRef<'_>, instant: SystemTime) {
        let name = function.name();
        for attempt in 1..=self.config.max_attempts.max(1) {
            let called = call(&self.functions, function, instant, attempt, &self.config, &self.stop).await;
            let (after, error) = match called {
                Ok(Outcome::Done) => return,
                Ok(Outcome::Dead { reason }) => {
                    tracing::error!(
                        name,
                        instant = to_millis(instant),
                        reason,
                        "a schedule's call failed for good"
                    );
                    return;
                }
                Ok(Outcome::Retry { after, error }) => (after, error),
                Err(error) => (None, error.to_string()),
            };
            tracing::warn!(name, attempt, error, "a schedule's call failed");
            if attempt == self.config.max_attempts {
                break;
            }
            let pause = after.unwrap_or_else(|| backoff(PAUSE.0, PAUSE.1, attempt)).min(PAUSE.1);
            tokio::select! {
                biased;
                () = self.stop.triggered() => return,
                () = sleep(pause) => {}
            }
        }
        tracing::error!(
            name,
            instant = to_millis(instant),
            "a schedule's instant was given up: its attempts are spent"
        );
    }
}

/// Calls a function with a schedule once. After `stop` the call may go on for the grace period.
pub(super) async fn call(
    functions: &Functions,
    function: FunctionRef<'_>,
    instant: SystemTime,
    attempt: u32,
    config: &TriggersConfig,
    stop: &Shutdown,
) -> Result<Outcome> {
    let invocation = Invocation {
        id: format!("{}-{}-{attempt}", function.name(), to_millis(instant)),
        attempt,
        deadline: Instant::now().checked_add(config.time_of(function)),
        ..Invocation::default()
    };
    let cancellation = invocation.cancellation.clone();
    let event = Event::Schedule(ScheduleEvent::new(instant));
    let mut calling = pin!(functions.event(function, event, invocation));
    let stopped = async {
        stop.triggered().await;
        sleep(config.grace).await;
    };
    tokio::select! {
        biased;
        outcome = &mut calling => return outcome,
        () = stopped => cancellation.trigger(),
    }
    let stopped = || Ok(Outcome::retry("the process stopped before the call had ended"));
    timeout(WIND_DOWN, calling).await.unwrap_or_else(|_| stopped())
}
