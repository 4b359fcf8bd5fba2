//! Native error -> [`Error`], in one table: by code and status, never by a message.

use std::time::Duration;

use azure_core::error::ErrorKind as Native;
use azure_core::http::headers::{HeaderName, Headers};
use skyport_core::{Error, ErrorKind};

use crate::provision::NAME;

use ErrorKind as Kind;

/// What the codes of Azure Storage mean. A code that stands here wins over its status.
const CODES: &[(&str, ErrorKind)] = &[
    ("AccountBeingCreated", Kind::Unavailable),
    ("AuthenticationFailed", Kind::Unauthenticated),
    ("AuthorizationFailure", Kind::PermissionDenied),
    ("AuthorizationPermissionMismatch", Kind::PermissionDenied),
    ("BlobAlreadyExists", Kind::AlreadyExists),
    // It has to be brought back from the archive first, which takes hours.
    ("BlobArchived", Kind::Unsupported),
    ("BlobBeingRehydrated", Kind::Unsupported),
    // What stands there is no block blob: others made it.
    ("InvalidBlobType", Kind::Unsupported),
    // Somebody holds a lease on it, or an object is being copied there.
    ("LeaseIdMissing", Kind::Conflict),
    ("PendingCopyOperation", Kind::Conflict),
    ("ConditionNotMet", Kind::PreconditionFailed),
    // Removed a moment ago, and still being cleared away.
    ("ContainerBeingDeleted", Kind::Unavailable),
    ("QueueBeingDeleted", Kind::Unavailable),
    ("TableBeingDeleted", Kind::Unavailable),
    ("ContainerAlreadyExists", Kind::AlreadyExists),
    ("QueueAlreadyExists", Kind::AlreadyExists),
    ("TableAlreadyExists", Kind::AlreadyExists),
    ("EntityAlreadyExists", Kind::AlreadyExists),
    ("EntityTooLarge", Kind::TooLarge),
    ("PropertyValueTooLarge", Kind::TooLarge),
    ("RequestBodyTooLarge", Kind::TooLarge),
    ("MessageTooLarge", Kind::TooLarge),
    // A writer raced another, which discarded its blocks.
    ("InvalidBlockList", Kind::Conflict),
    ("PopReceiptMismatch", Kind::PreconditionFailed),
    ("MessageNotFound", Kind::PreconditionFailed),
    ("UpdateConditionNotSatisfied", Kind::PreconditionFailed),
    ("OperationTimedOut", Kind::Timeout),
    ("ServerBusy", Kind::Throttled),
];

/// What a status means where the code is not known.
const STATUSES: &[(u16, ErrorKind)] = &[
    (400, Kind::InvalidArgument),
    (401, Kind::Unauthenticated),
    (403, Kind::PermissionDenied),
    (404, Kind::NotFound),
    (408, Kind::Timeout),
    (409, Kind::Conflict),
    (411, Kind::InvalidArgument),
    (412, Kind::PreconditionFailed),
    (413, Kind::TooLarge),
    (416, Kind::InvalidArgument),
    (429, Kind::Throttled),
    (501, Kind::Unsupported),
    (503, Kind::Throttled),
];

/// The kind of an answer with this code and status.
pub(crate) fn kind(code: Option<&str>, status: u16) -> ErrorKind {
    let by_code = code.and_then(|code| CODES.iter().find(|(known, _)| *known == code));
    let by_status = || STATUSES.iter().find(|(known, _)| *known == status).map(|(_, kind)| *kind);
    match by_code {
        Some((_, kind)) => *kind,
        None => by_status().unwrap_or(if status >= 500 { Kind::Unavailable } else { Kind::Internal }),
    }
}

/// The code of Azure's answer that an error tells of.
pub(crate) fn code(error: &Error) -> Option<&str> {
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        if let Some(native) = found.downcast_ref::<azure_core::Error>() {
            return match native.kind() {
                Native::HttpResponse { error_code, .. } => error_code.as_deref(),
                _ => None,
            };
        }
        cause = found.source();
    }
    None
}

/// How long Azure asks to wait, in whole seconds or in thousandths.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let number = |name| headers.get_optional_str(&HeaderName::from_static(name))?.parse().ok();
    let finely = number("x-ms-retry-after-ms").map(Duration::from_millis);
    finely.or_else(|| number("retry-after").map(Duration::from_secs))
}

/// What Azure's clients say. Their text holds the whole answer: it stays in the source.
pub(crate) fn of_azure(error: azure_core::Error) -> Error {
    let told = match error.kind() {
        Native::HttpResponse { status, error_code, raw_response } => {
            let status = u16::from(*status);
            let kind = kind(error_code.as_deref(), status);
            let text = match error_code {
                Some(code) => format!("Azure answered {status}: {code}"),
                None => format!("Azure answered {status}"),
            };
            let told = Error::new(kind, text);
            match raw_response.as_ref().and_then(|answer| retry_after(answer.headers())) {
                Some(after) => told.with_retry_after(after),
                None => told,
            }
        }
        Native::Connection => {
            Error::new(Kind::Unavailable, "no connection to Azure was made: is the endpoint right?")
                .with_ambiguous(false)
        }
        Native::Io => Error::new(Kind::Unavailable, "the connection to Azure broke"),
        Native::Credential => {
            Error::new(Kind::Unauthenticated, "Azure's credentials cannot be used").with_ambiguous(false)
        }
        Native::DataConversion => {
            Error::new(Kind::Malformed, "Azure answered with something that cannot be read")
        }
        Native::Other => Error::new(Kind::Internal, "Azure's client failed"),
    };
    told.with_source(error).with_provider(NAME)
}
