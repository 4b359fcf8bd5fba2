//! The local provider beside the same statements by hand on SQLite, and OpenDAL's files.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("local")?;
    group.done()
}
