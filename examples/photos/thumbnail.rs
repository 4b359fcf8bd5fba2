//! Makes a thumbnail: ordered through the queue, harmless when it is made twice, or late.

use skyport::ErrorKind;
use skyport::prelude::*;

use crate::app::{Photos, Resize, State};
use crate::catalogue::{OF, PARTITION, look, reconcile};
use crate::picture;

pub(crate) async fn make(job: Message<Resize>, cx: Context<Photos>) -> Result<()> {
    let object = match cx.originals.get(&job.name).await {
        Ok(object) => object,
        // Deleted meanwhile, perhaps after an earlier attempt had stored the thumbnail.
        Err(error) if error.kind() == ErrorKind::NotFound => return reconcile(&job.name, &cx).await,
        Err(error) => return Err(error.into()),
    };
    if object.etag().as_str() != job.etag {
        // Replaced meanwhile. The new content has a job of its own; but an earlier attempt may have stored this thumbnail over its.
        return reconcile(&job.name, &cx).await;
    }
    let bytes = object.bytes().await?;
    // Decoding takes a while: not on the threads that serve requests.
    let made = skyport::blocking(move || picture::thumbnail(&bytes)).await?;
    let thumbnail = match made {
        Ok(thumbnail) => thumbnail,
        Err(error) => {
            note(&job, State::Failed, None, &cx).await?;
            // Takes the thumbnail away that one before it may have left.
            reconcile(&job.name, &cx).await?;
            // No retry will mend it.
            return Err(HandlerError::fatal(error));
        }
    };
    let put = cx.thumbnails.put(&job.name, thumbnail.jpeg).content_type("image/jpeg");
    put.metadata(OF, &job.etag).await?;
    // The original may have been deleted or replaced while this ran: its thumbnail does not outlive it, nor stand for another's.
    match look(&cx.originals, &job.name).await? {
        Some(original) if original.etag.as_str() == job.etag => {
            note(&job, State::Ready, Some((thumbnail.width, thumbnail.height)), &cx).await
        }
        _ => reconcile(&job.name, &cx).await,
    }
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
