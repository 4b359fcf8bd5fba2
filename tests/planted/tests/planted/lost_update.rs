//! An entry is read, changed and written back without a condition: what another wrote in between is lost.

use skyport::app::App;
use skyport::prelude::*;

use crate::app::{Photos, Resize, State};
use crate::catalogue::{OF, PARTITION};
use crate::{catalogue, photos, picture, upload};

async fn make(job: Message<Resize>, cx: Context<Photos>) -> Result<()> {
    let key = (PARTITION, job.name.as_str());
    // First of all: whether it is still wanted.
    let Some(entry) = cx.catalogue.get(key).await?.filter(|entry| entry.value.etag == job.etag) else {
        return Ok(());
    };
    let mut photo = entry.into_value();
    let bytes = cx.originals.get(&job.name).bytes().await?;
    match skyport::blocking(move || picture::thumbnail(&bytes)).await? {
        Ok(thumbnail) => {
            photo.state = State::Ready;
            (photo.width, photo.height) = (Some(thumbnail.width), Some(thumbnail.height));
            let put = cx.thumbnails.put(&job.name, thumbnail.jpeg).content_type("image/jpeg");
            put.metadata(OF, &job.etag).await?;
            cx.catalogue.put(key, &photo).await?;
            Ok(())
        }
        Err(error) => {
            photo.state = State::Failed;
            cx.catalogue.put(key, &photo).await?;
            Err(HandlerError::fatal(error))
        }
    }
}

pub(crate) fn app() -> App<Photos> {
    photos!(upload: upload::upload, added: catalogue::changed, removed: catalogue::changed, resize: make)
}
