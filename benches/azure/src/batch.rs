//! Many at once: messages sent, received and acknowledged, items put and got, in rounds of which each side does one in turn.

use std::time::{Duration, Instant};

use skyport_measure::{Group, Metric, Outcome, Target};

use crate::place::{Place, one_thread};

mod items;
mod messages;

/// The bytes of each.
const BODY: [u8; 1_024] = [b'x'; 1_024];

/// How many single requests are under way at once: as many as the provider has.
const CALLS: usize = 16;

/// Messages, which come before all else: see [`messages`]. Both sides run on one thread.
///
/// # Errors
/// What a side fails with.
pub fn messages(group: &mut Group) -> Outcome {
    messages::measure(group, &Place::of_messages()?, &one_thread()?)
}

/// Items, likewise.
///
/// # Errors
/// What a side fails with.
pub fn items(group: &mut Group) -> Outcome {
    items::measure(group, &Place::emulator()?, &one_thread()?)
}

/// Of these names, in operations a second.
fn metrics<const N: usize>(names: [&'static str; N]) -> [Metric; N] {
    names.map(|name| Metric::new(name, "op/s", Target::AtLeast(1.0)))
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
