//! The handles on AWS beside the raw SDK, object_store, OpenDAL and omniqueue.

use skyport_measure::{Group, Outcome};

fn main() -> Outcome {
    let group = Group::asked("aws")?;
    group.done()
}
