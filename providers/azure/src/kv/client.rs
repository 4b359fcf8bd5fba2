//! A thin client of Table Storage, since there is no official one: what is sent, and what is made of answers. What comes back is read up to a
//! limit.

use std::sync::Arc;

use azure_core::http::headers::{HeaderName as AzureName, Headers};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error::answered;
use crate::http::direct::{self, Call, Direct};
use crate::provision::NAME;

/// The version of the service that is spoken; the first that takes tokens.
const VERSION: HeaderValue = HeaderValue::from_static("2020-12-06");
pub(super) const JSON: &str = "application/json;odata=minimalmetadata";
pub(super) const DATA_VERSION: &str = "3.0";
const MOST_DATA_VERSION: HeaderValue = HeaderValue::from_static("3.0;NetFx");

/// How entities are asked for: without the types of their properties, which are known, and their etags, which are made of their times.
const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json;odata=nometadata");

/// What Azure says where there is no such row.
pub(super) const NO_ROW: &[&str] = &["ResourceNotFound", "EntityNotFound"];

/// So much of an answer is read where nothing else is said: an entity of 1 MiB as JSON is less.
pub(super) const ANSWER_BYTES: usize = 2 << 20;

/// What Azure answered to a call that it did.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        direct::text(&self.headers, name)
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

    fn call_at_most(&self, method: Method, pieces: &[&str], most: usize, accept: HeaderValue) -> Call {
        self.direct()
            .call(method, pieces, most)
            .header(HeaderName::from_static("x-ms-version"), VERSION)
            .header(HeaderName::from_static("dataserviceversion"), HeaderValue::from_static(DATA_VERSION))
            .header(HeaderName::from_static("maxdataserviceversion"), MOST_DATA_VERSION)
            .header(ACCEPT, accept)
    }

    /// A call of what the pieces name together.
    pub(crate) fn call(&self, method: Method, pieces: &[&str]) -> Call {
        self.call_at_most(method, pieces, ANSWER_BYTES, HeaderValue::from_static(JSON))
    }

    /// A call that reads entities. At most so many bytes of its answer are read.
    pub(super) fn read(&self, pieces: &[&str], most: usize) -> Call {
        self.call_at_most(Method::GET, pieces, most, PLAIN_JSON)
    }

    /// A call that writes: whatever is written is not sent back.
    pub(crate) fn write(&self, method: Method, pieces: &[&str]) -> Call {
        let prefer = HeaderName::from_static("prefer");
        self.call(method, pieces).header(prefer, HeaderValue::from_static("return-no-content"))
    }

    /// What the calls go through.
    pub(super) fn direct(&self) -> &Direct {
        self.connection.direct()
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let direct::Answer { status, headers, body } = self.direct().send(call).await?;
        if !status.is_success() {
            return Err(Failure::Refused(refusal(status, &headers, &body.unwrap_or_default())));
        }
        match body {
            Some(body) => Ok(Answer { headers, body }),
            None => Err(Failure::TooMuch),
        }
    }
}

/// A body of JSON.
pub(crate) fn json(call: Call, body: impl Into<Bytes>) -> Call {
    call.header(CONTENT_TYPE, HeaderValue::from_static(JSON)).body(body)
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
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refused {
    refused(status.as_u16(), &crate::http::headers(headers), body)
}

fn refused(status: u16, headers: &Headers, body: &[u8]) -> Refused {
    let told: Option<Told> = serde_json::from_slice(body).ok();
    let index = told.as_ref().and_then(|told| told.error.message.value.split_once(':')?.0.parse().ok());
    let of_header = || {
        let name = AzureName::from_static("x-ms-error-code");
        crate::http::header(headers, &name).map(str::to_owned)
    };
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
        let read = refused(412, &headers, told);
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
            let read = refused(503, &headers, body);
            assert_eq!((read.code.as_str(), read.index), ("ServerBusy", None));
            assert_eq!(read.error.kind(), ErrorKind::Throttled);
        }
    }
}
