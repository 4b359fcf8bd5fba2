//! The memory provider beside object_store, OpenDAL, omniqueue and a plain map behind a lock.

use skyport_measure::{Alone, Group, Outcome};

mod blobs;
mod growth;
mod queues;
mod tables;
mod timing;
mod transfer;

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return transfer::alone(&alone);
    }
    let mut group = Group::asked("memory")?;
    blobs::measure(&mut group)?;
    queues::measure(&mut group)?;
    tables::measure(&mut group)?;
    transfer::measure(&mut group)?;
    growth::measure(&mut group)?;
    group.done()
}
