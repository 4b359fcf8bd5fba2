//! A request without a socket, and its response.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use skyport_core::app::Resources;
use skyport_core::http::{Request, Response};
use skyport_core::{Body, Result};

use super::Test;

/// The largest response that a test reads.
const MAX_RESPONSE: usize = 1 << 30;

/// A request that is made when it is awaited.
#[derive(Debug)]
#[must_use = "await it"]
pub struct Exchange<'t, R: Resources> {
    test: &'t Test<R>,
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Body,
}

impl<'t, R: Resources> Exchange<'t, R> {
    pub(super) fn new(test: &'t Test<R>, method: Method, uri: &str, body: Body) -> Self {
        Self { test, method, uri: uri.to_owned(), headers: HeaderMap::new(), body }
    }

    /// Adds a header.
    ///
    /// # Panics
    /// Where HTTP does not allow such a name or value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        match (name, value) {
            (Ok(name), Ok(value)) => self.headers.append(name, value),
            _ => panic!("HTTP allows no such header"),
        };
        self
    }

    /// Adds headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sends JSON.
    ///
    /// # Panics
    /// Where the value does not serialise.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body = Body::from(bytes),
            Err(error) => panic!("the value does not serialise: {error}"),
        }
        self.header("content-type", "application/json")
    }

    /// Sends it, where the response's body may break off, as it does under injected faults. Awaiting the exchange itself panics then.
    ///
    /// # Errors
    /// What the response's body broke off with.
    ///
    /// # Panics
    /// Where HTTP does not allow such a URI.
    pub async fn attempt(self) -> Result<TestResponse> {
        let head = self.method == Method::HEAD;
        let request = match Request::new(self.method, &self.uri, self.body) {
            Ok(request) => request,
            Err(error) => panic!("{}: {error}", self.uri),
        };
        let mut request: http::Request<Body> = request.into();
        *request.headers_mut() = self.headers;
        TestResponse::read(self.test.answer(request).await, head).await
    }
}

impl<'t, R: Resources> IntoFuture for Exchange<'t, R> {
    type Output = TestResponse;
    type IntoFuture = Pin<Box<dyn Future<Output = TestResponse> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.attempt().await {
                Ok(response) => response,
                Err(error) => panic!("the response's body broke off: {error}"),
            }
        })
    }
}

/// A response that was read to its end.
#[derive(Clone, Debug)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestResponse {
    async fn read(response: Response, head: bool) -> Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match response.into_body().collect(MAX_RESPONSE).await {
            _ if head => Bytes::new(),
            collected => collected?,
        };
        Ok(Self { status, headers, body })
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header's first value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is not such JSON.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not the JSON expected ({error}): {}", self.text()),
        }
    }

    /// Asserts the status.
    ///
    /// # Panics
    /// Where it is another one; shows the body.
    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, got {}: {}", self.status, self.text());
        self
    }
}
