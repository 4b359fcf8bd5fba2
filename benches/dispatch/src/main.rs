//! An event through App beside a direct call, and the server adapter beside bare axum.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("dispatch")?;
    group.done()
}
