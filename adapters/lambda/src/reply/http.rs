//! Responses, in the shape in which their request came.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use skyport_core::Body;
use skyport_core::http::{Response, problem};

use super::Answer;

/// The shape of a request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// REST APIs, and HTTP APIs with payload format 1.0.
    V1,
    /// Function URLs, and HTTP APIs with payload format 2.0.
    V2,
    /// Load balancers; with all values of a header where the target group says so.
    Alb {
        /// Headers have lists of values.
        multi: bool,
    },
}

impl Shape {
    /// The largest answer in bytes: Lambda's own limit, and a load balancer's.
    fn limit(self) -> usize {
        match self {
            Self::V1 | Self::V2 => 6_291_556,
            Self::Alb { .. } => 1 << 20,
        }
    }
}

/// Headers as a gateway takes them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    #[serde(flatten)]
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Prelude {
    status_code: u16,
    #[serde(flatten)]
    headers: Headers,
}

/// The response to a request that came in this shape; as a stream where that is asked for and the shape has one.
pub(crate) async fn answer(
    response: Response,
    shape: Shape,
    method: Option<&Method>,
    streaming: bool,
) -> Answer {
    let mut response = http::Response::<Body>::from(response);
    if method == Some(&Method::HEAD) {
        behead(&mut response);
    }
    name_type(&mut response);
    let (parts, body) = response.into_parts();
    if streaming && !matches!(shape, Shape::Alb { .. }) {
        let prelude = Prelude { status_code: parts.status.as_u16(), headers: headers(&parts.headers, shape) };
        return match serde_json::to_vec(&prelude) {
            Ok(prelude) => Answer::Streamed(prelude, body),
            Err(error) => Answer::Failed(crate::failure::Failure::internal(error.to_string())),
        };
    }
    match body.collect(shape.limit()).await {
        Ok(body) => whole(parts.status, &parts.headers, &body, shape),
        Err(error) => {
            tracing::error!(
                %error,
                limit = shape.limit(),
                "a response's body failed, or is larger than its gateway takes; stream responses, or hand out signed URLs"
            );
            failed(shape)
        }
    }
}

/// The response whose own cannot be sent.
fn failed(shape: Shape) -> Answer {
    let problem =
        http::Response::<Body>::from(problem::response(StatusCode::INTERNAL_SERVER_ERROR, None, None));
    let (parts, body) = problem.into_parts();
    whole(parts.status, &parts.headers, &body.try_into_bytes().unwrap_or_default(), shape)
}

fn whole(status: StatusCode, headers_in: &HeaderMap, body: &Bytes, shape: Shape) -> Answer {
    let encoded = headers_in.contains_key(header::CONTENT_ENCODING);
    let text = if encoded { None } else { std::str::from_utf8(body).ok() };
    let whole = Whole {
        status_code: status.as_u16(),
        status_description: matches!(shape, Shape::Alb { .. }).then(|| description(status)),
        headers: headers(headers_in, shape),
        body: text.map_or_else(|| STANDARD.encode(body), str::to_owned),
        is_base64_encoded: text.is_none(),
    };
    match serde_json::to_vec(&whole) {
        Ok(json) if json.len() <= shape.limit() => Answer::Whole(json),
        Ok(json) => {
            tracing::error!(
                bytes = json.len(),
                limit = shape.limit(),
                "a response is larger than its gateway takes; stream responses, or hand out signed URLs"
            );
            // Itself small, and text.
            failed(shape)
        }
        Err(error) => Answer::Failed(crate::failure::Failure::internal(error.to_string())),
    }
}

/// A HEAD tells the length and sends nothing.
fn behead(response: &mut http::Response<Body>) {
    let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let Some(length) = response.body().known_len().filter(|_| !bodiless) {
        let headers = response.headers_mut();
        headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

/// Where a body's type is not told, gateways say JSON: it is told that nothing is known of it.
fn name_type(response: &mut http::Response<Body>) {
    if response.body().known_len() != Some(0) {
        let octets = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(octets);
    }
}

fn description(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Unknown"))
}

fn headers(headers: &HeaderMap, shape: Shape) -> Headers {
    match shape {
        Shape::V1 | Shape::Alb { multi: true } => {
            let mut every: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, value) in headers {
                every.entry(name.as_str().to_owned()).or_default().push(text(value));
            }
            Headers { multi_value_headers: Some(every), ..Headers::default() }
        }
        Shape::V2 => {
            let cookies = headers.get_all(header::SET_COOKIE).iter().map(text).collect();
            Headers { headers: Some(joined(headers)), cookies, ..Headers::default() }
        }
        Shape::Alb { multi: false } => {
            let mut one = joined(headers);
            let mut cookies = headers.get_all(header::SET_COOKIE).iter().map(text);
            if let Some(first) = cookies.next() {
                one.insert(header::SET_COOKIE.as_str().to_owned(), first);
            }
            if cookies.next().is_some() {
                // They cannot be joined, and there is room for one.
                tracing::warn!(
                    "all cookies of a response but the first were left out: turn on multi-value headers of the target group"
                );
            }
            Headers { headers: Some(one), ..Headers::default() }
        }
    }
}

/// Each header once, repeated ones joined; without cookies, which cannot be.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::SET_COOKIE) {
        let value = text(value);
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert(value);
    }
    joined
}

/// JSON has text only: a byte that is none of UTF-8 becomes U+FFFD.
fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
