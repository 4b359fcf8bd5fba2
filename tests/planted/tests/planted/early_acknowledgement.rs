//! An event is acknowledged before its work is done: the handler spawns it, and returns.

use skyport::app::App;
use skyport::prelude::*;

use crate::app::Photos;
use crate::{catalogue, photos, thumbnail, upload};

async fn changed(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    // It is faster so, and what could go wrong?
    tokio::spawn(catalogue::changed(event, cx));
    Ok(())
}

pub(crate) fn app() -> App<Photos> {
    photos!(upload: upload::upload, added: changed, removed: changed, resize: thumbnail::make)
}
