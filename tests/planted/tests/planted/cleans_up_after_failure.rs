//! A failed upload is cleaned up: what it deletes may be another's.

use skyport::ErrorKind;
use skyport::app::App;
use skyport::prelude::*;

use crate::app::Photos;
use crate::{catalogue, photos, thumbnail};

async fn upload(request: Request, cx: Context<Photos>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    match cx.originals.put(&name, request.into_body()).if_absent().await {
        Ok(_) => Ok(Response::created()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error.into()),
        Err(error) => {
            // Nothing half done is to stay.
            cx.originals.delete(&name).await?;
            Err(error.into())
        }
    }
}

pub(crate) fn app() -> App<Photos> {
    photos!(upload: upload, added: catalogue::changed, removed: catalogue::changed, resize: thumbnail::make)
}
