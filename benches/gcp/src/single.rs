//! One operation through a handle beside the same call by hand: how long it takes, what it costs the processor, and how often it takes
//! from the heap.

use std::time::Instant;

use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Sample, Target, allocated, processor_time};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread};

mod blob;
mod kv;
mod queue;

/// What is written and read.
const BYTES: usize = 1_024;

/// How many entries or items a page has.
const PAGE: usize = 100;

/// Both sides run on one thread, one operation after the other.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let operations = [
        "blob/put",
        "blob/get",
        "blob/head",
        "blob/list",
        "blob/delete",
        "queue/send",
        "queue/receive",
        "queue/ack",
        "kv/get",
        "kv/put",
        "kv/cas",
        "kv/query",
        "kv/delete",
    ];
    if !operations.iter().any(|operation| group.wants(&format!("single/{operation}"))) {
        return Ok(());
    }
    let (place, runtime) = (Place::emulators()?, one_thread()?);
    // Channels belong to the runtime in which they are made.
    let _entered = runtime.enter();
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

/// One side of a contest: in each round a short block of operations, so that what drifts strikes all alike. What `prepare` does is not
/// measured.
fn side<'a, P: 'a>(
    name: &'static str,
    plan: Plan,
    runtime: &'a Runtime,
    prepare: impl AsyncFn() -> Outcome<P> + 'a,
    run: impl AsyncFn(P) -> Outcome + 'a,
) -> Contender<'a, 3> {
    let operations = plan.pick(40, 20);
    Contender::new(name, move || {
        let (mut times, mut processor, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..operations {
            let ready = runtime.block_on(prepare())?;
            let mut done = Ok(());
            let (used, began) = (processor_time(), Instant::now());
            let allocated = allocated(|| done = runtime.block_on(run(ready)));
            times.push(began.elapsed().as_secs_f64() * 1e6);
            processor.push((processor_time() - used).as_secs_f64() * 1e6);
            taken.push(allocated.times as f64);
            done?;
        }
        Ok([times, processor, taken].map(|values| Sample::of(values).median))
    })
}

async fn nothing() -> Outcome {
    Ok(())
}

/// An answer must be right.
fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("the answer was {found:?}, not {expected:?}").into()) }
}
