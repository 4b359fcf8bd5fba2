//! The memory provider beside object_store, OpenDAL, omniqueue and a plain map behind a lock.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("memory")?;
    group.done()
}
