//! How the bytes of an input are read.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri};
use skyport_core::Body;

/// A text; what is no UTF-8 of it is replaced.
pub(crate) fn of(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// The first line, and what comes after it.
pub(crate) fn line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[]),
    }
}

/// The first `N` lines as texts, empty where there are no more, and what comes after them.
pub(crate) fn lines<const N: usize>(mut input: &[u8]) -> ([String; N], &[u8]) {
    let texts = std::array::from_fn(|_| {
        let (first, rest) = line(input);
        input = rest;
        of(first)
    });
    (texts, input)
}

/// A request as people write it: `POST /path`, headers in a line each, an empty line, the body. None where a server would not have
/// taken it for one.
pub(crate) fn request(input: &[u8]) -> Option<http::Request<Body>> {
    let (first, mut rest) = line(input);
    let first = std::str::from_utf8(first).ok()?;
    let (method, uri) = first.split_once(' ')?;
    let uri: Uri = uri.parse().ok()?;
    let mut request = http::Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    loop {
        let (head, after) = line(rest);
        rest = after;
        if head.is_empty() {
            break;
        }
        let at = head.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(head[..at].trim_ascii()).ok()?;
        let value = HeaderValue::from_bytes(head[at + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    *request.body_mut() = Body::from(rest.to_vec());
    Some(request)
}
