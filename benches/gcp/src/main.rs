//! The handles on Google Cloud beside the raw SDK, object_store, OpenDAL and omniqueue.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("gcp")?;
    group.done()
}
