//! Many at once: messages sent, received and acknowledged, items put and got, in rounds of which each side does one in turn.

use std::time::{Duration, Instant};

use skyport_measure::{Group, Metric, Outcome, Plan, Target};

use crate::place::{Place, one_thread};

mod items;
mod messages;

/// How many there are in a round. With some thousand in one queue, Azurite keeps its clients waiting for seconds.
const ROUND: usize = 300;
const QUICK_ROUND: usize = 200;

/// The bytes of each.
const BODY: [u8; 1_024] = [b'x'; 1_024];

/// How many single requests are under way at once: as many as the provider has.
const CALLS: usize = 16;

/// Both sides run on one thread.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let (place, runtime) = (Place::emulator()?, one_thread()?);
    messages::measure(group, &place, &runtime)?;
    items::measure(group, &place, &runtime)
}

/// Of these names, in operations a second.
fn metrics<const N: usize>(names: [&'static str; N]) -> [Metric; N] {
    names.map(|name| Metric::new(name, "op/s", Target::AtLeast(1.0)))
}

fn plan(group: &Group) -> (Plan, usize) {
    (group.plan().at_most(8), group.plan().pick(ROUND, QUICK_ROUND))
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// How long it takes.
async fn timed<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<(T, Duration)> {
    let began = Instant::now();
    let done = work.await?;
    Ok((done, began.elapsed()))
}
