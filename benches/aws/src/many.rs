//! Many messages and many items, in the batches that the services take: how many a second.

use std::time::Instant;

use skyport_measure::{Contender, Group, Metric, Outcome, Target};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread};

mod items;
mod messages;

/// How many requests are under way at once, on every side: Skyport's own number.
const AT_ONCE: usize = 4;

/// Messages and items.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let ports = ["queue", "kv"].map(|port| format!("many/{port}"));
    if !ports.iter().any(|port| group.wants(port)) {
        return Ok(());
    }
    let (place, runtime) = (Place::emulator()?, one_thread()?);
    messages::measure(group, &place, &runtime)?;
    items::measure(group, &place, &runtime)
}

/// A contest over two steps, one after the other in each round.
fn contest(
    group: &mut Group,
    name: &str,
    steps: [&'static str; 2],
    ours: Contender<'_, 2>,
    rivals: Vec<Contender<'_, 2>>,
) -> Outcome {
    let metrics = steps.map(|step| Metric::new(step, "op/s", Target::AtLeast(1.0)));
    let plan = group.plan().at_most(group.plan().pick(5, 3));
    group.contest(name, metrics, plan, ours, rivals)
}

/// A side: so many in each step.
fn side<'a>(
    name: &'static str,
    runtime: &'a Runtime,
    count: usize,
    mut first: impl AsyncFnMut() -> Outcome + 'a,
    mut second: impl AsyncFnMut() -> Outcome + 'a,
) -> Contender<'a, 2> {
    Contender::new(name, move || {
        let began = Instant::now();
        runtime.block_on(first())?;
        let between = began.elapsed();
        runtime.block_on(second())?;
        let after = began.elapsed() - between;
        Ok([count as f64 / between.as_secs_f64(), count as f64 / after.as_secs_f64()])
    })
}
