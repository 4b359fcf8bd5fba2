//! A thin client of Table Storage on Azure's own pipeline, since there is no official one: what is sent, and what is made of answers.
//! What comes back is read up to a limit.

use std::sync::Arc;

use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, Method, Request};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error::{answered, of_azure};
use crate::provision::NAME;

/// The version of the service that is spoken; the first that takes tokens.
const VERSION: &str = "2020-12-06";
pub(super) const JSON: &str = "application/json;odata=minimalmetadata";
pub(super) const DATA_VERSION: &str = "3.0";
const MOST_DATA_VERSION: &str = "3.0;NetFx";

/// What Azure says where there is no such row.
pub(super) const NO_ROW: &[&str] = &["ResourceNotFound", "EntityNotFound"];

/// So much of an answer is read where nothing else is said: an entity of 1 MiB as JSON is less.
const ANSWER_BYTES: usize = 2 << 20;

/// So much of a refusal.
const REFUSAL_BYTES: usize = 64 << 10;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    /// What stands after the account in the URL: one segment.
    path: String,
    query: String,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Bytes,
    most: usize,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let headers = [
            ("x-ms-version", VERSION),
            ("dataserviceversion", DATA_VERSION),
            ("maxdataserviceversion", MOST_DATA_VERSION),
            ("accept", JSON),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into();
        let (query, body) = (String::new(), Bytes::new());
        Self { method, path: path.into(), query, headers, body, most: ANSWER_BYTES }
    }

    /// One that it has not yet.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend([name, "="]);
        self.query.extend(utf8_percent_encode(value, UNRESERVED));
        self
    }

    pub(crate) fn body(mut self, content_type: impl Into<HeaderValue>, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// At most so much of its answer is read.
    pub(crate) fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }
}

/// What Azure answered to a call that it did.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) headers: Headers,
    pub(super) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        crate::http::header(&self.headers, &HeaderName::from_static(name))
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| unreadable().with_source(error))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Azure said no.
    Refused(Refused),
    /// It answered with more than is read.
    TooMuch,
    /// It did not answer.
    Other(Error),
}

/// What Azure says no with.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    /// Which operation of a batch it is about.
    pub(super) index: Option<usize>,
    pub(crate) error: Error,
}

impl Failure {
    /// Whether a row is not what was expected: another, or one too many, or none.
    pub(super) fn is_changed(&self) -> bool {
        let changed = [ErrorKind::AlreadyExists, ErrorKind::PreconditionFailed];
        matches!(self, Self::Refused(refused) if changed.contains(&refused.error.kind())) || self.is(NO_ROW)
    }

    /// Whether Azure refused with one of these codes.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused(refused) if codes.contains(&refused.code.as_str()))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => refused.error,
            Failure::TooMuch => unreadable(),
            Failure::Other(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Azure answered with what cannot be read. Whatever was asked for may have been done.
pub(super) fn unreadable() -> Error {
    let text = "Azure answered with something that cannot be read: is the endpoint that of Table Storage?";
    Error::new(ErrorKind::Malformed, text).with_ambiguous(true).with_provider(NAME)
}

/// Sends calls to the tables of one account.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    connection: Arc<Connection>,
}

impl Client {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    /// The URL of a path, without anybody's signature.
    pub(super) fn plain_url(&self, path: &str) -> Result<String> {
        let mut url = self.connection.url(&[path])?;
        url.set_query(None);
        Ok(url.into())
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let mut url = self.connection.url(&[&call.path])?;
        let query = [url.query(), Some(&*call.query).filter(|query| !query.is_empty())];
        let query: Vec<&str> = query.into_iter().flatten().collect();
        if !query.is_empty() {
            let query = query.join("&");
            url.set_query(Some(&query));
        }
        let mut request = Request::new(url, call.method);
        for (name, value) in call.headers {
            request.insert_header(HeaderName::from_static(name), value);
        }
        request.set_body(Body::Bytes(call.body));
        // What a refusal says is read here.
        let sent = self.connection.sender().ask(&mut request).await;
        let answer = sent.map_err(|error| Failure::Other(of_azure(error)))?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let (_, headers, body) = answer.deconstruct();
        match read(body, call.most).await? {
            Some(body) => Ok(Answer { headers, body }),
            None => Err(Failure::TooMuch),
        }
    }
}

/// The body; `None` where it is longer than that.
async fn read(mut body: azure_core::http::response::AsyncResponseBody, most: usize) -> Result<Option<Bytes>> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.try_next().await.map_err(of_azure)? {
        if whole.len() + part.len() > most {
            return Ok(None);
        }
        whole.extend_from_slice(&part);
    }
    Ok(Some(whole.freeze()))
}

async fn refused(answer: AsyncRawResponse) -> Failure {
    let (status, headers, body) = answer.deconstruct();
    // What it says besides is not needed.
    let told = read(body, REFUSAL_BYTES).await.ok().flatten().unwrap_or_default();
    Failure::Refused(refusal(status.into(), &headers, &told))
}

/// What Azure says no with, as JSON.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "odata.error")]
    error: ToldError,
}

#[derive(Deserialize)]
struct ToldError {
    code: String,
    message: ToldMessage,
}

#[derive(Deserialize)]
struct ToldMessage {
    value: String,
}

/// What a status, headers and a body say no with.
pub(super) fn refusal(status: u16, headers: &Headers, body: &[u8]) -> Refused {
    let told: Option<Told> = serde_json::from_slice(body).ok();
    let index = told.as_ref().and_then(|told| told.error.message.value.split_once(':')?.0.parse().ok());
    let of_header =
        || headers.get_optional_str(&HeaderName::from_static("x-ms-error-code")).map(str::to_owned);
    let code = told.map(|told| told.error.code).or_else(of_header);
    let error = answered(status, code.as_deref(), Some(headers));
    Refused { code: code.unwrap_or_default(), index, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_says_is_its_code_and_the_operation_that_it_is_about() {
        let told = br#"{"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"lang":"en-US","value":"12:The update condition\nRequestId:x"}}}"#;
        let mut headers = Headers::new();
        headers.insert("x-ms-request-id", "6d1f-42");
        headers.insert("x-ms-retry-after-ms", "250");
        let read = refusal(412, &headers, told);
        assert_eq!((read.code.as_str(), read.index), ("UpdateConditionNotSatisfied", Some(12)));
        assert_eq!(read.error.kind(), ErrorKind::PreconditionFailed);
        assert!(!read.error.to_string().contains("RequestId"), "{}", read.error);
        assert!(format!("{:?}", read.error).contains("request 6d1f-42"), "{:?}", read.error);
        assert_eq!(read.error.retry_after(), Some(std::time::Duration::from_millis(250)));
    }

    #[test]
    fn what_cannot_be_read_is_known_by_its_status() {
        for body in [&b""[..], b"<html>", b"{}", br#"{"odata.error":{"code":7}}"#] {
            let mut headers = Headers::new();
            headers.insert("x-ms-error-code", "ServerBusy");
            let read = refusal(503, &headers, body);
            assert_eq!((read.code.as_str(), read.index), ("ServerBusy", None));
            assert_eq!(read.error.kind(), ErrorKind::Throttled);
        }
    }
}
