//! The handles on AWS beside the raw SDK, object_store, OpenDAL and omniqueue.

use skyport_measure::{Alone, Group, Outcome};

mod growth;
mod many;
mod place;
mod single;
mod sink;
mod transfer;

fn main() -> Outcome {
    if let Some(child) = Alone::asked() {
        return match child.0.first().map(String::as_str) {
            Some(sink::WORD) => sink::serve(&child),
            Some(transfer::WORD) => transfer::alone(&child),
            _ => Err("this child has no task".into()),
        };
    }
    let mut group = Group::asked("aws")?;
    single::measure(&mut group)?;
    many::measure(&mut group)?;
    transfer::measure(&mut group)?;
    growth::measure(&mut group)?;
    group.done()
}
