//! Requests in the wrapped form: `{"Url":..,"Method":..,"Query":..,"Headers":{"name":["value"]},"Params":..,"Identities":..,"Body":..}`.
//! Query and path are taken from the URL: what else tells of them has repeated names joined.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::value::RawValue;
use skyport_core::Body;
use skyport_core::http::{Fidelity, Request};

use super::envelope::each;

/// What is wrong with a request, for its sender to see.
pub(crate) type Wrong = &'static str;

/// What never stands in a path or a query.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What a wrapped request consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrapped<'b> {
    url: &'b RawValue,
    method: &'b RawValue,
    headers: Option<&'b RawValue>,
    body: Option<&'b RawValue>,
}

/// The request in a call's data; `None` where it is none.
pub(crate) fn wrapped(data: &RawValue) -> Option<Wrapped<'_>> {
    let (mut url, mut method, mut headers, mut body) = (None, None, None, None);
    each(data.get(), |name, value| match name {
        "Url" => url = Some(value),
        "Method" => method = Some(value),
        "Headers" => headers = Some(value),
        "Body" => body = Some(value),
        _ => {}
    })
    .ok()?;
    Some(Wrapped { url: url?, method: method?, headers, body })
}

impl Wrapped<'_> {
    /// The method, where it is one of HTTP.
    pub(crate) fn method(&self) -> Option<Method> {
        Method::from_bytes(string(self.method)?.as_bytes()).ok()
    }

    /// The request, with its body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn request(&self) -> Result<Request, Wrong> {
        let method = self.method().ok_or("the method is none of HTTP")?;
        let url = string(self.url).ok_or("the URL is no text")?;
        let headers = self.headers.map(headers).transpose()?.unwrap_or_default();
        let body = self.body.map(|body| body_of(body, &headers)).transpose()?.unwrap_or_default();
        let mut request = http::Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = target(&url).parse().map_err(|_| "the path and the query are too long")?;
        *request.headers_mut() = headers;
        let mut fidelity = Fidelity::default();
        fidelity.path_decoded = true;
        fidelity.buffered = true;
        Ok(Request::from(request).with_fidelity(fidelity))
    }
}

/// Path and query of a URL.
fn target(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = rest.find(['/', '?']).map_or("", |start| &rest[start..]);
    let escaped = utf8_percent_encode(target, ESCAPED).to_string();
    if escaped.starts_with('/') { escaped } else { format!("/{escaped}") }
}

fn headers(raw: &RawValue) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::new();
    let mut wrong = None;
    let mut put = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name is none of HTTP")?;
        // The body's length is another here, where it was no UTF-8.
        if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
            return Ok(());
        }
        let value = HeaderValue::from_str(value).map_err(|_| "a header's value is none of HTTP")?;
        headers.try_append(name, value).map(drop).map_err(|_| "there are too many headers")
    };
    let _ = each(raw.get(), |name, values| {
        let values = serde_json::from_str::<Vec<String>>(values.get())
            .unwrap_or_else(|_| string(values).into_iter().collect());
        for value in values {
            if let Err(why) = put(name, &value) {
                wrong.get_or_insert(why);
            }
        }
    });
    wrong.map_or(Ok(headers), Err)
}

/// The body: base64 of octets and of multipart, text of all else.
fn body_of(raw: &RawValue, headers: &HeaderMap) -> Result<Bytes, Wrong> {
    if raw.get() == "null" {
        return Ok(Bytes::new());
    }
    let Some(text) = string(raw) else { return Ok(Bytes::from(raw.get().to_owned())) };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.trim_start().to_ascii_lowercase();
    if kind.starts_with("application/octet-stream") || kind.starts_with("multipart/") {
        return STANDARD.decode(text).map(Bytes::from).map_err(|_| "the body is not the base64 it should be");
    }
    Ok(Bytes::from(text))
}

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    async fn read(data: &Value) -> Result<(Request, Bytes), Wrong> {
        let raw = RawValue::from_string(data.to_string()).expect("JSON");
        let mut request = wrapped(&raw).expect("a request").request()?;
        let body = request.take_body().collect(1 << 20).await.expect("whole");
        Ok((request, body))
    }

    #[tokio::test]
    async fn a_request_is_what_the_client_sent_as_far_as_the_host_tells() {
        let data = json!({
            "Url": "https://example.org:443/photos/a%20b%2Fc?q=1&q=2&plus=%2B",
            "Method": "PUT",
            "Query": {"q": "1,2"},
            "Headers": {"Host": ["example.org"], "X-Many": ["1", "2"], "Content-Length": ["999"], "Odd": "one"},
            "Params": {"path": "photos"},
            "Identities": [],
            "Body": "\"quoted\" \u{e9}",
        });
        let (request, body) = read(&data).await.expect("sound");
        assert_eq!((request.method(), request.path()), (&Method::PUT, "/photos/a%20b%2Fc"));
        assert_eq!(request.uri().query(), Some("q=1&q=2&plus=%2B"));
        assert_eq!(request.headers().get_all("x-many").iter().count(), 2);
        assert_eq!((request.header("odd"), request.header("content-length")), (Some("one"), None));
        assert_eq!(body, "\"quoted\" \u{e9}".as_bytes());
        let fidelity = request.fidelity();
        assert!(fidelity.path_decoded && fidelity.buffered && !fidelity.headers_joined);
    }

    #[tokio::test]
    async fn octets_and_multipart_come_in_base64_and_nothing_else_does() {
        let with = |kind: &str, body: &str| json!({"Url": "http://h/", "Method": "POST", "Headers": {"content-type": [kind]}, "Body": body});
        for kind in
            ["application/octet-stream", "Application/Octet-Stream; x=1", "multipart/form-data; boundary=b"]
        {
            assert_eq!(read(&with(kind, "/wA=")).await.expect("sound").1, &b"\xff\0"[..]);
            assert!(read(&with(kind, "!")).await.is_err());
        }
        assert_eq!(read(&with("text/plain", "/wA=")).await.expect("sound").1, "/wA=");
    }

    #[tokio::test]
    async fn what_is_missing_is_empty_and_what_is_no_http_is_wrong() {
        for (url, path) in
            [("http://h", "/"), ("http://h?x=1", "/"), ("/only", "/only"), ("http://h/a b", "/a%20b")]
        {
            let (request, body) = read(&json!({"Url": url, "Method": "GET"})).await.expect("sound");
            assert_eq!((request.path(), body.len()), (path, 0), "{url}");
        }
        for data in [
            json!({"Url": 7, "Method": "GET"}),
            json!({"Url": "/", "Method": "NO METHOD"}),
            json!({"Url": "/", "Method": "GET", "Headers": {"a b": ["1"]}}),
            json!({"Url": "/", "Method": "GET", "Headers": {"a": ["1\n2"]}}),
            json!({"Url": format!("/{}", "x".repeat(70_000)), "Method": "GET"}),
        ] {
            assert!(read(&data).await.is_err());
        }
    }

    #[test]
    fn what_is_no_request_is_told_apart() {
        for json in ["\"text\"", "{}", "{\"Url\":\"/\"}", "null", "[]", "{\"Method\":\"GET\"}"] {
            assert!(wrapped(&RawValue::from_string(json.to_owned()).expect("JSON")).is_none(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(url in ".{0,60}", method in ".{0,9}", name in ".{0,9}", value in ".{0,9}") {
            let data = json!({"Url": url, "Method": method, "Headers": {name: [value]}, "Body": url});
            let raw = RawValue::from_string(data.to_string()).expect("JSON");
            let _ = wrapped(&raw).expect("a request").request();
        }
    }
}
