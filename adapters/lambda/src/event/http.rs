//! Requests, in each of the shapes in which gateways write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use skyport_core::Body;
use skyport_core::http::{Fidelity, Request};

use super::{escape, query};
use crate::reply::Shape;

/// What is wrong with a request, for its sender to see.
pub(crate) type Wrong = &'static str;

/// The shape in which a request came, and is to be answered.
pub(crate) fn shape(event: &Value, kind: super::Kind) -> Option<Shape> {
    match kind {
        super::Kind::HttpV2 => Some(Shape::V2),
        super::Kind::HttpV1 => Some(Shape::V1),
        super::Kind::Alb => Some(Shape::Alb { multi: event["multiValueHeaders"].is_object() }),
        _ => None,
    }
}

/// The method of a request; of one that HTTP does not know, GET: it is refused before it matters.
pub(crate) fn method(event: &Value, shape: Shape) -> Option<Method> {
    let name = match shape {
        Shape::V2 => event["requestContext"]["http"]["method"].as_str(),
        Shape::V1 | Shape::Alb { .. } => event["httpMethod"].as_str(),
    };
    name.and_then(|name| Method::from_bytes(name.as_bytes()).ok())
}

/// The request.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn request(mut event: Value, shape: Shape) -> Result<Request, Wrong> {
    let method = method(&event, shape).ok_or("the method is none of HTTP")?;
    let (path, decoded) = path(&event, shape);
    let query = match shape {
        Shape::V2 => escape::query(event["rawQueryString"].as_str().unwrap_or_default()),
        Shape::V1 => query::of_decoded(&event),
        Shape::Alb { .. } => query::of_encoded(&event),
    };
    let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
    let (mut headers, joined) = headers(&event)?;
    if shape == Shape::V2 {
        put_cookies(&event, &mut headers);
    }
    let body = body(&mut event)?;
    let mut request = http::Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().map_err(|_| "the path and the query are too long")?;
    *request.headers_mut() = headers;
    let mut fidelity = Fidelity::default();
    fidelity.path_decoded = decoded;
    fidelity.headers_joined = joined;
    fidelity.buffered = true;
    Ok(Request::from(request).with_fidelity(fidelity))
}

/// The path without the stage, and whether the gateway has decoded it. HTTP APIs do, in both formats, and put a stage that
/// has a name before it; REST APIs, Function URLs and load balancers do neither.
fn path(event: &Value, shape: Shape) -> (String, bool) {
    let context = &event["requestContext"];
    let (raw, decoded) = match shape {
        Shape::V2 => {
            let domain = context["domainName"].as_str().unwrap_or_default();
            (&event["rawPath"], !domain.contains(".lambda-url."))
        }
        // A REST API's events name no version.
        Shape::V1 => (&event["path"], event["version"] == "1.0"),
        Shape::Alb { .. } => (&event["path"], false),
    };
    let raw = raw.as_str().unwrap_or_default();
    let staged = match context["stage"].as_str() {
        Some(stage) if decoded && stage != "$default" => without_stage(raw, stage),
        _ => raw,
    };
    (escape::path(staged), decoded)
}

fn without_stage<'p>(path: &'p str, stage: &str) -> &'p str {
    match path.strip_prefix('/').and_then(|rest| rest.strip_prefix(stage)) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The headers, and whether repeated ones were joined, or lost: of the map with all values where it is there, else of the
/// other. Never of both: the one repeats the other.
fn headers(event: &Value) -> Result<(HeaderMap, bool), Wrong> {
    let mut headers = HeaderMap::new();
    let every = event["multiValueHeaders"].as_object();
    if let Some(every) = every.filter(|every| !every.is_empty()) {
        for (name, values) in every {
            for value in values.as_array().map(Vec::as_slice).unwrap_or_default() {
                put(&mut headers, name, value)?;
            }
        }
        return Ok((headers, false));
    }
    for (name, value) in event["headers"].as_object().into_iter().flatten() {
        put(&mut headers, name, value)?;
    }
    Ok((headers, true))
}

fn put(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), Wrong> {
    let Some(value) = value.as_str() else { return Ok(()) };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name is none of HTTP")?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "a header's value is none of HTTP")?;
    headers.try_append(name, value).map(drop).map_err(|_| "there are too many headers")
}

/// Cookies stand in a list of their own; as HTTP has it they are one header.
fn put_cookies(event: &Value, headers: &mut HeaderMap) {
    let cookies = event["cookies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cookies: Vec<&str> = cookies.iter().filter_map(Value::as_str).collect();
    if let Ok(value) = HeaderValue::from_bytes(cookies.join("; ").as_bytes())
        && !cookies.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

fn body(event: &mut Value) -> Result<Bytes, Wrong> {
    let encoded = event["isBase64Encoded"] == true;
    match event["body"].take() {
        Value::String(body) if encoded => {
            STANDARD.decode(body).map(Bytes::from).map_err(|_| "the body is said to be base64, and is not")
        }
        Value::String(body) => Ok(body.into()),
        _ => Ok(Bytes::new()),
    }
}

#[cfg(test)]
mod tests;
