//! A resumable session of Cloud Storage: bytes go up in their order, and what of them has been kept can be asked for.
//!
//! Its address is a secret: whoever knows it can write the object. It is shown by no error and no Debug, and nothing but the bytes
//! is sent there.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderName, HeaderValue, LOCATION, RANGE};
use http::{Method, StatusCode};
use reqwest::{Body, Response, Url};
use skyport_core::blob::port::{Etag, PutOptions};
use skyport_core::{Error, ErrorKind, Result};

use super::call::{self, Refused, malformed};
use super::describe::Described;
use super::meta::Resource;
use super::{Gcs, NAME, refused};
use crate::config::Connection;
use crate::error;

/// The type of what is going to come.
const CONTENT_TYPE_TO_COME: HeaderName = HeaderName::from_static("x-upload-content-type");

/// What Cloud Storage answers to the end of a session that was given up.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// An upload that was started.
pub(super) struct Session {
    connection: Arc<Connection>,
    address: Url,
}

/// What a session tells of itself.
#[derive(Debug)]
pub(super) enum Told {
    /// So many bytes from the beginning are kept, and more are to come.
    Kept(u64),
    /// The object is there.
    Done(Etag),
}

impl Session {
    pub(super) async fn start(store: &Gcs, key: &str, options: &PutOptions) -> Result<Self> {
        let condition = refused::if_generation_match(&options.condition)?;
        let described = Described::new(key, &options.properties, options.token);
        let content_type = described.content_type;
        let mut text = Vec::new();
        described.write_to(&mut text)?;
        let content_type = HeaderValue::from_str(content_type)
            .map_err(|error| Error::invalid("the content type is no header value").with_source(error))?;
        let start = store
            .uploads("resumable")
            .maybe("ifGenerationMatch", condition.as_deref())
            .query("fields", "generation")
            .header(CONTENT_TYPE_TO_COME, content_type)
            .body(HeaderValue::from_static("application/json"), text);
        let answer = start.send().await.map_err(|refused| refused::writing(refused, &options.condition))?;
        let address = address(store.connection.endpoint(), &answer)?;
        Ok(Self { connection: Arc::clone(&store.connection), address })
    }

    /// Sends bytes, or none, with what `Content-Range` says of them.
    pub(super) async fn send(&self, bytes: Bytes, range: &str) -> Result<Told, Refused> {
        let range = HeaderValue::from_str(range);
        let range = range.map_err(|_| Error::internal("a range of numbers is no header"))?;
        let put = self.connection.http()?.put(self.address.clone()).header(CONTENT_RANGE, range);
        let answer = put.body(Body::from(bytes)).send().await.map_err(error::unanswered)?;
        match answer.status() {
            StatusCode::PERMANENT_REDIRECT => Ok(Told::Kept(kept(&answer)?)),
            status if status.is_success() => {
                // What cannot be read of a success has happened all the same.
                let told = |error: Error| error.with_ambiguous(true);
                let resource: Resource = call::json(answer).await.map_err(told)?;
                Ok(Told::Done(resource.etag().map_err(told)?))
            }
            _ => Err(call::refusal(answer).await),
        }
    }

    /// Asks what has been kept.
    pub(super) async fn ask(&self) -> Result<Told, Refused> {
        self.send(Bytes::new(), "bytes */*").await
    }

    /// Gives the session up; one that has ended is Ok.
    pub(super) async fn end(&self) -> Result<()> {
        let delete = self.connection.http()?.request(Method::DELETE, self.address.clone());
        let answer = delete.body(Body::from(Bytes::new())).send().await.map_err(error::unanswered)?;
        let status = answer.status();
        if status.is_success() || status.as_u16() == CLIENT_CLOSED_REQUEST || has_ended(status) {
            return Ok(());
        }
        Err(call::refusal(answer).await.error)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

/// Whether an answer means that there is no such session, or no more.
pub(super) fn has_ended(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) || status.as_u16() == CLIENT_CLOSED_REQUEST
}

/// Where the session is. Objects go nowhere but where the bucket is.
fn address(endpoint: &str, answer: &Response) -> Result<Url> {
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let address = location.and_then(|text| Url::parse(text).ok());
    let address = address.ok_or_else(|| malformed("Cloud Storage started an upload without saying where"))?;
    let there = Url::parse(endpoint).map(|endpoint| endpoint.origin());
    if !there.is_ok_and(|there| there == address.origin()) {
        let text = "Cloud Storage started an upload at another host than its endpoint: nothing is sent there; set the endpoint \
                    to the host that it names itself by";
        return Err(Error::new(ErrorKind::Malformed, text).with_provider(NAME));
    }
    Ok(address)
}

/// How many bytes are kept, from `Range: bytes=0-41`; none where there is no such header.
fn kept(answer: &Response) -> Result<u64> {
    let Some(range) = answer.headers().get(RANGE) else { return Ok(0) };
    let last = range.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes=0-")?.parse::<u64>().ok());
    let kept = last.and_then(|last| last.checked_add(1));
    kept.ok_or_else(|| malformed("Cloud Storage does not say what it has kept of an upload"))
}
