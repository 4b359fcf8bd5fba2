//! Keeps the catalogue true to the originals.

use skyport::ErrorKind;
use skyport::blob::ObjectMeta;
use skyport::prelude::*;

use crate::app::{Photo, Photos, Resize, State};

/// The catalogue is one partition: it is listed as a whole, by name.
pub(crate) const PARTITION: &str = "photos";

/// How often an original may change while it is looked at.
const LOOKS: usize = 5;

/// An original was added or removed.
pub(crate) async fn changed(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    reconcile(&event.key, &cx).await
}

/// Makes catalogue and thumbnail follow what the original is now.
///
/// Events come late, twice and in no order: so it is not the event that counts but the original itself, and it is looked
/// at again at the end.
pub(crate) async fn reconcile(name: &str, photos: &Photos) -> Result<()> {
    let mut original = look(name, photos).await?;
    for _ in 0..LOOKS {
        match &original {
            Some(meta) => announce(name, meta, photos).await?,
            None => forget(name, photos).await?,
        }
        let now = look(name, photos).await?;
        if now.as_ref().map(|meta| &meta.etag) == original.as_ref().map(|meta| &meta.etag) {
            return Ok(());
        }
        original = now;
    }
    Err("the original does not stop changing".into())
}

pub(crate) async fn look(name: &str, photos: &Photos) -> Result<Option<ObjectMeta>> {
    match photos.originals.head(name).await {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Enters an original as pending and orders its thumbnail, unless this content is known already.
async fn announce(name: &str, original: &ObjectMeta, photos: &Photos) -> Result<()> {
    let known = photos.catalogue.get((PARTITION, name)).await?;
    if known.is_some_and(|entry| {
        entry.value.etag == original.etag.as_str() && entry.value.state != State::Pending
    }) {
        return Ok(());
    }
    let etag = original.etag.to_string();
    let photo = Photo {
        name: name.to_owned(),
        bytes: original.size,
        width: None,
        height: None,
        etag: etag.clone(),
        state: State::Pending,
    };
    photos.catalogue.put((PARTITION, name), &photo).await?;
    photos.resize.send(&Resize { name: name.to_owned(), etag }).await?;
    Ok(())
}

async fn forget(name: &str, photos: &Photos) -> Result<()> {
    photos.thumbnails.delete(name).await?;
    photos.catalogue.delete((PARTITION, name)).await?;
    Ok(())
}
