//! Idempotent work: whoever is told that it is done is told the same, and what ended well is not done again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use skyport::prelude::*;
use skyport::testing::{Simulation, Test};
use skyport::{BoxError, Error};
use skyport_conformance::history::tolerate;
use skyport_core::idempotency::Idempotency;
use skyport_core::layers::{Layer, Retry};

use super::of_client;

#[derive(Resources)]
struct Till {
    records: Table<String>,
    charged: Table<i64>,
}

fn app() -> App<Till> {
    App::new("till")
}

const EVENTS: usize = 4;

/// What became of one event.
#[derive(Debug, Default)]
struct Event {
    /// How often its work was begun.
    runs: u32,
    /// The work's number, as each delivery that ended well was told, and whether that delivery did it.
    told: Vec<(u32, bool)>,
    /// How often the effect was answered Ok, and how often nobody knows.
    charged: u32,
    perhaps: u32,
}

type Events = Rc<RefCell<BTreeMap<usize, Event>>>;

/// Each event is delivered three times at once, and each delivery is repeated until it ends well.
async fn deliveries(test: &Test<Till>, seed: u64) -> Events {
    let events: Events = Rc::default();
    let retry = Retry::default();
    let till = test.resources();
    let records: Table<String> = Table::new(retry.table(Arc::clone(till.records.port())));
    let charged: Table<i64> = Table::new(retry.table(Arc::clone(till.charged.port())));
    let once = Idempotency::new(&records);
    let deliveries = (0..EVENTS * 3).map(async |name| {
        let mut random = fastrand::Rng::with_seed(of_client(seed, name));
        let event = name % EVENTS;
        for _ in 0..12 {
            let takes = Duration::from_millis(random.u64(0..40_000));
            let delivery = deliver(&once, &charged, event, takes, &events);
            let ended = test.memory().invocation(&[], delivery).await;
            if let Ok(ended) = ended
                && tolerate(ended).expect("nothing but what a handler has to expect").is_some()
            {
                return;
            }
            tokio::time::sleep(Duration::from_secs(random.u64(1..20))).await;
        }
    });
    join_all(deliveries).await;
    events
}

async fn deliver(
    once: &Idempotency,
    charged: &Table<i64>,
    event: usize,
    takes: Duration,
    events: &Events,
) -> skyport::Result<()> {
    let mut did = false;
    let key = event.to_string();
    let result = once.once(&key, Duration::from_secs(86_400), || {
        did = true;
        work(charged, event, takes, events)
    });
    let number = result.await?;
    events.borrow_mut().entry(event).or_default().told.push((number, did));
    Ok(())
}

/// Notes an effect of which nobody knows, unless it is told better.
struct Perhaps(Events, usize, bool);

impl Drop for Perhaps {
    fn drop(&mut self) {
        let mut events = self.0.borrow_mut();
        let event = events.entry(self.1).or_default();
        if self.2 { event.charged += 1 } else { event.perhaps += 1 }
    }
}

async fn work(charged: &Table<i64>, event: usize, takes: Duration, events: &Events) -> Result<u32, Error> {
    let number = {
        let mut events = events.borrow_mut();
        let event = events.entry(event).or_default();
        event.runs += 1;
        event.runs
    };
    tokio::time::sleep(takes).await;
    let mut effect = Perhaps(Rc::clone(events), event, false);
    charged.increment(event.to_string(), 1).await?;
    effect.2 = true;
    Ok(number)
}

async fn all_are_told_the_same(_: &Till, events: &Events) -> Result<(), BoxError> {
    for (name, event) in &*events.borrow() {
        let (first, mut rest) = (event.told.first(), event.told.iter());
        if rest.any(|(number, _)| first.is_some_and(|(first, _)| first != number)) {
            return Err(format!("event {name} has several results: {event:?}").into());
        }
        if event.told.iter().filter(|(_, did)| *did).count() > 1 {
            return Err(format!("the work of event {name} ended well twice: {event:?}").into());
        }
    }
    Ok(())
}

/// Work that ran once has its effect once; a second run is only where the first did not end well.
async fn effects_are_counted_as_the_runs_say(till: &Till, events: &Events) -> Result<(), BoxError> {
    let mut told = 0;
    for (name, event) in events.take() {
        let counted = till.charged.get(name.to_string()).await?.map_or(0, |entry| *entry);
        let sure = i64::from(event.charged);
        if counted < sure || counted > sure + i64::from(event.perhaps) {
            return Err(format!("event {name} was charged {counted} times: {event:?}").into());
        }
        if !event.told.is_empty() && counted == 0 {
            return Err(format!("event {name} ended well without its effect: {event:?}").into());
        }
        told += event.told.len();
    }
    if told == 0 { Err("no delivery ended well".into()) } else { Ok(()) }
}

#[test]
fn work_that_ended_well_is_not_done_again_and_everybody_is_told_the_same() {
    let simulation = Simulation::new("once", app).seeds(30).drive(deliveries);
    let report = simulation.check(all_are_told_the_same).check(effects_are_counted_as_the_runs_say).run();
    skyport_figures::record("simulation::once", &report.to_string());
}
