//! The local provider beside the same statements by hand on SQLite, and object_store's and OpenDAL's files.

use skyport_measure::{Alone, Group, Outcome};

mod blobs;
mod hand;
mod load;
mod ours;
mod queues;
mod stage;
mod tables;

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return Err(format!("nothing is called {:?}", alone.0).into());
    }
    let mut group = Group::asked("local")?;
    queues::measure(&mut group)?;
    tables::measure(&mut group)?;
    blobs::measure(&mut group)?;
    group.done()
}
