//! Keeps the catalogue true to the originals.

use skyport::ErrorKind;
use skyport::blob::ObjectMeta;
use skyport::kv::Entry;
use skyport::prelude::*;

use crate::app::{Photo, Photos, Resize, State};

/// The catalogue is one partition: it is listed as a whole, by name.
pub(crate) const PARTITION: &str = "photos";

/// How often another may be faster while one photo is looked at.
const LOOKS: usize = 5;

/// The metadata of a thumbnail that says of which content it is: the etag of its original.
pub(crate) const OF: &str = "of";

/// An original was added or removed.
pub(crate) async fn changed(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    reconcile(&event.key, &cx).await
}

/// Makes catalogue and thumbnail follow what the original is now.
///
/// Events come late, twice and in no order: so it is not the event that counts but the original itself. What was made of it
/// is looked at first and the original last, and all that is then written or deleted has the first look for its condition: who was slow
/// undoes nothing of those who know better by now, and looks again.
pub(crate) async fn reconcile(name: &str, photos: &Photos) -> Result<()> {
    for _ in 0..LOOKS {
        match try_reconcile(name, photos).await {
            Err(error) if is_rivals(&error) => {}
            reconciled => return reconciled,
        }
    }
    Err("the photo does not stop changing".into())
}

async fn try_reconcile(name: &str, photos: &Photos) -> Result<()> {
    let entry = photos.catalogue.get((PARTITION, name)).await?;
    let thumbnail = look(&photos.thumbnails, name).await?;
    match look(&photos.originals, name).await? {
        Some(original) => announce(name, &original, entry, thumbnail, photos).await,
        None => forget(name, entry, thumbnail, photos).await,
    }
}

pub(crate) async fn look(bucket: &Bucket, name: &str) -> Result<Option<ObjectMeta>> {
    match bucket.head(name).await {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Enters an original as pending and orders its thumbnail, unless that is done.
async fn announce(
    name: &str,
    original: &ObjectMeta,
    entry: Option<Entry<Photo>>,
    thumbnail: Option<ObjectMeta>,
    photos: &Photos,
) -> Result<()> {
    let etag = original.etag.to_string();
    let state = entry.as_ref().filter(|entry| entry.value.etag == etag).map(|entry| entry.value.state);
    let is_its = |thumbnail: &ObjectMeta| thumbnail.properties.metadata.get(OF) == Some(&etag);
    let pending = match state {
        Some(State::Failed) => return remove(name, thumbnail, photos).await,
        Some(State::Ready) if thumbnail.as_ref().is_some_and(is_its) => return Ok(()),
        Some(State::Pending) => true,
        // A thumbnail that is gone, or of another picture, is made once more.
        Some(State::Ready) | None => false,
    };
    if !pending {
        let photo = Photo {
            name: name.to_owned(),
            bytes: original.size,
            width: None,
            height: None,
            etag: etag.clone(),
            state: State::Pending,
        };
        let put = photos.catalogue.put((PARTITION, name), &photo);
        match &entry {
            Some(entry) => put.if_version(entry.version()).await?,
            None => put.if_absent().await?,
        };
    }
    photos.resize.send(&Resize { name: name.to_owned(), etag }).await?;
    Ok(())
}

async fn forget(
    name: &str,
    entry: Option<Entry<Photo>>,
    thumbnail: Option<ObjectMeta>,
    photos: &Photos,
) -> Result<()> {
    remove(name, thumbnail, photos).await?;
    if let Some(entry) = entry {
        photos.catalogue.delete((PARTITION, name)).if_version(entry.version()).await?;
    }
    Ok(())
}

/// Deletes a thumbnail that stands for nothing.
async fn remove(name: &str, thumbnail: Option<ObjectMeta>, photos: &Photos) -> Result<()> {
    if let Some(thumbnail) = thumbnail {
        photos.thumbnails.delete(name).if_match(&thumbnail.etag).await?;
    }
    Ok(())
}

/// Whether another has written meanwhile.
fn is_rivals(error: &HandlerError) -> bool {
    error.port_error().is_some_and(|error| {
        matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::AlreadyExists | ErrorKind::Conflict)
    })
}
