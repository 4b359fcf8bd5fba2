//! One operation through a handle beside the same call on the raw SDK: how long it takes, what it costs the processor, and how often it
//! takes from the heap.

use std::fmt::Debug;
use std::time::Instant;

use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Sample, Target, allocated, processor_time};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread};

mod blob;
mod kv;
mod queue;

/// The bytes of each object, message and item: letters, as of JSON.
const BODY: [u8; 1_024] = [b'x'; 1_024];

/// Both sides run on one thread, one operation after the other.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
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

/// One side of a contest: in each round a short block of operations, so that what drifts strikes both alike. What `prepare` and `finish` do is
/// not measured.
fn side<'a, P: 'a, R: 'a>(
    name: &'static str,
    plan: Plan,
    runtime: &'a Runtime,
    mut prepare: impl AsyncFnMut() -> Outcome<P> + 'a,
    mut run: impl AsyncFnMut(P) -> Outcome<R> + 'a,
    mut finish: impl AsyncFnMut(R) -> Outcome + 'a,
) -> Contender<'a, 3> {
    let operations = plan.pick(20, 10);
    Contender::new(name, move || {
        let (mut times, mut taken, mut processor) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..operations {
            let ready = runtime.block_on(prepare())?;
            let mut done = Err("it was not run".into());
            let (cpu, began) = (processor_time(), Instant::now());
            let allocated = allocated(|| done = runtime.block_on(run(ready)));
            times.push(began.elapsed().as_secs_f64() * 1e6);
            processor += (processor_time() - cpu).as_secs_f64() * 1e6;
            taken.push(allocated.times as f64);
            runtime.block_on(finish(done?))?;
        }
        Ok([median(times), processor / f64::from(operations), median(taken)])
    })
}

fn median(values: Vec<f64>) -> f64 {
    Sample::of(values).median
}

/// Where nothing is to be done before or after.
async fn nothing<T>(_: T) -> Outcome {
    Ok(())
}

/// An answer must be right.
fn expect<T: PartialEq + Debug>(found: &T, expected: &T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("the answer was {found:?}, not {expected:?}").into()) }
}
