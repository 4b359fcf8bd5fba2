//! How long it takes to build Skyport's features beside the raw SDKs alone, and of how many crates.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("build")?;
    group.done()
}
