//! An application's invariants under many seeds of faults.
//!
//! [`plan`] is what is done in a run, [`one`] a run on a thread of its own, [`explore`] many of them, [`find`] and [`shrink`] what becomes of
//! one that failed.

mod explore;
mod find;
mod one;
mod panics;
mod plan;
mod progress;
mod report;
mod settings;
mod shrink;

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::BoxError;
use skyport_core::app::{App, Resources};
use skyport_memory::{Chaos, Injected};

use super::Test;
use explore::{Course, Explored, explore};
use one::{Sight, Subject};
use plan::Plan;
use progress::Progress;
use settings::Settings;

pub use plan::Phase;
pub use report::{Report, Shrinking, Violation};

/// Looks for faults that break an application: what clients do and what must hold of it are stated once, and tried with many seeds.
///
/// A seed says which faults strike: calls that are refused, time out, or are carried out and lose their answer; handlers that crash between
/// two steps; messages that come twice, late and in another order: see [`Chaos`]. Each seed's run has an application of its own on fakes of
/// its own, in virtual time, and is the same each time. It goes so:
///
/// 1. The application starts, and faults begin.
/// 2. [`drive`](Simulation::drive) does what clients do.
/// 3. The faults end, and everything settles: leases run out, messages come again, until none is left.
/// 4. What [`then`](Simulation::then) says is done, and everything settles again.
/// 5. The [`check`s](Simulation::check) look at what is there.
///
/// A run fails where a check says so, where `drive`, `then` or a check panics, where it does not settle, and where it takes
/// too long. A handler's panic is what it is in production: the message comes again.
///
/// ```
/// use std::time::Duration;
/// use skyport::prelude::*;
/// use skyport::testing::{Simulation, Test};
///
/// #[derive(Resources)]
/// struct Bank {
///     #[resource(max_attempts = 20)]
///     orders: Queue<u32>,
///     booked: Table<u32>,
///     balance: Table<i64>,
/// }
///
/// async fn order(request: Request, cx: Context<Bank>) -> Result<StatusCode> {
///     cx.orders.send(&request.path_param("order")?).await?;
///     Ok(StatusCode::ACCEPTED)
/// }
///
/// /// Books before it notes that it has: what breaks off in between, books twice.
/// async fn book(order: Message<u32>, cx: Context<Bank>) -> Result<()> {
///     if cx.booked.get(order.to_string()).await?.is_none() {
///         cx.balance.increment("all", 1).await?;
///         cx.booked.put(order.to_string(), &order).await?;
///     }
///     Ok(())
/// }
///
/// fn app() -> App<Bank> {
///     App::new("bank").http("order", route::put("/{order}"), order).on_message("book", Bank::ORDERS, book)
/// }
///
/// /// Three orders, each repeated until it is accepted; how many were.
/// async fn clients(test: &Test<Bank>, _seed: u64) -> i64 {
///     let mut accepted = 0;
///     for order in 0..3 {
///         for _ in 0..20 {
///             if test.put(&format!("/{order}"), "").await.status() == 202 {
///                 accepted += 1;
///                 break;
///             }
///             test.advance(Duration::from_secs(1)).await;
///         }
///     }
///     accepted
/// }
///
/// let report = Simulation::new("bank", app)
///     .seeds(200)
///     .drive(clients)
///     .check(async |bank: &Bank, accepted: &i64| {
///         let balance = bank.balance.get("all").await?.map_or(0, |all| *all);
///         if balance == *accepted { Ok(()) } else { Err(format!("{accepted} accepted, {balance} booked").into()) }
///     })
///     .explore(); // in a test of your own: `run`, which panics
///
/// let violation = &report.found[0];
/// assert!(violation.what.ends_with("booked"));
/// println!("{violation}"); // the seed, the fewest faults that do it, and how to run it again
/// ```
///
/// # In tests
/// A simulation is an ordinary test, `#[test] fn name() { Simulation::new(..) .. .run(); }`: it makes its own runtimes. All cores take part. It
/// stops at the first violation, unless [`all`](Simulation::all) are wanted, and looks for the fewest faults that cause it: the
/// run is repeated without some of them for as long as it fails in the same phase, at most 500 times or
/// [a minute](Simulation::shrink_limit).
///
/// - `SKYPORT_SEEDS=10000` runs so many seeds of every simulation.
/// - `SKYPORT_SEED=7` runs that one alone, and once, shows all its faults, and lets panics be seen.
///
/// [`run`](Simulation::run) reads them, and [`explore`](Simulation::explore) does not.
///
/// What takes more than two seconds shows its progress on standard error. At its end each says `simulated NAME: N seeds, N faults, N
/// violations` on standard output, which `cargo test` shows with `--nocapture`.
///
/// # What makes runs the same
/// All of a run is on one thread, and tokio's clock is paused. An application that asks for real time, starts threads, or draws random numbers from the system
/// is not the same each time; a violation says so where a second run went otherwise. See
/// [`Determined`](super::Determined) for what follows from the seed.
#[must_use = "call `drive`, `check` and then `run`"]
pub struct Simulation<R: Resources, D = Undriven> {
    name: String,
    app: Arc<dyn Fn() -> App<R> + Send + Sync>,
    chaos: Arc<dyn Fn(u64) -> Chaos + Send + Sync>,
    seeds: u64,
    all: bool,
    threads: Option<usize>,
    virtual_limit: Duration,
    real_limit: Duration,
    shrink_limit: Duration,
    driven: D,
}

/// A [`Simulation`] that was not told yet what clients do.
#[derive(Clone, Copy, Debug)]
pub struct Undriven(());

/// A [`Simulation`] that knows what clients do, and what they have seen of it: `T`.
pub struct Driven<R: Resources, T>(Plan<R, T>);

impl<R: Resources> Simulation<R> {
    /// A simulation of an application, which is made anew for each seed. The name stands before what is shown of it.
    pub fn new(name: impl Into<String>, app: impl Fn() -> App<R> + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            app: Arc::new(app),
            chaos: Arc::new(Chaos::seeded),
            seeds: 100,
            all: false,
            threads: None,
            virtual_limit: Duration::from_secs(2 * 86_400),
            real_limit: Duration::from_secs(60),
            shrink_limit: Duration::from_secs(60),
            driven: Undriven(()),
        }
    }

    /// What clients do in a run: requests that are repeated as a client would, messages that are sent. It is given the seed, so that it
    /// may do another thing each time, and returns what the checks are to know: what was accepted, say. Where it panics, the
    /// seed is a violation.
    pub fn drive<T, D>(self, drive: D) -> Simulation<R, Driven<R, T>>
    where
        T: 'static,
        D: AsyncFn(&Test<R>, u64) -> T + Send + Sync + 'static,
    {
        let plan = Plan::new(Arc::clone(&self.app), drive);
        Simulation {
            name: self.name,
            app: self.app,
            chaos: self.chaos,
            seeds: self.seeds,
            all: self.all,
            threads: self.threads,
            virtual_limit: self.virtual_limit,
            real_limit: self.real_limit,
            shrink_limit: self.shrink_limit,
            driven: Driven(plan),
        }
    }
}

impl<R: Resources, D> Simulation<R, D> {
    /// How many seeds are run, from 0 on: 100 by default, at least 1. For [`run`](Simulation::run) the variable `SKYPORT_SEEDS` overrides it.
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds.max(1);
        self
    }

    /// The faults of a seed; [`Chaos::seeded`] by default.
    pub fn chaos(mut self, chaos: impl Fn(u64) -> Chaos + Send + Sync + 'static) -> Self {
        self.chaos = Arc::new(chaos);
        self
    }

    /// Goes on after the first violation and counts them all.
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// How many seeds are run at once; as many as there are cores by default.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The virtual time that one run may take; two days by default. What waits for ever is found by it.
    pub fn virtual_limit(mut self, limit: Duration) -> Self {
        self.virtual_limit = limit;
        self
    }

    /// The real time that one run may take; a minute by default. What blocks its thread or loops is found by it. Such a thread
    /// cannot be ended, so the simulation stops there.
    pub fn real_limit(mut self, limit: Duration) -> Self {
        self.real_limit = limit;
        self
    }

    /// The real time that looking for the fewest faults may take; a minute by default. What is left then is told as
    /// [`CutShort`](Shrinking::CutShort). A test that counts on the fewest gives more, for slow machines.
    pub fn shrink_limit(mut self, limit: Duration) -> Self {
        self.shrink_limit = limit;
        self
    }
}

impl<R: Resources, T: 'static> Simulation<R, Driven<R, T>> {
    /// What is done after the faults have ended and everything has settled, before the checks: a schedule that is fired, time that passes.
    /// Everything settles again after it. May be called several times. Where it panics, the seed is a violation.
    pub fn then<D>(mut self, then: D) -> Self
    where
        D: AsyncFn(&Test<R>) + Send + Sync + 'static,
    {
        self.driven.0.then(then);
        self
    }

    /// An invariant: what must hold of the resources after every run, whatever faults there were, given what the clients have seen.
    /// May be called several times. An error is the violation's text, and so is a panic.
    pub fn check<C>(mut self, check: C) -> Self
    where
        C: AsyncFn(&R, &T) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        self.driven.0.check(check);
        self
    }

    /// Runs the seeds, and says how many.
    ///
    /// # Panics
    /// Where a seed breaks an invariant: shows the seed, the fewest faults that do it, and how to run it again. Where
    /// `SKYPORT_SEEDS` or `SKYPORT_SEED` is no number.
    pub fn run(self) -> Report {
        let settings = match Settings::read() {
            Ok(settings) => settings,
            Err(slip) => panic!("{slip}"),
        };
        let report = self.explored(settings);
        if report.violations > 0 {
            panic!("{}: {report}\n\n{}\n", report.name, report.shown());
        }
        report
    }

    /// Runs the seeds as [`run`](Self::run) does, and tells violations in its report alone: for tests that expect one. It does not read
    /// `SKYPORT_SEEDS` and `SKYPORT_SEED`: what such a test expects would not be found in other seeds.
    pub fn explore(self) -> Report {
        self.explored(Settings::default())
    }

    fn explored(self, settings: Settings) -> Report {
        let (name, replays) = (self.name.clone(), settings.seed.is_some());
        let course = Course {
            first: settings.seed.unwrap_or(0),
            seeds: if replays { 1 } else { settings.seeds.unwrap_or(self.seeds) },
            threads: self
                .threads
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get)),
            all: self.all,
            loud: replays,
        };
        // One that is replayed was shrunk before, and is to be looked at: it runs once.
        let shrink = (!replays).then_some(self.shrink_limit);
        let subject = self.subject();
        let mut progress = Progress::new(&name, course.seeds);
        let explored = explore(&subject, course, &mut progress);
        progress.rest();
        if replays {
            show_trace(&name, &explored);
        }
        let report = find::report(name, explored, &subject, shrink, &mut progress);
        say(&format!("simulated {}: {report}", report.name));
        report
    }

    fn subject(self) -> Subject {
        let Self { chaos, virtual_limit, real_limit, driven: Driven(plan), .. } = self;
        let work = move |seed: u64, only: Option<&[Injected]>, sight: &Sight| {
            let chaos = chaos(seed);
            let chaos = match only {
                Some(only) => chaos.replay(only),
                None => chaos,
            };
            plan.run(seed, chaos, virtual_limit, sight)
        };
        Subject { work: Arc::new(work), limit: real_limit }
    }
}

/// All of one seed's run, for who replays it.
fn show_trace(name: &str, explored: &Explored) {
    let failed = explored.found.first().map(|(_, ended)| ended);
    let Some(ended) = failed.or(explored.only.as_ref()) else { return };
    say(&format!("{name}: {} faults", ended.trace.len()));
    for fault in &ended.trace {
        say(&format!("  {fault}"));
    }
}

/// A line that the test harness keeps for who asks: with `--nocapture`, or where the test fails.
#[allow(clippy::print_stdout, reason = "it is for tests: their output is where it is looked for")]
fn say(line: &str) {
    println!("{line}");
}

impl<R: Resources, D> fmt::Debug for Simulation<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("name", &self.name)
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

impl<R: Resources, T> fmt::Debug for Driven<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driven")
    }
}
