//! Sends signed requests: to the provider's own endpoint without a socket, else over the network as anybody would.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use skyport_core::blob::{Bucket, SignedRequest};
use skyport_core::provider::Endpoint;
use skyport_core::{Body, Error, ErrorKind, Result};
use tokio::net::TcpStream;

use super::bucket;
use crate::{Context, Outcome};

/// Where signed requests go.
pub(super) enum Client {
    /// Served by the provider itself.
    Own(Arc<dyn Endpoint>),
    /// Served by the cloud, or its emulator.
    Wire,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A bucket that signs, and a client for its URLs; else why there is none.
pub(super) async fn client(cx: &Context) -> Result<std::result::Result<(Bucket, Client), Outcome>> {
    let bucket = bucket(cx).await?;
    if !bucket.capabilities().sign.is_supported() {
        return Ok(Err(Outcome::Skipped("it signs no URLs")));
    }
    if let Some(endpoint) = cx.provider().endpoint() {
        return Ok(Ok((bucket, Client::Own(endpoint))));
    }
    let signed = bucket.sign_get("k", std::time::Duration::from_secs(60)).await?;
    if signed.url.starts_with("https:") {
        return Ok(Err(Outcome::Skipped("its URLs are HTTPS, which the suite does not speak")));
    }
    Ok(Ok((bucket, Client::Wire)))
}

macro_rules! served {
    ($cx:expr) => {
        match $crate::blob::signed::client(&$cx).await? {
            Ok(served) => served,
            Err(skipped) => return Ok(skipped),
        }
    };
}
pub(super) use served;

impl Client {
    /// Whether the provider serves its URLs itself, and so the rest of HTTP on them is ours to keep, too.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    pub(super) async fn send(&self, signed: &SignedRequest, body: impl Into<Body>) -> Result<Answer> {
        let mut request = Request::new(body.into());
        *request.method_mut() = signed.method.clone();
        *request.headers_mut() = signed.headers.clone();
        self.raw(request, &signed.url).await
    }

    /// Whether a signed request succeeds; one whose body breaks may get no answer at all.
    pub(super) async fn succeeds(&self, signed: &SignedRequest, body: impl Into<Body>) -> bool {
        self.send(signed, body).await.is_ok_and(|answer| answer.status.is_success())
    }

    pub(super) async fn get(&self, url: &str, header: (&'static str, &str)) -> Result<Answer> {
        let mut request = Request::new(Body::empty());
        let value = header.1.parse().expect("a header value");
        request.headers_mut().insert(header.0, value);
        self.raw(request, url).await
    }

    pub(super) async fn method(&self, method: Method, url: &str, body: impl Into<Body>) -> Result<Answer> {
        let mut request = Request::new(body.into());
        *request.method_mut() = method;
        self.raw(request, url).await
    }

    async fn raw(&self, mut request: Request<Body>, url: &str) -> Result<Answer> {
        let uri: Uri = url.parse().expect("a valid URL");
        match self {
            Self::Own(endpoint) => {
                *request.uri_mut() = uri;
                assert!(request.uri().path().starts_with(endpoint.prefix()));
                let (head, body) = endpoint.serve(request).await.into_parts();
                let body = body.collect(1 << 20).await?;
                Ok(Answer { status: head.status, headers: head.headers, body })
            }
            Self::Wire => over_the_wire(request, &uri).await,
        }
    }
}

async fn over_the_wire(mut request: Request<Body>, uri: &Uri) -> Result<Answer> {
    let authority = uri.authority().expect("a URL with a host").clone();
    let path = uri.path_and_query().expect("a URL with a path").clone();
    *request.uri_mut() = path.into();
    let host = HeaderValue::from_str(authority.as_str()).expect("a host");
    request.headers_mut().insert("host", host);
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(unanswered)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(unanswered)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(unanswered)?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(unanswered)?.to_bytes();
    connection.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

fn unanswered(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "a signed request got no answer").with_source(error)
}
