//! Native error -> [`Error`], in one table: by code and status, never by a message.

use std::fmt;
use std::time::{Duration, SystemTime};

use azure_core::error::ErrorKind as Native;
use azure_core::http::headers::{HeaderName, Headers};
use reqwest::header::{InvalidHeaderName, InvalidHeaderValue};
use skyport_core::clock::http_date;
use skyport_core::{Error, ErrorKind};

use crate::provision::NAME;

use ErrorKind as Kind;

/// What the codes of Azure Storage mean. A code that stands here wins over its status.
const CODES: &[(&str, ErrorKind)] = &[
    // Who calls. Azure says 403 of a signature that is wrong or has ended, and 400 or 401 of what it cannot read.
    ("AuthenticationFailed", Kind::Unauthenticated),
    ("InvalidAuthenticationInfo", Kind::Unauthenticated),
    ("NoAuthenticationInformation", Kind::Unauthenticated),
    ("AccountIsDisabled", Kind::PermissionDenied),
    ("ContainerDisabled", Kind::PermissionDenied),
    ("QueueDisabled", Kind::PermissionDenied),
    // A policy of the container keeps what is there.
    ("BlobImmutableDueToPolicy", Kind::PermissionDenied),
    // What is there.
    ("BlobAlreadyExists", Kind::AlreadyExists),
    ("ContainerAlreadyExists", Kind::AlreadyExists),
    ("EntityAlreadyExists", Kind::AlreadyExists),
    ("QueueAlreadyExists", Kind::AlreadyExists),
    ("ResourceAlreadyExists", Kind::AlreadyExists),
    ("TableAlreadyExists", Kind::AlreadyExists),
    // What must hold.
    ("MessageNotFound", Kind::PreconditionFailed),
    ("PopReceiptMismatch", Kind::PreconditionFailed),
    // Made or removed a moment ago, and still being put up or cleared away.
    ("AccountBeingCreated", Kind::Unavailable),
    ("ContainerBeingDeleted", Kind::Unavailable),
    ("QueueBeingDeleted", Kind::Unavailable),
    ("TableBeingDeleted", Kind::Unavailable),
    // Somebody else is in the way: a writer who discarded this one's blocks, who holds a lease, or whose copy has not ended.
    ("BlockCountExceedsLimit", Kind::Conflict),
    ("InvalidBlobOrBlock", Kind::Conflict),
    ("InvalidBlockList", Kind::Conflict),
    ("LeaseAlreadyPresent", Kind::Conflict),
    ("LeaseIdMismatchWithBlobOperation", Kind::Conflict),
    ("LeaseIdMissing", Kind::Conflict),
    ("LeaseLost", Kind::Conflict),
    // It has to be brought back from the archive first, which takes hours.
    ("BlobArchived", Kind::Unsupported),
    ("BlobBeingRehydrated", Kind::Unsupported),
    // What stands there is no block blob: others made it.
    ("InvalidBlobType", Kind::Unsupported),
    // Sizes, most of which Azure calls bad requests.
    ("BlockListTooLong", Kind::TooLarge),
    ("EntityTooLarge", Kind::TooLarge),
    ("MessageTooLarge", Kind::TooLarge),
    ("MetadataTooLarge", Kind::TooLarge),
    ("PropertyValueTooLarge", Kind::TooLarge),
    ("RequestBodyTooLarge", Kind::TooLarge),
    ("TooManyProperties", Kind::TooLarge),
    // Pace and time.
    ("OperationTimedOut", Kind::Timeout),
    ("ServerBusy", Kind::Throttled),
    ("TooManyRequests", Kind::Throttled),
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

/// An answer of Azure's that was no success: what is left of it as an error's source. Its body may quote a signature, and what signs it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    code: Option<String>,
    /// By which Azure's support finds the request.
    request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Azure answered {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ": {code}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The code of Azure's answer that an error tells of.
#[cfg(any(feature = "blob", feature = "queue", test))]
pub(crate) fn code(error: &Error) -> Option<&str> {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).take(32);
    causes.filter_map(|cause| cause.downcast_ref::<Refusal>()).find_map(|refusal| refusal.code.as_deref())
}

/// An answer with this status, code and headers.
pub(crate) fn answered(status: u16, code: Option<&str>, headers: Option<&Headers>) -> Error {
    // What is told is one word of Azure's own.
    let is_word = |text: &&str| {
        text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let code = code.filter(is_word);
    let request_id = headers.and_then(|headers| value(headers, "x-ms-request-id")).filter(is_word);
    let kind = kind(code, status);
    let text = match (advice(code, status), code) {
        (Some(advice), Some(code)) => format!("Azure answered {status}: {code}: {advice}"),
        (None, Some(code)) => format!("Azure answered {status}: {code}"),
        (Some(advice), None) => format!("Azure answered {status}: {advice}"),
        (None, None) => format!("Azure answered {status}"),
    };
    let source = Refusal { status, code: code.map(str::to_owned), request_id: request_id.map(str::to_owned) };
    let mut error = Error::new(kind, text).with_source(source).with_provider(NAME);
    if matches!(code, Some("InvalidBlobOrBlock" | "BlockCountExceedsLimit")) {
        error = error.with_retryable(false);
    }
    // What is refused was not done. Of a server's fault nobody knows.
    if status < 500 {
        error = error.with_ambiguous(false);
    }
    match headers.and_then(retry_after) {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// What to do next, where a code says it.
fn advice(code: Option<&str>, status: u16) -> Option<&'static str> {
    Some(match code? {
        "AuthenticationFailed" => {
            "is the account's key or the shared access signature right, has it not ended, and is this machine's clock right?"
        }
        "AuthorizationPermissionMismatch" => {
            "the identity has no role that permits this, or the shared access signature does not; a new role takes minutes to count"
        }
        "AuthorizationFailure" if status == 403 => {
            "do the account's firewall and its settings let this program in?"
        }
        "InvalidBlobOrBlock" | "BlockCountExceedsLimit" => {
            "another program has staged blocks of this blob, which are in the way for a week: write it in one piece, or delete it, which drops them"
        }
        "KeyBasedAuthenticationNotPermitted" => {
            "the account takes tokens alone: give this program an identity"
        }
        _ => return None,
    })
}

/// How long Azure asks to wait: in thousandths, in whole seconds, or until a time.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let number = |name| value(headers, name)?.trim().parse().ok();
    let finely =
        || number("x-ms-retry-after-ms").or_else(|| number("retry-after-ms")).map(Duration::from_millis);
    let until = || http_date(value(headers, "retry-after")?)?.duration_since(SystemTime::now()).ok();
    finely().or_else(|| number("retry-after").map(Duration::from_secs)).or_else(until)
}

fn value<'h>(headers: &'h Headers, name: &'static str) -> Option<&'h str> {
    crate::http::header(headers, &HeaderName::from_static(name))
}

/// What Azure's clients say. Their text holds the whole answer: none of it is told.
pub(crate) fn of_azure(error: azure_core::Error) -> Error {
    let told = match error.kind() {
        Native::HttpResponse { status, error_code, raw_response } => {
            let headers = raw_response.as_ref().map(|answer| answer.headers());
            return answered(u16::from(*status), error_code.as_deref(), headers);
        }
        Native::Credential => return no_token(error),
        _ if let Some(told) = crate::http::unusable(&error) => {
            Error::new(Kind::InvalidArgument, told.to_string()).with_ambiguous(false)
        }
        _ if is_unmade(&error) => {
            Error::new(Kind::InvalidArgument, "the request to Azure could not be made").with_ambiguous(false)
        }
        Native::Connection => unconnected(&error).with_ambiguous(false),
        Native::Io => Error::new(Kind::Unavailable, "the connection to Azure broke"),
        Native::DataConversion => {
            // What cannot be read may be the answer to a write that was applied. Azure's client quotes all of it, messages, too: so nothing of
            // that is kept.
            return unreadable();
        }
        Native::Other => Error::new(Kind::Internal, "Azure's client failed"),
    };
    told.with_source(error).with_provider(NAME)
}

/// Azure answered with what cannot be read. Whatever was asked for may have been done.
pub(crate) fn unreadable() -> Error {
    Error::new(Kind::Malformed, "Azure answered with something that cannot be read")
        .with_ambiguous(true)
        .with_provider(NAME)
}

/// Whether the request is none that HTTP can say. Nothing was sent then.
fn is_unmade(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source()).take(32);
    causes.any(|cause| {
        let unbuilt = cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_builder);
        unbuilt || cause.is::<InvalidHeaderValue>() || cause.is::<InvalidHeaderName>()
    })
}

/// There was no token. Nothing was sent then.
fn no_token(error: azure_core::Error) -> Error {
    match Error::find(&error) {
        Some(found) => found.again().with_ambiguous(false).with_provider(NAME),
        None => Error::new(Kind::Unauthenticated, "Azure's credentials cannot be used")
            .with_ambiguous(false)
            .with_source(error)
            .with_provider(NAME),
    }
}

/// No connection was made at all: then nothing can have been applied.
fn unconnected(error: &(dyn std::error::Error + 'static)) -> Error {
    let causes = std::iter::successors(Some(error), |cause| cause.source()).take(32);
    let of_system = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).next();
    match of_system.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => Error::new(
            Kind::Unavailable,
            "nothing listens at the endpoint: is it right, and does the service run?",
        ),
        Some(std::io::ErrorKind::TimedOut) => {
            Error::new(Kind::Timeout, "no connection to Azure was made in time")
        }
        _ => Error::new(
            Kind::Unavailable,
            "no connection to Azure was made: is the endpoint right, and do its name and its certificate hold?",
        ),
    }
}

#[cfg(test)]
mod tests {
    use azure_core::Bytes;
    use azure_core::http::headers::HeaderValue;
    use azure_core::http::{RawResponse, StatusCode};

    use super::*;

    /// An answer as Azure's clients tell of it, with a body that must not be seen.
    fn native(status: u16, code: Option<&str>, pairs: &[(&'static str, &str)]) -> azure_core::Error {
        let status = StatusCode::from(status);
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from((*value).to_owned()));
        }
        let body = Bytes::from_static(b"<Error>Server used sig=TOPSECRET</Error>");
        let raw_response = Some(Box::new(RawResponse::from_bytes(status, headers, body)));
        let kind = Native::HttpResponse { status, error_code: code.map(str::to_owned), raw_response };
        azure_core::Error::with_message(kind, "<Error>Server used sig=TOPSECRET</Error>")
    }

    /// Kind, whether it may be repeated, and whether it may have been applied.
    fn told(error: azure_core::Error) -> (ErrorKind, bool, bool) {
        let error = of_azure(error);
        assert_eq!(error.provider(), Some("azure"));
        for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
            assert!(!text.contains("TOPSECRET") && !text.contains("<Error>"), "{text}");
        }
        (error.kind(), error.is_retryable(), error.is_ambiguous())
    }

    #[test]
    fn each_code_and_status_has_its_kind_and_no_answer_is_shown() {
        for (status, code, expected) in [
            (403, Some("AuthenticationFailed"), (Kind::Unauthenticated, false, false)),
            (400, Some("InvalidAuthenticationInfo"), (Kind::Unauthenticated, false, false)),
            (401, Some("NoAuthenticationInformation"), (Kind::Unauthenticated, false, false)),
            (403, Some("AuthorizationFailure"), (Kind::PermissionDenied, false, false)),
            (403, Some("AuthorizationPermissionMismatch"), (Kind::PermissionDenied, false, false)),
            (403, Some("AuthorizationProtocolMismatch"), (Kind::PermissionDenied, false, false)),
            (403, Some("AuthorizationSourceIPMismatch"), (Kind::PermissionDenied, false, false)),
            (403, Some("UnauthorizedBlobOverwrite"), (Kind::PermissionDenied, false, false)),
            (409, Some("ContainerDisabled"), (Kind::PermissionDenied, false, false)),
            (409, Some("BlobImmutableDueToPolicy"), (Kind::PermissionDenied, false, false)),
            (404, Some("BlobNotFound"), (Kind::NotFound, false, false)),
            (404, Some("ContainerNotFound"), (Kind::NotFound, false, false)),
            (404, Some("QueueNotFound"), (Kind::NotFound, false, false)),
            (404, Some("TableNotFound"), (Kind::NotFound, false, false)),
            (404, Some("ResourceNotFound"), (Kind::NotFound, false, false)),
            (404, Some("MessageNotFound"), (Kind::PreconditionFailed, false, false)),
            (400, Some("PopReceiptMismatch"), (Kind::PreconditionFailed, false, false)),
            (412, Some("ConditionNotMet"), (Kind::PreconditionFailed, false, false)),
            (412, Some("TargetConditionNotMet"), (Kind::PreconditionFailed, false, false)),
            (412, Some("SourceConditionNotMet"), (Kind::PreconditionFailed, false, false)),
            (412, Some("UpdateConditionNotSatisfied"), (Kind::PreconditionFailed, false, false)),
            (409, Some("BlobAlreadyExists"), (Kind::AlreadyExists, false, false)),
            (409, Some("ContainerAlreadyExists"), (Kind::AlreadyExists, false, false)),
            (409, Some("QueueAlreadyExists"), (Kind::AlreadyExists, false, false)),
            (409, Some("TableAlreadyExists"), (Kind::AlreadyExists, false, false)),
            (409, Some("EntityAlreadyExists"), (Kind::AlreadyExists, false, false)),
            (409, Some("ContainerBeingDeleted"), (Kind::Unavailable, true, false)),
            (409, Some("QueueBeingDeleted"), (Kind::Unavailable, true, false)),
            (409, Some("TableBeingDeleted"), (Kind::Unavailable, true, false)),
            (409, Some("AccountBeingCreated"), (Kind::Unavailable, true, false)),
            (400, Some("InvalidBlockList"), (Kind::Conflict, true, false)),
            // Staged blocks of others stay for a week: no repetition helps.
            (400, Some("InvalidBlobOrBlock"), (Kind::Conflict, false, false)),
            (409, Some("BlockCountExceedsLimit"), (Kind::Conflict, false, false)),
            (412, Some("LeaseIdMissing"), (Kind::Conflict, true, false)),
            (409, Some("LeaseAlreadyPresent"), (Kind::Conflict, true, false)),
            (409, Some("PendingCopyOperation"), (Kind::Conflict, true, false)),
            (409, Some("BlobArchived"), (Kind::Unsupported, false, false)),
            (409, Some("InvalidBlobType"), (Kind::Unsupported, false, false)),
            (400, Some("EntityTooLarge"), (Kind::TooLarge, false, false)),
            (400, Some("PropertyValueTooLarge"), (Kind::TooLarge, false, false)),
            (400, Some("MetadataTooLarge"), (Kind::TooLarge, false, false)),
            (400, Some("MessageTooLarge"), (Kind::TooLarge, false, false)),
            (413, Some("RequestBodyTooLarge"), (Kind::TooLarge, false, false)),
            (400, Some("InvalidInput"), (Kind::InvalidArgument, false, false)),
            (416, Some("InvalidRange"), (Kind::InvalidArgument, false, false)),
            (500, Some("OperationTimedOut"), (Kind::Timeout, true, true)),
            (500, Some("InternalError"), (Kind::Unavailable, true, true)),
            (503, Some("ServerBusy"), (Kind::Throttled, true, false)),
            (429, Some("TooManyRequests"), (Kind::Throttled, true, false)),
            (501, Some("NotImplemented"), (Kind::Unsupported, false, false)),
            (304, None, (Kind::Internal, false, false)),
            (400, None, (Kind::InvalidArgument, false, false)),
            (401, None, (Kind::Unauthenticated, false, false)),
            (403, None, (Kind::PermissionDenied, false, false)),
            (404, None, (Kind::NotFound, false, false)),
            (405, None, (Kind::Internal, false, false)),
            (408, None, (Kind::Timeout, true, false)),
            (409, None, (Kind::Conflict, true, false)),
            (411, None, (Kind::InvalidArgument, false, false)),
            (412, None, (Kind::PreconditionFailed, false, false)),
            (413, None, (Kind::TooLarge, false, false)),
            (416, None, (Kind::InvalidArgument, false, false)),
            (429, None, (Kind::Throttled, true, false)),
            (500, None, (Kind::Unavailable, true, true)),
            (502, None, (Kind::Unavailable, true, true)),
            // Whatever stands between may have said it after the request was through.
            (503, None, (Kind::Unavailable, true, true)),
            (504, None, (Kind::Unavailable, true, true)),
        ] {
            assert_eq!(told(native(status, code, &[])), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn no_code_or_status_stands_in_the_table_twice() {
        for (at, (code, _)) in CODES.iter().enumerate() {
            assert!(CODES[..at].iter().all(|(earlier, _)| earlier != code), "{code}");
        }
        for (at, (status, _)) in STATUSES.iter().enumerate() {
            assert!(STATUSES[..at].iter().all(|(earlier, _)| earlier != status), "{status}");
        }
    }

    #[test]
    fn an_answer_is_told_by_its_code_and_its_request_and_what_is_no_code_is_not_told() {
        let headers = [("x-ms-request-id", "6d1f-42")];
        let error = of_azure(native(409, Some("QueueNotEmpty"), &headers));
        assert_eq!(error.message(), "Azure answered 409: QueueNotEmpty");
        assert_eq!(code(&error), Some("QueueNotEmpty"));
        assert_eq!(code(&Error::internal("outer").with_source(error.again())), Some("QueueNotEmpty"));
        assert!(format!("{error:?}").contains("request 6d1f-42"), "{error:?}");
        let odd = of_azure(native(409, Some("<sig=1>\n"), &[("x-ms-request-id", "a b")]));
        assert_eq!((odd.message(), code(&odd)), ("Azure answered 409", None));
        assert!(!format!("{odd:?}").contains("a b"));
        let advised = of_azure(native(403, Some("AuthenticationFailed"), &[]));
        assert!(advised.message().contains("clock"), "{advised}");
    }

    #[test]
    fn azure_says_how_long_to_wait_in_three_ways() {
        let after =
            |pairs: &[(&'static str, &str)]| of_azure(native(503, Some("ServerBusy"), pairs)).retry_after();
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(after(&[("retry-after-ms", "70")]), Some(Duration::from_millis(70)));
        let both = [("x-ms-retry-after-ms", "250"), ("retry-after", "7")];
        assert_eq!(after(&both), Some(Duration::from_millis(250)));
        let until = after(&[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")]).expect("a time");
        assert!(until > Duration::from_secs(86_400 * 365));
        for bad in ["Fri, 01 Jan 1999 00:00:00 GMT", "soon", "-1"] {
            assert_eq!(after(&[("retry-after", bad)]), None, "{bad}");
        }
    }

    #[test]
    fn what_was_not_answered_may_have_been_applied_unless_nothing_was_sent() {
        let native = |kind: Native| azure_core::Error::with_message(kind, "TOPSECRET is not here");
        for (kind, expected) in [
            (Native::Connection, (Kind::Unavailable, true, false)),
            (Native::Io, (Kind::Unavailable, true, true)),
            (Native::DataConversion, (Kind::Malformed, false, true)),
            (Native::Other, (Kind::Internal, false, true)),
            (Native::Credential, (Kind::Unauthenticated, false, false)),
        ] {
            let error = of_azure(native(kind.clone()));
            assert_eq!((error.kind(), error.is_retryable(), error.is_ambiguous()), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_the_credentials_said_is_told_as_they_said_it() {
        let why = Error::new(Kind::Unavailable, "the machine gave no token");
        let native = azure_core::Error::with_error(Native::Credential, why, "there is no token");
        let error = of_azure(native);
        assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "the machine gave no token"));
        assert!(error.is_retryable() && !error.is_ambiguous());
    }
}
