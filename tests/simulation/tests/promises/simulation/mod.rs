//! The simulations; `cargo xtask simulate` runs each over as many seeds as it is told.

mod leases;
mod once;
mod queues;
mod tables;

use skyport::testing::{Chaos, Fault, Port};
use std::time::Duration;

/// Faults without jumps of the wall clock: for what clocks that keep time promise.
fn steady(seed: u64) -> Chaos {
    let jump = Fault::jump(Duration::from_secs(1));
    [Port::Blob, Port::Queue, Port::Kv]
        .into_iter()
        .fold(Chaos::seeded(seed), |chaos, port| chaos.rate_of_port(port, jump.clone(), 0.0))
}

/// Another seed for each client of a run.
fn of_client(seed: u64, name: usize) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(name as u64)
}
