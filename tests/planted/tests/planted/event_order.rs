//! The catalogue follows what events say, as if they came once and in order.

use skyport::app::App;
use skyport::prelude::*;

use crate::app::{Photo, Photos, Resize, State};
use crate::catalogue::PARTITION;
use crate::{photos, thumbnail, upload};

async fn added(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    let etag = event.etag.ok_or("an event without an etag")?.to_string();
    let photo = Photo {
        name: event.key.clone(),
        bytes: event.size.unwrap_or_default(),
        width: None,
        height: None,
        etag: etag.clone(),
        state: State::Pending,
    };
    cx.catalogue.put((PARTITION, event.key.as_str()), &photo).await?;
    cx.resize.send(&Resize { name: event.key, etag }).await?;
    Ok(())
}

async fn removed(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    cx.thumbnails.delete(&event.key).await?;
    cx.catalogue.delete((PARTITION, event.key.as_str())).await?;
    Ok(())
}

pub(crate) fn app() -> App<Photos> {
    photos!(upload: upload::upload, added: added, removed: removed, resize: thumbnail::make)
}
