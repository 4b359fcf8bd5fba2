//! Serves signed URLs over HTTP.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::http_date::http_date;
use super::http_range::{names, parse_range};
use super::{Grant, UrlSigner};
use crate::blob::port::{BlobStore, Etag, ObjectMeta, SignMethod};
use crate::blob::{Bucket, Object};
use crate::body::Body;
use crate::clock::from_millis;
use crate::provider::Endpoint;
use crate::{Error, ErrorKind, Result};

type Lookup = dyn Fn(&str) -> Result<Arc<dyn BlobStore>> + Send + Sync;

/// Serves what a [`UrlSigner`] has signed: GET (with `Range`, `If-Range`, `If-None-Match`, `If-Match`) and HEAD by the
/// URL of a GET, PUT (with `Content-Type`, `If-Match` of one etag, `If-None-Match: *`), DELETE (with `If-Match` of one
/// etag). All else is 403; so is an expired URL, by the clock of its bucket. Other headers of a PUT are not stored.
///
/// There are no CORS headers: a page of another origin cannot use these URLs, unless a server in front allows it. Serve
/// the page and the URLs from one origin, which [`UrlSigner::new`] is told.
pub struct SignedEndpoint {
    signer: UrlSigner,
    lookup: Box<Lookup>,
}

impl SignedEndpoint {
    /// Serves URLs of `signer`; `lookup` opens a bucket by the name it was signed with.
    pub fn new<F>(signer: UrlSigner, lookup: F) -> Self
    where
        F: Fn(&str) -> Result<Arc<dyn BlobStore>> + Send + Sync + 'static,
    {
        let lookup = Box::new(lookup);
        Self { signer, lookup }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let wanted = match head.method {
            Method::GET | Method::HEAD => SignMethod::Get,
            Method::PUT => SignMethod::Put,
            Method::DELETE => SignMethod::Delete,
            _ => {
                let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
                let allow = HeaderValue::from_static("GET, HEAD, PUT, DELETE");
                response.headers_mut().insert(header::ALLOW, allow);
                return Ok(response);
            }
        };
        let grant = self.signer.verify(head.uri.path(), head.uri.query().unwrap_or_default())?;
        if grant.method != wanted {
            return Err(denied("this URL is signed for another method"));
        }
        let bucket = Bucket::new((self.lookup)(&grant.bucket)?);
        if bucket.info().clock.now() >= from_millis(grant.expires) {
            return Err(denied("this URL has expired; ask the application for another"));
        }
        match wanted {
            SignMethod::Get => read(&bucket, &grant.key, &head.headers, head.method == Method::HEAD).await,
            SignMethod::Put => write(&bucket, &grant, &head.headers, body).await,
            SignMethod::Delete => remove(&bucket, &grant.key, &head.headers).await,
        }
    }
}

#[async_trait]
impl Endpoint for SignedEndpoint {
    fn prefix(&self) -> &str {
        self.signer.prefix()
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let mut response = match self.answer(request).await {
            Ok(response) => response,
            Err(error) => refusal(&error),
        };
        // What a user uploaded is shown by the application's own host: it must not become a page with its rights.
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        response
    }
}

impl fmt::Debug for SignedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedEndpoint").field("signer", &self.signer).finish_non_exhaustive()
    }
}

async fn read(bucket: &Bucket, key: &str, headers: &HeaderMap, head_only: bool) -> Result<Response<Body>> {
    let meta = bucket.head(key).await?;
    let wanted = value(headers, header::IF_MATCH);
    if wanted.is_some_and(|wanted| !names(wanted, &meta.etag)) {
        return Ok(described(StatusCode::PRECONDITION_FAILED, &meta));
    }
    if let Some(known) = value(headers, header::IF_NONE_MATCH)
        && names(known, &meta.etag)
    {
        return Ok(described(StatusCode::NOT_MODIFIED, &meta));
    }
    // A range of a resumed download is only of use while the object is the one that the client knows.
    let same = value(headers, header::IF_RANGE).is_none_or(|known| Etag::new(known) == meta.etag);
    let range = value(headers, header::RANGE).and_then(parse_range).filter(|_| same && !head_only);
    let Some(range) = range else {
        if head_only {
            let mut response = described(StatusCode::OK, &meta);
            insert(&mut response, header::CONTENT_LENGTH, &meta.size.to_string());
            return Ok(response);
        }
        let get = bucket.get(key);
        // Only a client that names the content is refused where it changed since the head.
        let get = if wanted.is_some() { get.if_match(&meta.etag) } else { get };
        return Ok(carrying(StatusCode::OK, get.await?));
    };
    // HTTP has no empty ranges.
    let (start, end) = range.resolve(meta.size).unwrap_or((0, 0));
    if start >= end {
        let mut response = described(StatusCode::RANGE_NOT_SATISFIABLE, &meta);
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", meta.size));
        return Ok(response);
    }
    // Bound to what the head told, so that headers and bytes are of one object.
    let object = bucket.get(key).range(start..end).if_match(&meta.etag).await?;
    let content_range = format!("bytes {start}-{}/{}", end - 1, meta.size);
    let mut response = carrying(StatusCode::PARTIAL_CONTENT, object);
    insert(&mut response, header::CONTENT_RANGE, &content_range);
    Ok(response)
}

async fn remove(bucket: &Bucket, key: &str, headers: &HeaderMap) -> Result<Response<Body>> {
    let delete = bucket.delete(key);
    match one_etag(headers)? {
        Some(etag) => delete.if_match(&etag).await?,
        None => delete.await?,
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn write(
    bucket: &Bucket,
    grant: &Grant<'_>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>> {
    let sent = value(headers, header::CONTENT_TYPE);
    if let Some(signed) = grant.content_type.as_deref()
        && sent != Some(signed)
    {
        return Ok(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this URL is signed for another content type"));
    }
    let mut put = bucket.put(&grant.key, body);
    if let Some(content_type) = sent {
        put = put.content_type(content_type);
    }
    let only_new = match headers.get(header::IF_NONE_MATCH) {
        None => grant.if_absent,
        Some(value) if value == "*" => true,
        Some(_) => return Err(Error::invalid("a PUT takes `If-None-Match: *` and no other")),
    };
    match one_etag(headers)? {
        None if only_new => put = put.if_absent(),
        None => {}
        Some(_) if only_new => {
            return Err(Error::new(
                ErrorKind::PreconditionFailed,
                "it cannot be new and have an etag as well",
            ));
        }
        Some(etag) => put = put.if_match(&etag),
    }
    let written = put.await?;
    let mut response = empty(StatusCode::OK);
    insert(&mut response, header::ETAG, &format!("\"{}\"", written.etag));
    Ok(response)
}

/// An object's bytes with its headers.
fn carrying(status: StatusCode, object: Object) -> Response<Body> {
    let (start, end) = object.range();
    let (meta, body) = object.into_parts();
    let mut response = described(status, &meta);
    insert(&mut response, header::CONTENT_LENGTH, &(end - start).to_string());
    *response.body_mut() = body;
    response
}

/// An object's headers without its bytes.
fn described(status: StatusCode, meta: &ObjectMeta) -> Response<Body> {
    let mut response = empty(status);
    insert(&mut response, header::ETAG, &format!("\"{}\"", meta.etag));
    insert(&mut response, header::LAST_MODIFIED, &http_date(meta.modified));
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    let properties = &meta.properties;
    let content_type = properties.content_type.as_deref();
    insert(&mut response, header::CONTENT_TYPE, content_type.unwrap_or("application/octet-stream"));
    for (name, value) in [
        (header::CACHE_CONTROL, &properties.cache_control),
        (header::CONTENT_DISPOSITION, &properties.content_disposition),
        (header::CONTENT_ENCODING, &properties.content_encoding),
    ] {
        if let Some(value) = value {
            insert(&mut response, name, value);
        }
    }
    response
}

fn refusal(error: &Error) -> Response<Body> {
    let status = match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorKind::Throttled | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    // The endpoint refuses clients by itself; a provider that is refused something has a fault to be mended here.
    let ours = status == StatusCode::FORBIDDEN && error.provider().is_some();
    let status = if ours { StatusCode::INTERNAL_SERVER_ERROR } else { status };
    if status.is_server_error() {
        tracing::warn!(%error, "a signed request failed");
        return text(status, "the request could not be served");
    }
    text(status, error.message().to_owned())
}

/// The etag of `If-Match`. What a write cannot keep to is refused, rather than done without its condition.
fn one_etag(headers: &HeaderMap) -> Result<Option<Etag>> {
    let mut all = headers.get_all(header::IF_MATCH).iter();
    let Some(first) = all.next() else { return Ok(None) };
    match first.to_str().map(str::trim) {
        Ok(text) if all.next().is_none() && text != "*" && !text.contains(',') => Ok(Some(Etag::new(text))),
        _ => Err(Error::invalid("a write takes one etag in `If-Match`, no list and no `*`")),
    }
}

fn denied(message: &'static str) -> Error {
    Error::new(ErrorKind::PermissionDenied, message)
}

fn value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Sets a header, unless a stored value is no header value: then the object is served without it.
fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn text(status: StatusCode, message: impl Into<std::borrow::Cow<'static, str>>) -> Response<Body> {
    let body = match message.into() {
        std::borrow::Cow::Borrowed(text) => Body::from(text),
        std::borrow::Cow::Owned(text) => Body::from(text),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    insert(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_provider_was_refused_is_not_told_to_the_client() {
        let error =
            Error::new(ErrorKind::PermissionDenied, "`/srv/data` cannot be used").with_provider("local");
        let response = refusal(&error);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect(1_000).await.expect("a text");
        assert!(!String::from_utf8_lossy(&body).contains("/srv"));
        assert_eq!(refusal(&denied("expired")).status(), StatusCode::FORBIDDEN);
    }
}
