//! One call of Cloud Storage's JSON API.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Body, Request, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error;
use crate::provision::NAME;

/// What a segment of a path, and a value of a query, hold as they are.
pub(super) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The longest answer that is read into memory: a page of a thousand of the longest keys, each letter of them escaped, has less.
const MOST_BYTES: usize = 16 << 20;

/// So much of what a refusal says is read.
const MOST_OF_REFUSAL: usize = 16 << 10;

/// The longest message of a refusal that is told on.
const MOST_OF_MESSAGE: usize = 512;

/// A request that is being put together.
#[must_use]
pub(crate) struct Call<'c> {
    connection: &'c Connection,
    method: Method,
    url: String,
    has_query: bool,
    headers: HeaderMap,
    body: Option<Body>,
}

/// Why there is no answer to use.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status of the answer, where there was one.
    pub(crate) status: Option<StatusCode>,
    /// What it means, before anybody looked at what was asked.
    pub(crate) error: Error,
}

impl Refused {
    pub(crate) fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { status: None, error }
    }
}

impl<'c> Call<'c> {
    /// A request to a path of segments: each is one, whatever letters it has.
    pub(crate) fn new(connection: &'c Connection, method: Method, root: &str, segments: &[&str]) -> Self {
        // Most have room in it, with their queries.
        let mut url = String::with_capacity(256);
        url.push_str(connection.endpoint());
        url.push_str(root);
        for segment in segments {
            url.push('/');
            url.extend(utf8_percent_encode(segment, UNRESERVED));
        }
        Self { connection, method, url, has_query: false, headers: HeaderMap::new(), body: None }
    }

    /// A parameter of the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.has_query { '&' } else { '?' };
        self.has_query = true;
        // Writing into a string does not fail.
        let _ = write!(self.url, "{separator}{name}={}", utf8_percent_encode(value, UNRESERVED));
        self
    }

    /// A parameter of the query, where it is given.
    pub(crate) fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// A header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A body of a type.
    pub(crate) fn body(mut self, content_type: HeaderValue, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self.header(CONTENT_TYPE, content_type)
    }

    /// A body of JSON.
    pub(crate) fn json(self, value: &serde_json::Value) -> Self {
        self.body(HeaderValue::from_static("application/json"), value.to_string())
    }

    /// The answer, where it is a success.
    pub(crate) async fn send(self) -> Result<Response, Refused> {
        let url = Url::parse(&self.url).map_err(|error| {
            Error::invalid("the request to Google could not be made").with_source(error).with_provider(NAME)
        })?;
        let mut request = Request::new(self.method, url);
        let mut headers = self.connection.headers().await?;
        // None where nobody is to know who calls: then one map does.
        if headers.is_empty() {
            headers = self.headers;
        } else {
            headers.extend(self.headers);
        }
        *request.headers_mut() = headers;
        // Without it, a POST of nothing has no length, which Google refuses.
        *request.body_mut() = Some(self.body.unwrap_or_else(|| Body::from(Bytes::new())));
        let answer = self.connection.http()?.execute(request).await.map_err(error::unanswered)?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
    }

    /// What the answer says, where it is a success.
    pub(crate) async fn read<T: DeserializeOwned>(self) -> Result<T, Refused> {
        let changes = self.method != Method::GET;
        let answer = self.send().await?;
        // What cannot be read of a success has happened all the same.
        json(answer).await.map_err(|error| if changes { error.with_ambiguous(true) } else { error }.into())
    }

    /// Whether it succeeded is all that is asked.
    pub(crate) async fn done(self) -> Result<(), Refused> {
        self.send().await.map(drop)
    }
}

/// What an answer says.
pub(super) async fn json<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let body = whole(answer, MOST_BYTES).await?;
    serde_json::from_slice(&body).map_err(|error| {
        malformed("Cloud Storage answered with something that is not the JSON which was asked for")
            .with_source(error)
    })
}

const TOO_LONG: &str = "Cloud Storage answered with more than such an answer can have";

/// The answer's body, no longer than `most`.
async fn whole(mut answer: Response, most: usize) -> Result<Bytes> {
    let length = answer.content_length();
    let Some(first) = answer.chunk().await.map_err(error::unanswered)? else { return Ok(Bytes::new()) };
    // Most come in one piece.
    if length == Some(first.len() as u64) && first.len() <= most {
        return Ok(first);
    }
    if first.len() > most {
        return Err(malformed(TOO_LONG));
    }
    let mut body = BytesMut::from(first);
    while let Some(chunk) = answer.chunk().await.map_err(error::unanswered)? {
        if body.len() + chunk.len() > most {
            return Err(malformed(TOO_LONG));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

pub(super) fn malformed(text: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

/// Google's form of an error.
#[derive(Default, Deserialize)]
struct Told {
    error: Detail,
}

#[derive(Default, Deserialize)]
struct Detail {
    message: Option<String>,
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

/// What an answer means that is no success. Some have no body, or another one than JSON: then the status says it all.
pub(super) async fn refusal(answer: Response) -> Refused {
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = whole(answer, MOST_OF_REFUSAL).await.unwrap_or_default();
    let told: Told = serde_json::from_slice(&body).unwrap_or_default();
    let reason = told.error.errors.first().and_then(|first| first.reason.as_deref());
    let message = told.error.message.as_deref().and_then(|message| message.lines().next());
    let message = message.map(|message| message.chars().take(MOST_OF_MESSAGE).collect::<String>());
    let error = error::answered(status.as_u16(), reason, message.as_deref(), retry_after);
    Refused { status: Some(status), error }
}
