//! The handles on Azure beside the raw SDK, object_store and OpenDAL.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("azure")?;
    group.done()
}
