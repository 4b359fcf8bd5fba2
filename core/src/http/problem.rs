//! From an error to the response that tells of it and leaks nothing.

use http::StatusCode;
use serde::Serialize;

use super::Response;
use super::request::OPERATION;
use crate::app::HandlerError;
use crate::{Error, ErrorKind};

/// The body of an error: RFC 9457, `application/problem+json`.
#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation: Option<&'a str>,
}

/// A problem of this status; `detail` and the invocation's id are for the client to see.
#[must_use]
pub fn response(status: StatusCode, detail: Option<&str>, invocation: Option<&str>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem { title, status: status.as_u16(), detail, invocation };
    // A struct of strings and numbers always serialises.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Response::new(status).with_content_type("application/problem+json").with_body(body)
}

/// The response to a request whose handler failed.
#[must_use]
pub fn of_error(error: &HandlerError, invocation: Option<&str>) -> Response {
    let status = status(error);
    let detail = match error.said_status() {
        Some(_) => Some(error.error().to_string()),
        None => error.port_error().filter(|error| is_requests(error)).map(|error| error.message().to_owned()),
    };
    let mut response = response(status, detail.as_deref(), invocation);
    if let Some(after) = error.retry_after() {
        let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
        response = response.with_header("retry-after", seconds.to_string());
    }
    response
}

/// The status of a failed request: said outright, or of an error that is the request's; else 503 or 500.
#[must_use]
pub fn status(error: &HandlerError) -> StatusCode {
    if let Some(said) = error.said_status() {
        return said;
    }
    let Some(error) = error.port_error() else { return StatusCode::INTERNAL_SERVER_ERROR };
    match error.kind() {
        ErrorKind::NotFound if error.key().is_some() => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // A key comes from the request; a wrong option would come from the program.
        ErrorKind::InvalidArgument if is_requests(error) || error.key().is_some() => StatusCode::BAD_REQUEST,
        ErrorKind::Unsupported if is_requests(error) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the error was found in the request itself: its text is then ours, and safe to show.
fn is_requests(error: &Error) -> bool {
    error.operation() == Some(OPERATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_comes_only_from_an_error_that_is_the_requests() {
        let keyed = |kind| Error::new(kind, "secret").with_operation("blob.get").with_key("cat.jpg");
        let bare = |kind| Error::new(kind, "secret").with_operation("kv.get");
        let table = [
            (keyed(ErrorKind::NotFound), 404),
            (bare(ErrorKind::NotFound), 500),
            (keyed(ErrorKind::AlreadyExists), 409),
            (keyed(ErrorKind::Conflict), 409),
            (keyed(ErrorKind::PreconditionFailed), 412),
            (keyed(ErrorKind::InvalidArgument), 400),
            (bare(ErrorKind::InvalidArgument), 500),
            (super::super::request::wrong("bad"), 400),
            (keyed(ErrorKind::TooLarge), 413),
            (bare(ErrorKind::Throttled), 503),
            (bare(ErrorKind::Unavailable), 503),
            (bare(ErrorKind::Timeout), 503),
            (bare(ErrorKind::PermissionDenied), 500),
            (bare(ErrorKind::Unauthenticated), 500),
            (bare(ErrorKind::Indeterminate), 500),
            (bare(ErrorKind::Unsupported), 500),
            (bare(ErrorKind::Malformed), 500),
            (bare(ErrorKind::Internal), 500),
        ];
        for (error, expected) in table {
            let text = error.to_string();
            assert_eq!(status(&error.into()).as_u16(), expected, "{text}");
        }
        assert_eq!(status(&"anything".into()), 500);
        assert_eq!(status(&HandlerError::status(StatusCode::IM_A_TEAPOT, "short")), 418);
    }

    #[tokio::test]
    async fn a_problem_shows_no_secret() {
        let error = Error::new(ErrorKind::PermissionDenied, "the secret").with_operation("blob.get");
        let body = of_error(&error.into(), Some("id-1")).into_body().collect(4096).await.expect("small");
        assert_eq!(body, r#"{"title":"Internal Server Error","status":500,"invocation":"id-1"}"#);
    }
}
