//! An ordinary HTTP client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use skyport::Body;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends requests; keeps connections.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpConnector, Body>);

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Http {
    /// A client without connections.
    #[must_use]
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request; the answer's body is still to be read.
    ///
    /// # Errors
    /// Where the connection fails.
    pub async fn open(&self, request: Request<Body>) -> Result<http::Response<Incoming>, Error> {
        match tokio::time::timeout(PATIENCE, self.0.request(request)).await {
            Ok(answered) => answered,
            Err(_) => panic!("no answer within {PATIENCE:?}"),
        }
    }

    /// Sends a request and reads the whole answer; `None` where the connection breaks.
    ///
    /// # Panics
    /// Where there is no answer within a minute.
    pub async fn attempt(&self, request: Request<Body>) -> Option<Answer> {
        let (parts, body) = self.open(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// Where the connection breaks.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        self.attempt(request).await.unwrap_or_else(|| panic!("the connection broke: {what}"))
    }

    /// A GET.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(request(Method::GET, url, Body::default())).await
    }

    /// A PUT without a content type, as `curl -T` sends it.
    pub async fn put(&self, url: &str, body: impl Into<Body>) -> Answer {
        self.send(request(Method::PUT, url, body)).await
    }

    /// A POST with no body.
    pub async fn post(&self, url: &str) -> Answer {
        self.send(request(Method::POST, url, Body::default())).await
    }

    /// A DELETE.
    pub async fn delete(&self, url: &str) -> Answer {
        self.send(request(Method::DELETE, url, Body::default())).await
    }
}

/// A request without headers.
///
/// # Panics
/// Where the URL is none.
pub fn request(method: Method, url: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(url).body(body.into()).expect("a URL")
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// Asserts that the status is this one.
    ///
    /// # Panics
    /// Where it is another.
    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
