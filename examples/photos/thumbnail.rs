//! Makes a thumbnail: ordered through the queue, harmless when it is made twice.

use skyport::ErrorKind;
use skyport::prelude::*;

use crate::app::{Photos, Resize, State};
use crate::catalogue::{PARTITION, look};
use crate::picture;

pub(crate) async fn make(job: Message<Resize>, cx: Context<Photos>) -> Result<()> {
    let object = match cx.originals.get(&job.name).await {
        Ok(object) => object,
        // Deleted meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if object.etag().as_str() != job.etag {
        // Replaced meanwhile: the new content has a job of its own.
        return Ok(());
    }
    let bytes = object.bytes().await?;
    // Decoding takes a while: not on the threads that serve requests.
    let made = skyport::blocking(move || picture::thumbnail(&bytes)).await?;
    let thumbnail = match made {
        Ok(thumbnail) => thumbnail,
        Err(error) => {
            note(&job, State::Failed, None, &cx).await?;
            // No retry will mend it.
            return Err(HandlerError::fatal(error));
        }
    };
    cx.thumbnails.put(&job.name, thumbnail.jpeg).content_type("image/jpeg").await?;
    // A thumbnail never outlives its original, not even one that was deleted while this ran.
    if look(&job.name, &cx).await?.is_none() {
        cx.thumbnails.delete(&job.name).await?;
        return Ok(());
    }
    note(&job, State::Ready, Some((thumbnail.width, thumbnail.height)), &cx).await
}

/// Notes in the catalogue what became of this content, if it is still the one there.
async fn note(job: &Resize, state: State, size: Option<(u32, u32)>, photos: &Photos) -> Result<()> {
    let key = (PARTITION, job.name.as_str());
    while let Some(entry) = photos.catalogue.get(key).await? {
        if entry.value.etag != job.etag {
            return Ok(());
        }
        let mut photo = entry.value.clone();
        photo.state = state;
        photo.width = size.map(|(width, _)| width);
        photo.height = size.map(|(_, height)| height);
        match photos.catalogue.put(key, &photo).if_version(entry.version()).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
    Ok(())
}
