//! The other requests: look, list, delete, share.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use skyport::prelude::*;

use crate::app::{Photo, Photos};
use crate::catalogue;

/// At most so many photos in one answer; a `Link` header leads to the next.
const PAGE: usize = 1_000;

/// For how long a shared URL works.
const SHARED_FOR: Duration = Duration::from_secs(600);

/// `GET /photos/{name}`
pub(crate) async fn photo(request: Request, cx: Context<Photos>) -> Result<Response> {
    send(&cx.originals, &request).await
}

/// `GET /thumbnails/{name}`
pub(crate) async fn thumbnail(request: Request, cx: Context<Photos>) -> Result<Response> {
    send(&cx.thumbnails, &request).await
}

/// Streams an object, unless the client has it already.
async fn send(bucket: &Bucket, request: &Request) -> Result<Response> {
    let name: String = request.path_param("name")?;
    let object = bucket.get(&name).await?;
    let etag = format!("\"{}\"", object.etag());
    if request.header("if-none-match") == Some(&etag) {
        return Ok(Response::not_modified().with_header("etag", etag));
    }
    let content_type =
        object.meta().properties.content_type.clone().unwrap_or_else(|| "application/octet-stream".into());
    Ok(Response::ok(object.into_body()).with_content_type(&content_type).with_header("etag", etag))
}

/// `DELETE /photos/{name}`
pub(crate) async fn delete(request: Request, cx: Context<Photos>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.originals.head(&name).await?;
    cx.originals.delete(&name).await?;
    // The bucket will tell, too; this way the client sees it gone at once.
    catalogue::reconcile(&name, &cx).await?;
    Ok(Response::no_content())
}

/// `GET /photos`
pub(crate) async fn list(request: Request, cx: Context<Photos>) -> Result<Response> {
    let mut query = cx.catalogue.query(catalogue::PARTITION).page_size(PAGE);
    if let Some(token) = request.query_param::<String>("token")? {
        query = query.token(token);
    }
    let page = query.page().await?;
    let photos: Vec<&Photo> = page.entries.iter().map(|entry| &entry.value).collect();
    let response = Response::json(&photos)?;
    Ok(match &page.next {
        Some(token) => response.with_header("link", format!("</photos?token={token}>; rel=\"next\"")),
        None => response,
    })
}

#[derive(Serialize)]
struct Shared {
    url: String,
    /// Seconds since 1970.
    expires: u64,
}

/// `POST /photos/{name}/share`
pub(crate) async fn share(request: Request, cx: Context<Photos>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.originals.head(&name).await?;
    let signed = cx.originals.sign_get(&name, SHARED_FOR).await?;
    let expires = signed.expires.duration_since(UNIX_EPOCH)?.as_secs();
    Response::json(&Shared { url: signed.url, expires })
}
