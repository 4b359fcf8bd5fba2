//! Native error -> [`Error`], in one table: by code, status and reason, never by a message.

#[cfg(feature = "blob")]
use std::time::Duration;

use google_cloud_auth::errors::CredentialsError;
#[cfg(feature = "blob")]
use google_cloud_auth::signer::SigningError;
use skyport_core::{Error, ErrorKind};

use crate::provision::NAME;

use ErrorKind as Kind;

#[cfg(feature = "grpc")]
mod status;

#[cfg(feature = "kv")]
pub(crate) use status::of_part;
#[cfg(feature = "grpc")]
pub(crate) use status::of_status;
#[cfg(feature = "queue")]
pub(crate) use status::{Failure, failures};

/// What the reasons of Cloud Storage's JSON errors mean. A reason that stands here wins over its status.
#[cfg(feature = "blob")]
const REASONS: &[(&str, ErrorKind)] = &[
    ("conditionNotMet", Kind::PreconditionFailed),
    // Two changes of one object's metadata, or of a bucket.
    ("conditionalConflict", Kind::Conflict),
    ("concurrentModification", Kind::Conflict),
    ("uploadTooLarge", Kind::TooLarge),
    // Too fast: some of these come as a 403.
    ("rateLimitExceeded", Kind::Throttled),
    ("userRateLimitExceeded", Kind::Throttled),
    ("quotaExceeded", Kind::Throttled),
    ("dailyLimitExceeded", Kind::Throttled),
    ("resourceExhausted", Kind::Throttled),
    ("backendError", Kind::Unavailable),
    ("internalError", Kind::Unavailable),
];

/// What a status means where the reason is not known.
#[cfg(feature = "blob")]
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

/// The kind of Cloud Storage's answer with this reason and status.
#[cfg(feature = "blob")]
pub(crate) fn kind(reason: Option<&str>, status: u16) -> ErrorKind {
    let by_reason = reason.and_then(|reason| REASONS.iter().find(|(known, _)| *known == reason));
    let by_status = || STATUSES.iter().find(|(known, _)| *known == status).map(|(_, kind)| *kind);
    match by_reason {
        Some((_, kind)) => *kind,
        None => by_status().unwrap_or(if status >= 500 { Kind::Unavailable } else { Kind::Internal }),
    }
}

/// An error that Cloud Storage answered.
#[cfg(feature = "blob")]
pub(crate) fn answered(
    status: u16,
    reason: Option<&str>,
    message: Option<&str>,
    retry_after: Option<u64>,
) -> Error {
    let kind = kind(reason, status);
    // A message of Google's own is one line for people; `Error::new` masks what looks like a credential in it.
    let text = match (reason, message) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => format!("Cloud Storage answered {status}"),
    };
    let error = Error::new(kind, text).with_provider(NAME);
    // A request that is refused was not applied.
    let error = if kind == Kind::Unavailable && (400..500).contains(&status) {
        error.with_ambiguous(false)
    } else {
        error
    };
    match retry_after {
        Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
        None => error,
    }
}

/// A request of HTTP that did not get through, or got no answer.
#[cfg(feature = "blob")]
pub(crate) fn unanswered(error: reqwest::Error) -> Error {
    // Its text may hold a URL with a session's secret.
    let error = error.without_url();
    let told = if error.is_connect() {
        unconnected(&error).with_ambiguous(false)
    } else if error.is_builder() || error.is_request() && error.is_body() {
        Error::new(Kind::InvalidArgument, "the request to Google could not be made").with_ambiguous(false)
    } else if error.is_timeout() {
        Error::new(Kind::Timeout, "Google did not answer in time")
    } else {
        Error::new(Kind::Unavailable, "the connection to Google broke")
    };
    told.with_source(error).with_provider(NAME)
}

/// No connection was made at all: then nothing can have been applied.
fn unconnected(error: &(dyn std::error::Error + 'static)) -> Error {
    let of_system = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match of_system.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => Error::new(
            Kind::Unavailable,
            "nothing listens at the endpoint: is it right, and does the service run?",
        ),
        Some(std::io::ErrorKind::TimedOut) => {
            Error::new(Kind::Timeout, "no connection to Google was made in time")
        }
        _ => Error::new(
            Kind::Unavailable,
            "no connection to Google was made: is the endpoint right, and do its name and its certificate hold?",
        ),
    }
}

/// Credentials that did not come. Nothing was sent then.
pub(crate) fn no_token(error: CredentialsError) -> Error {
    let told = if error.is_transient() {
        Error::new(Kind::Unavailable, "Google's credentials could not be fetched: what gives them failed")
            .with_ambiguous(false)
            .with_provider(NAME)
    } else {
        no_credentials()
    };
    told.with_source(error)
}

/// There are no credentials.
pub(crate) fn no_credentials() -> Error {
    let text = "no Google credentials were found: run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, \
                or give the service an account";
    Error::new(Kind::Unauthenticated, text).with_provider(NAME)
}

/// The machine has no account, or none that it may use.
pub(crate) fn no_account() -> Error {
    let text = "the metadata server knows no service account of this machine: give it one";
    Error::new(Kind::Unauthenticated, text).with_provider(NAME)
}

/// Nobody's certificate can be checked where a file's credentials are exchanged for a token.
pub(crate) fn no_certificates() -> Error {
    let text = "this machine has no CA certificates, which such credentials from a file need: install them (`ca-certificates`), set \
                SSL_CERT_FILE, or use the account of a machine of Google's, which needs none";
    Error::new(Kind::Unauthenticated, text).with_provider(NAME)
}

/// Credentials that took too long. Nothing was sent then.
pub(crate) fn no_token_in_time() -> Error {
    let text = "Google's credentials did not come in time: is this a machine of Google's, or should \
                GOOGLE_APPLICATION_CREDENTIALS be set?";
    Error::new(Kind::Unavailable, text).with_ambiguous(false).with_provider(NAME)
}

/// Credentials that cannot be read.
pub(crate) fn unusable_credentials(why: &str) -> Error {
    Error::new(Kind::Unauthenticated, format!("Google's credentials cannot be used: {why}"))
        .with_provider(NAME)
}

/// A URL that a key did not sign.
#[cfg(feature = "blob")]
pub(crate) fn not_signed(error: SigningError) -> Error {
    let told = if error.is_transport() {
        Error::new(Kind::Unavailable, "the signer of the configuration did not get through")
    } else {
        Error::new(Kind::Unauthenticated, "Google's credentials cannot sign: is the key in them whole?")
    };
    told.with_ambiguous(false).with_source(error).with_provider(NAME)
}

/// What IAM answered instead of a signature.
#[cfg(feature = "blob")]
pub(crate) fn not_signed_by_iam(status: u16) -> Error {
    let (kind, text) = match status {
        // Of an account that is not there, or may not be seen, it says the same.
        403 | 404 => (
            Kind::PermissionDenied,
            "IAM does not sign for this account: enable its API (`iamcredentials.googleapis.com`), and give the account the role \
             `roles/iam.serviceAccountTokenCreator` on itself",
        ),
        _ => (kind(None, status), "IAM did not sign"),
    };
    Error::new(kind, format!("{text} (it answered {status})")).with_ambiguous(false).with_provider(NAME)
}

/// Credentials that have no key, and are nobody's whom IAM would sign for.
#[cfg(feature = "blob")]
pub(crate) fn cannot_sign() -> Error {
    let text = "these Google credentials cannot sign: use those of a service account, or impersonate one (`gcloud auth \
                application-default login --impersonate-service-account=..`)";
    Error::new(Kind::Unauthenticated, text).with_provider(NAME)
}

/// A signature that took too long.
#[cfg(feature = "blob")]
pub(crate) fn not_signed_in_time() -> Error {
    let text = "there was no signature in time";
    Error::new(Kind::Unavailable, text).with_ambiguous(false).with_provider(NAME)
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source()).take(32)
}
