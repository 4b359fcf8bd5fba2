//! The handles on Google Cloud beside the raw SDK, object_store and OpenDAL.

use skyport_measure::{Alone, Group, Outcome};

mod bulk;
mod growth;
mod place;
mod raw;
mod single;
mod sink;
mod transfer;

fn main() -> Outcome {
    if let Some(alone) = Alone::asked() {
        return match alone.0.split_first() {
            Some((word, arguments)) if word == transfer::WORD => transfer::alone(&alone, arguments),
            _ => Err("nobody knows this contender".into()),
        };
    }
    let mut group = Group::asked("gcp")?;
    single::measure(&mut group)?;
    transfer::measure(&mut group)?;
    bulk::measure(&mut group)?;
    growth::measure(&mut group)?;
    group.done()
}
