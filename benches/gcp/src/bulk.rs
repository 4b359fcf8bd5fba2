//! Ten thousand messages sent, received and acknowledged; ten thousand items put and got in batches. By hand with the same sizes of
//! batches, and as many requests under way at once.

use skyport_measure::{Group, Metric, Outcome, Target};

use crate::place::{Place, one_thread};

mod kv;
mod queue;

/// How large a body, and a value, is as JSON.
const BYTES: usize = 256;

/// In batches.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let count = group.plan().pick(10_000, 2_000);
    if !["queue", "kv"].iter().any(|port| group.wants(&format!("bulk/{port}/{count}"))) {
        return Ok(());
    }
    let (place, runtime) = (Place::emulators()?, one_thread()?);
    // Channels belong to the runtime in which they are made.
    let _entered = runtime.enter();
    queue::measure(group, &place, &runtime, count)?;
    kv::measure(group, &place, &runtime, count)
}

fn rate(name: &'static str) -> Metric {
    Metric::new(name, "op/s", Target::AtLeast(1.0))
}

fn text() -> String {
    "x".repeat(BYTES - 2)
}
