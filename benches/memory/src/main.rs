//! The memory provider beside object_store, OpenDAL, omniqueue and a plain map behind a lock.

use skyport_measure::{Group, Outcome};

mod blobs;
mod growth;
mod queues;
mod tables;
mod timing;

fn main() -> Outcome {
    let mut group = Group::asked("memory")?;
    blobs::measure(&mut group)?;
    queues::measure(&mut group)?;
    tables::measure(&mut group)?;
    growth::measure(&mut group)?;
    group.done()
}
