//! One event through `App` beside a direct call of its handler.

use std::time::Instant;

use http::Method;
use skyport_bench_dispatch::application::{self, HELLO, Letter, Stage};
use skyport_bench_dispatch::events::{self, MESSAGES};
use skyport_core::app::{Batch, Context, Event, Functions, Message};
use skyport_core::http::{IntoResponse, Request};
use skyport_measure::{Contender, Group, Metric, Outcome, Target, allocated};
use tokio::runtime::{Builder, Runtime};

/// How many calls one round counts the allocations of.
const COUNTED: usize = 64;

/// Measures one event of each kind.
///
/// # Errors
/// Where an event is not handled well.
pub fn measure(group: &mut Group) -> Outcome {
    let stage = (application::bound()?, application::context()?);
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let mut contests = Contests { group, runtime };
    contests.requests(&stage)?;
    contests.messages(&stage)?;
    contests.others(&stage)
}

/// The group, and the one thread on which both sides run.
struct Contests<'a> {
    group: &'a mut Group,
    runtime: Runtime,
}

impl Contests<'_> {
    fn requests(&mut self, (functions, context): &(Functions, Context<Stage>)) -> Outcome {
        let ours = async |request| events::http(functions, request).await;
        let theirs = async |request: Request| {
            let answer = application::hello(request, context.clone()).await.map_err(events::failed)?;
            events::answered(answer.into_response().map_err(events::failed)?)
        };
        self.contest(
            "event/http",
            (1, HELLO.len()),
            || events::request(Method::GET, "/hello", ""),
            ours,
            theirs,
        )?;
        let theirs = async |request: Request| {
            // A direct call has no route that would have found the name.
            let name = request.path().rsplit('/').next().unwrap_or_default().to_owned();
            events::answered(name.into_response().map_err(events::failed)?)
        };
        self.contest(
            "event/http-with-a-parameter",
            (1, 3),
            || events::request(Method::GET, "/hello/Ada", ""),
            ours,
            theirs,
        )
    }

    fn messages(&mut self, (functions, context): &(Functions, Context<Stage>)) -> Outcome {
        let theirs = async |deliveries: Vec<_>| {
            for delivery in &deliveries {
                application::take(Message::new(events::letter(delivery)?), context.clone())
                    .await
                    .map_err(events::failed)?;
            }
            Ok(deliveries.len())
        };
        for (name, count) in [("event/message", 1), ("event/messages-10", MESSAGES)] {
            let ours = async |deliveries| events::deliver(functions, "take", deliveries).await;
            self.contest(name, (count, count), || Ok(events::deliveries(count)), ours, theirs)?;
        }
        let ours = async |deliveries| events::deliver(functions, "take-all", deliveries).await;
        let theirs = async |deliveries: Vec<_>| {
            let letters = deliveries.iter().map(events::letter).collect::<Outcome<Vec<Letter>>>()?;
            drop(application::take_all(Batch::new(letters), context.clone()).await.map_err(events::failed)?);
            Ok(deliveries.len())
        };
        let name = "event/batch-10";
        self.contest(name, (MESSAGES, MESSAGES), || Ok(events::deliveries(MESSAGES)), ours, theirs)
    }

    fn others(&mut self, (functions, context): &(Functions, Context<Stage>)) -> Outcome {
        let ours = async |event| events::event(functions, "changed", Event::Blob(event)).await;
        let theirs = async |event| {
            application::changed(event, context.clone()).await.map_err(events::failed)?;
            Ok(1)
        };
        self.contest("event/blob", (1, 1), || Ok(events::change()), ours, theirs)?;
        let ours = async |event| events::event(functions, "tick", Event::Schedule(event)).await;
        let theirs = async |event| {
            application::tick(event, context.clone()).await.map_err(events::failed)?;
            Ok(1)
        };
        self.contest("event/schedule", (1, 1), || Ok(events::instant()), ours, theirs)
    }

    /// Both take calls that are made beforehand, `events` of them in each, and are held to what they return.
    fn contest<E>(
        &mut self,
        name: &str,
        (events, returned): (usize, usize),
        make: impl Fn() -> Outcome<E>,
        ours: impl AsyncFn(E) -> Outcome<usize>,
        theirs: impl AsyncFn(E) -> Outcome<usize>,
    ) -> Outcome {
        let calls = self.group.plan().pick(20_000, 4_000) / events;
        let metrics = [
            Metric::new("", "us", Target::Within(1.0)),
            Metric::new("allocations", "allocations", Target::Within(8.0)),
        ];
        let contenders = (
            Contender::new("App", || round(&self.runtime, (calls, events), returned, &make, &ours)),
            Contender::new("a direct call", || {
                round(&self.runtime, (calls, events), returned, &make, &theirs)
            }),
        );
        self.group.contest(name, metrics, self.group.plan(), contenders.0, vec![contenders.1])
    }
}

/// Microseconds and allocations for an event.
fn round<E>(
    runtime: &Runtime,
    (calls, events): (usize, usize),
    returned: usize,
    make: &impl Fn() -> Outcome<E>,
    call: &impl AsyncFn(E) -> Outcome<usize>,
) -> Outcome<[f64; 2]> {
    let run = |calls: Vec<E>| -> Outcome {
        runtime.block_on(async {
            for event in calls {
                let got = call(event).await?;
                if got != returned {
                    return Err(format!("{got} instead of {returned}").into());
                }
            }
            Ok(())
        })
    };
    let prepared = (0..calls).map(|_| make()).collect::<Outcome<Vec<E>>>()?;
    let began = Instant::now();
    run(prepared)?;
    let took = began.elapsed().as_secs_f64() * 1e6 / (calls * events) as f64;
    let prepared = (0..COUNTED).map(|_| make()).collect::<Outcome<Vec<E>>>()?;
    let mut outcome = Ok(());
    let taken = allocated(|| outcome = run(prepared));
    outcome?;
    Ok([took, taken.times as f64 / (COUNTED * events) as f64])
}
