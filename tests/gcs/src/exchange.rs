//! A request that has arrived, and the reply to it.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::error::{Failure, Result};

/// A request, with all of its body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As it was sent.
    pub(crate) path: String,
    /// Between the slashes, decoded: a slash inside of a name was sent as `%2F`.
    pub(crate) segments: Vec<String>,
    /// In order, decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// No where the connection broke before the body's end.
    pub(crate) whole: bool,
    /// Of the bytes for a session so many are kept: a fault that a test asked for.
    pub(crate) keep_at_most: Option<u64>,
}

impl Request {
    pub(crate) fn new(head: http::request::Parts, body: Bytes, whole: bool) -> Result<Self> {
        let path = head.uri.path().to_owned();
        let segments = path.trim_start_matches('/').split('/').map(decoded).collect::<Result<_>>()?;
        let mut query = Vec::new();
        let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.push((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?));
        }
        Ok(Self {
            method: head.method,
            path,
            segments,
            query,
            headers: head.headers,
            body,
            whole,
            keep_at_most: None,
        })
    }

    /// A parameter of the query; where it stands there several times, the last one.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number in the query.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Failure::invalid(format!("Invalid value for {name}: {text}")))
        };
        self.parameter(name).map(parse).transpose()
    }

    /// Whether the query says so.
    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        match self.parameter(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(Failure::invalid(format!("Invalid value for {name}: {text}"))),
        }
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// The media type of the body, without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The body as a JSON object; an empty one as one without fields.
    pub(crate) fn json(&self) -> Result<Map<String, Value>> {
        if !self.body.is_empty() && self.media_type() != "application/json" {
            let message = "Content-Type must be application/json";
            return Err(Failure::new(400, "badRequest", "InvalidArgument", message));
        }
        object(&self.body)
    }
}

/// Reads a JSON object; nothing at all as one without fields.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::new(400, "parseError", "InvalidArgument", format!("Parse Error: {error}")))
}

fn decoded(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| Failure::invalid("The URL is not UTF-8."))
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(crate) fn json(value: &Value) -> Self {
        let reply = Self::new(StatusCode::OK).header(CONTENT_TYPE, "application/json; charset=UTF-8");
        reply.body(value.to_string())
    }

    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// With one more header; what cannot stand in one is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.append(name, value);
        }
        self
    }

    /// A header of Google's own.
    pub(crate) fn goog(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(format!("x-goog-{name}")), HeaderValue::from_bytes(value.as_bytes()))
        {
            self.headers.append(name, value);
        }
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}
