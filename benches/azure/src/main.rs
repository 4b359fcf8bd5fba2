//! The handles on Azure beside the raw SDK, object_store and OpenDAL.

use skyport_measure::{Alone, Group, Outcome};

mod place;
mod raw;
mod single;

fn main() -> Outcome {
    // object_store and OpenDAL ask the process for it; the handles and the raw SDK bring it with them.
    let chosen = rustls::crypto::ring::default_provider().install_default();
    chosen.map_err(|_| "a provider of cryptography is installed already")?;
    if let Some(alone) = Alone::asked() {
        return Err(format!("nothing is known of {alone:?}").into());
    }
    let mut group = Group::asked("azure")?;
    single::measure(&mut group)?;
    group.done()
}
