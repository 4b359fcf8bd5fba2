//! An event through App beside a direct call, and the server adapter beside bare axum.

mod contests;

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let mut group = Group::asked("dispatch")?;
    contests::measure(&mut group)?;
    group.done()
}
