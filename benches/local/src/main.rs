//! The local provider beside the same statements by hand on SQLite, and object_store's and OpenDAL's files.

use skyport_measure::{Alone, Group, Outcome};

mod batches;
mod blobs;
mod curves;
mod hand;
mod load;
mod ours;
mod queues;
mod stage;
mod tables;
mod transfer;

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return transfer::alone(&alone);
    }
    let mut group = Group::asked("local")?;
    queues::measure(&mut group)?;
    tables::measure(&mut group)?;
    blobs::measure(&mut group)?;
    batches::measure(&mut group)?;
    transfer::measure(&mut group)?;
    curves::measure(&mut group)?;
    group.done()
}
