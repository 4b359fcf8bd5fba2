//! Whether a name is free is looked at first, and then it is written: two can look before one writes.

use skyport::app::App;
use skyport::prelude::*;

use crate::app::Photos;
use crate::{catalogue, photos, thumbnail};

async fn upload(request: Request, cx: Context<Photos>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    if cx.originals.exists(&name).await? {
        return Err(HandlerError::status(StatusCode::CONFLICT, "there is such a photo"));
    }
    cx.originals.put(&name, request.into_body()).await?;
    Ok(Response::created())
}

pub(crate) fn app() -> App<Photos> {
    photos!(upload: upload, added: catalogue::changed, removed: catalogue::changed, resize: thumbnail::make)
}
