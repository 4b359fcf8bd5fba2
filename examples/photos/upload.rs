//! `PUT /photos/{name}`.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use skyport::Body;
use skyport::prelude::*;

use crate::app::Photos;
use crate::picture::Format;

/// The longest name: it is the sort key of the catalogue, too.
const MAX_NAME: usize = 200;

/// Stores a picture as it streams in; never over another one.
pub(crate) async fn upload(request: Request, cx: Context<Photos>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    if name.len() > MAX_NAME {
        return Err(HandlerError::status(
            StatusCode::BAD_REQUEST,
            format!("a name has at most {MAX_NAME} bytes"),
        ));
    }
    let (head, rest) = head(request.into_body()).await?;
    let format = Format::of(&head).ok_or_else(|| {
        HandlerError::status(StatusCode::UNPROCESSABLE_ENTITY, "these bytes are no JPEG and no PNG")
    })?;
    let body = Body::from_stream(stream::iter([Ok(head)]).chain(rest));
    cx.originals.put(&name, body).if_absent().content_type(format.content_type()).await?;
    Ok(Response::created())
}

/// The first bytes, enough to tell a picture by, and the rest.
async fn head(mut body: Body) -> Result<(Bytes, Body)> {
    let mut head = BytesMut::new();
    while head.len() < Format::HEAD {
        match body.next().await {
            Some(chunk) => head.extend_from_slice(&chunk?),
            None => break,
        }
    }
    Ok((head.freeze(), body))
}
