//! A request, and what a handler reads from it.

use std::borrow::Cow;
use std::str::FromStr;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::params::{CarriedParams, PathParams};
use crate::body::Body;
use crate::{Error, ErrorKind, Result};

/// Errors with this operation are the request's own: they become 4xx.
pub(crate) const OPERATION: &str = "http.request";

/// An HTTP request: a thin wrapper of [`http::Request`], with `From` both ways.
#[derive(Debug)]
pub struct Request {
    inner: http::Request<Body>,
    params: PathParams,
}

/// What an adapter had to give up of the request as the client sent it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fidelity {
    /// The path arrived percent-decoded.
    pub path_decoded: bool,
    /// Repeated headers arrived joined by commas.
    pub headers_joined: bool,
    /// The body arrived whole rather than streamed.
    pub buffered: bool,
}

impl Request {
    /// A request without headers.
    ///
    /// # Panics
    /// Never for a `uri` that is a literal path such as `/photos`.
    ///
    /// # Errors
    /// `InvalidArgument` where `uri` is no URI.
    pub fn new(method: Method, uri: &str, body: impl Into<Body>) -> Result<Self> {
        let uri: Uri = uri.parse().map_err(|error| Error::invalid("not a URI").with_source(error))?;
        let mut request = http::Request::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        Ok(request.into())
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.inner.method()
    }

    /// The URI as it was sent.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        self.inner.uri()
    }

    /// The path, percent-encoded as it was sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.inner.uri().path()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// A header's first value, where it is there and readable text.
    #[must_use]
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// The media type of the body, without parameters, in lower case.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        self.header(header::CONTENT_TYPE).map(essence)
    }

    /// What the adapter had to give up of the request.
    #[must_use]
    pub fn fidelity(&self) -> Fidelity {
        self.inner.extensions().get().copied().unwrap_or_default()
    }

    /// Says what the adapter had to give up.
    #[must_use]
    pub fn with_fidelity(mut self, fidelity: Fidelity) -> Self {
        self.inner.extensions_mut().insert(fidelity);
        self
    }

    /// What stands in the path where the route has `{name}`, percent-decoded and parsed.
    ///
    /// # Errors
    /// `InvalidArgument` (a 400) where it does not parse or is not UTF-8; `Internal` where the route has no such name.
    pub fn path_param<T: FromStr>(&self, name: &str) -> Result<T> {
        let carried = || self.inner.extensions().get::<CarriedParams>()?.get(name);
        let raw = self.params.get(self.path(), name).or_else(carried).ok_or_else(|| {
            Error::internal(format!("the route has no `{{{name}}}`")).with_operation("http.path_param")
        })?;
        let text = percent_decode_str(raw)
            .decode_utf8()
            .map_err(|_| wrong(format!("`{name}` in the path is not UTF-8")))?;
        parse(name, "path", &text)
    }

    /// The first value of a query parameter, decoded and parsed; `None` where it is not there.
    ///
    /// # Errors
    /// `InvalidArgument` (a 400) where it does not parse.
    pub fn query_param<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let query = self.inner.uri().query().unwrap_or_default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if form_decode(key)? == name {
                return parse(name, "query", &form_decode(value)?).map(Some);
            }
        }
        Ok(None)
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.inner.into_body()
    }

    /// Takes the body and leaves an empty one.
    #[must_use]
    pub fn take_body(&mut self) -> Body {
        std::mem::take(self.inner.body_mut())
    }

    /// The whole body in memory. The route's limit (20 MiB by default) holds.
    ///
    /// # Errors
    /// `TooLarge` (a 413) over the route's limit; `InvalidArgument` (a 400) where the client broke off.
    pub async fn bytes(self) -> Result<Bytes> {
        self.into_body().collect(usize::MAX).await
    }

    /// The whole body as UTF-8.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and `InvalidArgument` (a 400) where it is not UTF-8.
    pub async fn text(self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| wrong("the body is not UTF-8"))
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); `Unsupported` (a 415) where another content type is declared; `InvalidArgument` (a
    /// 400) where it is not such JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        match self.content_type() {
            Some(other) if other != "application/json" && !other.ends_with("+json") => {
                return Err(Error::new(ErrorKind::Unsupported, "the body is to be application/json")
                    .with_operation(OPERATION));
            }
            _ => {}
        }
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("the body is not the JSON expected: {error}")))
    }

    /// Those of its route. What came among its extensions is another route's.
    pub(crate) fn set_params(&mut self, params: PathParams) {
        self.inner.extensions_mut().remove::<CarriedParams>();
        self.params = params;
    }

    pub(crate) fn map_body(self, f: impl FnOnce(Body) -> Body) -> Self {
        Self { inner: self.inner.map(f), params: self.params }
    }
}

/// An error that is the request's.
pub(crate) fn wrong(message: impl Into<Cow<'static, str>>) -> Error {
    Error::invalid(message).with_operation(OPERATION)
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn parse<T: FromStr>(name: &str, place: &str, text: &str) -> Result<T> {
    text.parse().map_err(|_| wrong(format!("`{name}` in the {place} has not the form it must have")))
}

fn form_decode(text: &str) -> Result<Cow<'_, str>> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| wrong("the query is not UTF-8"))?;
    Ok(Cow::Owned(decoded.into_owned()))
}

impl From<http::Request<Body>> for Request {
    fn from(inner: http::Request<Body>) -> Self {
        Self { inner, params: PathParams::default() }
    }
}

impl From<Request> for http::Request<Body> {
    fn from(request: Request) -> Self {
        let Request { mut inner, params } = request;
        // Only where there are any: an extension costs allocations.
        if let Some(params) = params.carried(inner.uri().path()) {
            inner.extensions_mut().insert(params);
        }
        inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str) -> Request {
        Request::new(Method::GET, uri, "").expect("valid")
    }

    #[test]
    fn query_parameters_are_decoded_and_parsed() {
        let request = request("/x?a=1&b=a+b%2Bc&a=2&c");
        assert_eq!(request.query_param::<u32>("a").expect("parses"), Some(1));
        assert_eq!(request.query_param::<String>("b").expect("parses").as_deref(), Some("a b+c"));
        assert_eq!(request.query_param::<String>("c").expect("parses").as_deref(), Some(""));
        assert_eq!(request.query_param::<u32>("d").expect("absent"), None);
        assert_eq!(
            request.query_param::<u32>("b").expect_err("no number").kind(),
            ErrorKind::InvalidArgument
        );
    }

    #[test]
    fn path_parameters_keep_an_encoded_slash_inside_one_segment() {
        let path = "/photos/a%2Fb/%FF";
        let mut request = request(path);
        let names = ["name", "bad"].map(Box::from).into();
        request.set_params(PathParams::new(path, &names, path.split('/').skip(2)));
        assert_eq!(request.path_param::<String>("name").expect("decodes"), "a/b");
        assert_eq!(request.path_param::<String>("bad").expect_err("not UTF-8").operation(), Some(OPERATION));
        assert_eq!(request.path_param::<String>("none").expect_err("no such").kind(), ErrorKind::Internal);
    }

    #[test]
    fn path_parameters_outlive_a_layer_that_changes_the_path() {
        let path = "/photos/cat";
        let mut request = request(path);
        let names = ["name"].map(Box::from).into();
        request.set_params(PathParams::new(path, &names, path.split('/').skip(2)));
        let mut inner = http::Request::from(request);
        *inner.uri_mut() = Uri::from_static("/elsewhere");
        let request = Request::from(inner);
        assert_eq!(
            (request.path(), &*request.path_param::<String>("name").expect("kept")),
            ("/elsewhere", "cat")
        );
    }
}
