//! One operation through a handle beside the same call on the raw SDK: how long it takes, what it costs the processor, and how often it
//! takes from the heap.

use std::time::Instant;

use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Target, allocated, processor_time};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread};

mod blob;
mod kv;
mod queue;

pub use queue::{TRACE, traced};

/// All contests here.
const NAMES: [&str; 13] = [
    "single/blob/put",
    "single/blob/get",
    "single/blob/head",
    "single/blob/list",
    "single/blob/delete",
    "single/queue/send",
    "single/queue/receive",
    "single/queue/ack",
    "single/kv/get",
    "single/kv/put",
    "single/kv/put-if-version",
    "single/kv/query",
    "single/kv/delete",
];

/// Both sides run on one thread, one operation after the other.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    if !NAMES.iter().any(|name| group.wants(name)) {
        return Ok(());
    }
    let (place, runtime) = (Place::emulator()?, one_thread()?);
    blob::measure(group, &place, &runtime)?;
    queue::measure(group, &place, &runtime)?;
    kv::measure(group, &place, &runtime)
}

fn metrics() -> [Metric; 3] {
    [
        Metric::new("latency", "us", Target::AtMost(1.03)),
        Metric::new("cpu", "us", Target::AtMost(1.05)),
        Metric::new("allocations", "allocations", Target::AtMostMore(5.0)),
    ]
}

/// One side of a contest: in each round a short block of operations, so that what drifts strikes both alike. What `prepare` does is
/// not measured.
fn side<'a, P: 'a>(
    name: &'static str,
    plan: Plan,
    runtime: &'a Runtime,
    mut prepare: impl AsyncFnMut() -> Outcome<P> + 'a,
    mut run: impl AsyncFnMut(P) -> Outcome + 'a,
) -> Contender<'a, 3> {
    let operations = plan.pick(40, 15);
    Contender::new(name, move || {
        let (mut times, mut taken, mut processor) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..operations {
            let ready = runtime.block_on(prepare())?;
            let mut done = Ok(());
            let (cpu, began) = (processor_time(), Instant::now());
            let allocated = allocated(|| done = runtime.block_on(run(ready)));
            times.push(began.elapsed().as_secs_f64() * 1e6);
            processor += (processor_time() - cpu).as_secs_f64() * 1e6;
            taken.push(allocated.times as f64);
            done?;
        }
        Ok([median(times), processor / operations as f64, median(taken)])
    })
}

fn median(values: Vec<f64>) -> f64 {
    skyport_measure::Sample::of(values).median
}

/// An answer must be right.
///
/// # Errors
/// Where it is not.
pub fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("the answer was {found:?}, not {expected:?}").into()) }
}
