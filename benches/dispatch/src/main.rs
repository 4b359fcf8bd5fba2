//! An event through App beside a direct call, and the server adapter beside bare axum.

mod bare;
mod contests;
mod servers;

use skyport_measure::{Alone, Group, Outcome};

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return servers::serve(&alone);
    }
    let mut group = Group::asked("dispatch")?;
    contests::measure(&mut group)?;
    servers::measure(&mut group)?;
    group.done()
}
