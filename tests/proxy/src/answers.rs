//! How each service says that it is busy, or down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request};

use crate::Dialect;
use crate::body::{Passed, empty, full};
use crate::dialect::target;

/// The status, the headers beside the content's type, and the body.
type Told = (u16, &'static [(&'static str, &'static str)], String);

/// A slower pace is asked for. Nothing was done.
pub(crate) fn throttled(dialect: Dialect, head: &request::Parts, chance: u64) -> Response<Passed> {
    // Most are to come again at once, so that tests are soon done.
    let after = if chance.is_multiple_of(16) { "1" } else { "0" };
    let told = match dialect {
        Dialect::PubSub | Dialect::Firestore => return of_grpc(8, "Quota exceeded.", chance % 20),
        Dialect::CloudStorage => (429, &[][..], of_storage(429, "rateLimitExceeded", "Too many requests.")),
        Dialect::AzureBlob | Dialect::AzureQueue | Dialect::AzureTable => {
            (503, AZURE_BUSY, of_azure(dialect, "ServerBusy"))
        }
        Dialect::Aws => match target(&head.headers) {
            None => (503, &[][..], of_s3("SlowDown", "Please reduce your request rate.")),
            Some(_) if chance.is_multiple_of(3) => (429, &[][..], of_json("TooManyRequestsException")),
            Some(_) => (400, &[][..], of_json("ThrottlingException")),
        },
    };
    let mut response = answer(dialect, head, told);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(after));
    response
}

/// A fault of the service's. Nobody knows what was done.
pub(crate) fn unavailable(dialect: Dialect, head: &request::Parts, chance: u64) -> Response<Passed> {
    let down = chance.is_multiple_of(2);
    let status = if down { 503 } else { 500 };
    let told = match dialect {
        Dialect::PubSub | Dialect::Firestore => return of_grpc(14, "The service is unavailable.", 1),
        Dialect::CloudStorage => (status, &[][..], of_storage(status, "backendError", "Backend Error")),
        // Whatever stands before the service may say it, too, in no words of the service's.
        Dialect::AzureBlob | Dialect::AzureQueue | Dialect::AzureTable if down => {
            (503, &[][..], String::new())
        }
        Dialect::AzureBlob | Dialect::AzureQueue | Dialect::AzureTable => {
            (500, &[("x-ms-error-code", "InternalError")][..], of_azure(dialect, "InternalError"))
        }
        Dialect::Aws => match target(&head.headers) {
            None if down => {
                (503, &[][..], of_s3("ServiceUnavailable", "Service is unable to handle request."))
            }
            None => (500, &[][..], of_s3("InternalError", "We encountered an internal error.")),
            Some(_) if down => (503, &[][..], of_json("ServiceUnavailable")),
            Some(_) => (500, &[][..], of_json("InternalServerError")),
        },
    };
    answer(dialect, head, told)
}

const AZURE_BUSY: &[(&str, &str)] = &[("x-ms-error-code", "ServerBusy"), ("x-ms-retry-after-ms", "10")];

fn answer(dialect: Dialect, head: &request::Parts, (status, headers, body): Told) -> Response<Passed> {
    let kind = match dialect {
        Dialect::Aws if target(&head.headers).is_some() => "application/x-amz-json-1.0",
        Dialect::CloudStorage | Dialect::AzureTable => "application/json",
        _ => "application/xml",
    };
    // A client does not wait for the body of an answer to HEAD.
    let body = if head.method == http::Method::HEAD { Bytes::new() } else { Bytes::from(body) };
    let mut response = Response::new(full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    told.extend(
        headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value))),
    );
    response
}

fn of_s3(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>"
    )
}

fn of_json(code: &str) -> String {
    format!(r#"{{"__type":"com.amazon.coral.service#{code}","message":"Not now."}}"#)
}

fn of_storage(status: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{"error":{{"code":{status},"message":"{message}","errors":[{{"domain":"global","reason":"{reason}","message":"{message}"}}]}}}}"#
    )
}

fn of_azure(dialect: Dialect, code: &str) -> String {
    match dialect {
        Dialect::AzureTable => {
            format!(
                r#"{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"Not now."}}}}}}"#
            )
        }
        _ => format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>Not now.</Message></Error>"
        ),
    }
}

/// A status alone, in headers that are trailers as well, with the detail that says when to come again.
fn of_grpc(code: u8, message: &'static str, millis: u64) -> Response<Passed> {
    let mut response = Response::new(empty());
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    headers.insert("grpc-message", HeaderValue::from_static(message));
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(details(code, millis))) {
        headers.insert("grpc-status-details-bin", details);
    }
    response
}

/// `google.rpc.Status` with a `google.rpc.RetryInfo`, as protobuf writes them: each field's number and length, and its bytes.
fn details(code: u8, millis: u64) -> Vec<u8> {
    let mut nanos = vec![0x10];
    varint(&mut nanos, millis * 1_000_000);
    let delay = field(1, &nanos);
    let mut detail = field(1, b"type.googleapis.com/google.rpc.RetryInfo");
    detail.extend(field(2, &delay));
    let mut status = vec![0x08, code];
    status.extend(field(3, &detail));
    status
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut written = vec![number << 3 | 2];
    varint(&mut written, bytes.len() as u64);
    written.extend_from_slice(bytes);
    written
}

fn varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}
