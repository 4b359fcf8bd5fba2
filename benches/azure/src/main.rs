//! The handles on Azure beside the raw SDK, object_store and OpenDAL.

use skyport_measure::{Alone, Group, Outcome};

mod batch;
mod curves;
mod place;
mod raw;
mod single;
mod sink;
mod transfer;

fn main() -> Outcome {
    // object_store and OpenDAL ask the process for it; the handles and the raw SDK bring it with them.
    let chosen = rustls::crypto::ring::default_provider().install_default();
    chosen.map_err(|_| "a provider of cryptography is installed already")?;
    if let Some(alone) = Alone::asked() {
        let words: Vec<&str> = alone.0.iter().map(String::as_str).collect();
        return match words[..] {
            ["transfer", way, name, said, size] => transfer::alone(&alone, way, name, said, size),
            _ => Err(format!("nothing is known of {words:?}").into()),
        };
    }
    let mut group = Group::asked("azure")?;
    batch::messages(&mut group)?;
    single::measure(&mut group)?;
    transfer::measure(&mut group)?;
    batch::items(&mut group)?;
    curves::measure(&mut group)?;
    group.done()
}
