//! The handles on Google Cloud beside the raw SDK, object_store, OpenDAL and omniqueue.

use std::process::Command;

use skyport_measure::{Alone, Group, Outcome};

mod bulk;
mod growth;
mod place;
mod raw;
mod single;
mod sink;
mod transfer;

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return match alone.0.split_first() {
            Some((word, arguments)) if word == transfer::WORD => transfer::alone(&alone, arguments),
            _ => Err("nobody knows this contender".into()),
        };
    }
    if let Some(emulator) = place::unknown_to_omniqueue() {
        return again(&emulator);
    }
    let mut group = Group::asked("gcp")?;
    single::measure(&mut group)?;
    transfer::measure(&mut group)?;
    bulk::measure(&mut group)?;
    growth::measure(&mut group)?;
    group.done()
}

/// The whole program as a process that has the variable by which omniqueue finds an emulator: nothing else tells it, and no process can set its
/// own safely.
fn again(emulator: &str) -> Outcome {
    let mut same = Command::new(std::env::current_exe()?);
    same.args(std::env::args_os().skip(1)).env(place::OMNIQUEUE_EMULATOR, emulator);
    if same.status()?.success() { Ok(()) } else { Err("the benchmarks failed: see above".into()) }
}
