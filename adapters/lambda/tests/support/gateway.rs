//! Gateways: a client's request as an event, and an answer as a client's response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use skyport_core::{Error, ErrorKind, Result};

use super::runtime_api::Answer;

/// A way for requests to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// A Function URL.
    FunctionUrl,
    /// A REST API.
    Rest,
    /// A load balancer with multi-value headers.
    LoadBalancer,
}

impl Gateway {
    /// The event of a request.
    pub(crate) fn event(self, request: &Request<Bytes>) -> Value {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let method = request.method().as_str();
        let mut event = match self {
            Self::FunctionUrl => json!({
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": path,
                "rawQueryString": query,
                "headers": joined(request.headers()),
                "requestContext": {
                    "domainName": "abcdefg.lambda-url.us-east-1.on.aws",
                    "stage": "$default",
                    "http": {"method": method, "path": path, "protocol": "HTTP/1.1"},
                },
            }),
            Self::Rest => json!({
                "resource": "/{proxy+}",
                "path": path,
                "httpMethod": method,
                "headers": joined(request.headers()),
                "multiValueHeaders": every(request.headers()),
                "queryStringParameters": null,
                "multiValueQueryStringParameters": parameters(query, decoded),
                "requestContext": {"stage": "prod", "path": format!("/prod{path}"), "httpMethod": method},
            }),
            Self::LoadBalancer => json!({
                "path": path,
                "httpMethod": method,
                "multiValueHeaders": every(request.headers()),
                "multiValueQueryStringParameters": parameters(query, str::to_owned),
                "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/t/1"}},
            }),
        };
        let text = std::str::from_utf8(request.body()).ok();
        event["body"] = text.map_or_else(|| STANDARD.encode(request.body()), str::to_owned).into();
        event["isBase64Encoded"] = text.is_none().into();
        event
    }

    /// The response to a client.
    pub(crate) fn response(self, answer: Answer) -> Result<Response<Bytes>> {
        let (head, body) = match answer {
            Answer::Whole(mut whole) => {
                let body =
                    whole["body"].take().as_str().map(str::to_owned).ok_or_else(|| wrong("no body"))?;
                let body = match whole["isBase64Encoded"] == true {
                    true => STANDARD.decode(body).map_err(|_| wrong("a body that is not base64"))?.into(),
                    false => Bytes::from(body),
                };
                (whole, body)
            }
            Answer::Streamed(prelude, body, None) => (prelude, body),
            other => return Err(wrong(&format!("{other:?}"))),
        };
        let status = head["statusCode"].as_u64().ok_or_else(|| wrong("no status"))?;
        let mut response = Response::builder().status(u16::try_from(status).unwrap_or_default());
        let described =
            head["statusDescription"].as_str().is_some_and(|text| text.starts_with(&status.to_string()));
        if described != (self == Self::LoadBalancer) {
            return Err(wrong("a status that is described, or not, against the rule"));
        }
        for (name, value) in head["headers"].as_object().into_iter().flatten() {
            response =
                response.header(name, value.as_str().ok_or_else(|| wrong("a header that is no text"))?);
        }
        for (name, values) in head["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().into_iter().flatten() {
                response =
                    response.header(name, value.as_str().ok_or_else(|| wrong("a header that is no text"))?);
            }
        }
        for cookie in head["cookies"].as_array().into_iter().flatten() {
            response = response.header("set-cookie", cookie.as_str().unwrap_or_default());
        }
        response.body(body).map_err(|error| wrong(&error.to_string()))
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("a gateway does not take this answer: {what}"))
}

/// Each header once, its values joined by a comma: as Function URLs do.
fn joined(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        map.insert(name.to_string(), values.join(",").into());
    }
    map.into()
}

fn every(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        map.insert(name.to_string(), values.into());
    }
    map.into()
}

fn parameters(query: &str, decode: impl Fn(&str) -> String) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let values = map.entry(decode(name)).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(decode(value).into());
        }
    }
    if map.is_empty() { Value::Null } else { map.into() }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
