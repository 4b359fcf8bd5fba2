//! A response, and what turns into one.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::app::{HandlerError, HandlerResult};
use crate::body::Body;

/// What text is sent as.
const TEXT: &str = "text/plain; charset=utf-8";

/// An HTTP response: a thin wrapper of [`http::Response`], with `From` both ways.
///
/// ```
/// use skyport_core::http::Response;
///
/// let response = Response::created().with_header("location", "/photos/cat.jpg");
/// assert_eq!(response.status(), 201);
/// ```
#[derive(Debug, Default)]
pub struct Response(http::Response<Body>);

impl Response {
    /// An empty response of any status.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let mut response = http::Response::new(Body::empty());
        *response.status_mut() = status;
        Self(response)
    }

    /// 200 with a body.
    #[must_use]
    pub fn ok(body: impl Into<Body>) -> Self {
        Self(http::Response::new(body.into()))
    }

    /// 201, empty.
    #[must_use]
    pub fn created() -> Self {
        Self::new(StatusCode::CREATED)
    }

    /// 202, empty.
    #[must_use]
    pub fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// 304.
    #[must_use]
    pub fn not_modified() -> Self {
        Self::new(StatusCode::NOT_MODIFIED)
    }

    /// 200 with text as UTF-8.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::ok(text.into()).typed(TEXT)
    }

    /// 200 with a value as JSON.
    ///
    /// # Errors
    /// A failure of the value to serialise (a map whose keys are no strings, say), as fatal.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> HandlerResult<Self> {
        let bytes = serde_json::to_vec(value).map_err(HandlerError::fatal)?;
        Ok(Self::ok(bytes).typed("application/json"))
    }

    /// With the first content type that it has.
    fn typed(mut self, content_type: &'static str) -> Self {
        self.0.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        *self.0.status_mut() = status;
        self
    }

    /// The same with a header more. A name or value that HTTP does not allow is left out, and logged: it came from
    /// data, and must not take the response down.
    #[must_use]
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let name = HeaderName::from_bytes(name.as_ref().as_bytes());
        let value = HeaderValue::from_bytes(value.as_ref().as_bytes());
        match (name, value) {
            (Ok(name), Ok(value)) => {
                self.0.headers_mut().append(name, value);
            }
            _ => tracing::warn!("a response header with characters that HTTP does not allow was left out"),
        }
        self
    }

    /// The same with this content type instead of another.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &str) -> Self {
        self.0.headers_mut().remove(header::CONTENT_TYPE);
        self.with_header("content-type", content_type)
    }

    /// The same with another body.
    #[must_use]
    pub fn with_body(self, body: impl Into<Body>) -> Self {
        Self(self.0.map(|_| body.into()))
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The headers, to change.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.0.into_body()
    }
}

impl From<http::Response<Body>> for Response {
    fn from(response: http::Response<Body>) -> Self {
        Self(response)
    }
}

impl From<Response> for http::Response<Body> {
    fn from(response: Response) -> Self {
        response.0
    }
}

/// What an HTTP handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no HTTP response",
    note = "return `Response`, `Json<T>`, text, bytes, a status, or `(status, any of these)`"
)]
pub trait IntoResponse {
    /// The response.
    ///
    /// # Errors
    /// Where the value does not serialise.
    fn into_response(self) -> HandlerResult<Response>;
}

/// A value that is answered as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> HandlerResult<Response> {
        Response::json(&self.0)
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self) -> HandlerResult<Response> {
        Ok(self.1.into_response()?.with_status(self.0))
    }
}

macro_rules! into_response {
    ($($from:ty => $convert:expr),* $(,)?) => {$(
        impl IntoResponse for $from {
            fn into_response(self) -> HandlerResult<Response> {
                Ok($convert(self))
            }
        }
    )*};
}

into_response! {
    Response => |response| response,
    http::Response<Body> => Response,
    StatusCode => Response::new,
    () => |()| Response::no_content(),
    &'static str => |text| Response::ok(text).typed(TEXT),
    String => Response::text,
    Bytes => octets,
    Vec<u8> => octets,
    Body => octets,
}

fn octets(body: impl Into<Body>) -> Response {
    Response::ok(body).typed("application/octet-stream")
}
