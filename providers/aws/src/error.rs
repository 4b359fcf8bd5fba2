//! Native error -> [`Error`], in one table: by code and status, never by a message.

use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
#[cfg(any(feature = "blob", feature = "kv"))]
use aws_smithy_types::error::operation::BuildError;
use hyper_util::client::legacy::Error as ClientError;
use skyport_core::{BoxError, Error, ErrorKind};

use crate::config::bounded::is_too_long;
use crate::provision::NAME;

use ErrorKind as Kind;

/// What the codes of S3, SQS and DynamoDB mean. A code that stands here wins over its status.
const CODES: &[(&str, ErrorKind)] = &[
    // Missing.
    ("NoSuchBucket", Kind::NotFound),
    ("NoSuchKey", Kind::NotFound),
    ("NotFound", Kind::NotFound),
    ("AWS.SimpleQueueService.NonExistentQueue", Kind::NotFound),
    ("QueueDoesNotExist", Kind::NotFound),
    ("ResourceNotFoundException", Kind::NotFound),
    // There already.
    ("BucketAlreadyExists", Kind::AlreadyExists),
    ("BucketAlreadyOwnedByYou", Kind::AlreadyExists),
    ("QueueAlreadyExists", Kind::AlreadyExists),
    ("QueueNameExists", Kind::AlreadyExists),
    ("ResourceInUseException", Kind::AlreadyExists),
    // Conditions.
    ("PreconditionFailed", Kind::PreconditionFailed),
    ("ConditionalCheckFailedException", Kind::PreconditionFailed),
    ("MessageNotInflight", Kind::PreconditionFailed),
    ("AWS.SimpleQueueService.MessageNotInflight", Kind::PreconditionFailed),
    // Of a delivery that is settled, or whose lease has ended.
    ("ReceiptHandleIsInvalid", Kind::PreconditionFailed),
    // Rivals.
    ("ConditionalRequestConflict", Kind::Conflict),
    ("NoSuchUpload", Kind::Conflict),
    ("OperationAborted", Kind::Conflict),
    ("BucketNotEmpty", Kind::Conflict),
    (ARCHIVED, Kind::Conflict),
    ("TransactionConflictException", Kind::Conflict),
    ("TransactionInProgressException", Kind::Conflict),
    ("TransactionConflict", Kind::Conflict),
    ("TransactionCanceledException", Kind::Conflict),
    ("ReplicatedWriteConflictException", Kind::Conflict),
    ("AWS.SimpleQueueService.QueueDeletedRecently", Kind::Conflict),
    ("QueueDeletedRecently", Kind::Conflict),
    // Wrong calls.
    ("InvalidRange", Kind::InvalidArgument),
    ("AuthorizationHeaderMalformed", Kind::InvalidArgument),
    ("IllegalLocationConstraintException", Kind::InvalidArgument),
    ("PermanentRedirect", Kind::InvalidArgument),
    ("InvalidArgument", Kind::InvalidArgument),
    ("InvalidParameterValue", Kind::InvalidArgument),
    ("InvalidMessageContents", Kind::InvalidArgument),
    ("ValidationException", Kind::InvalidArgument),
    ("ValidationError", Kind::InvalidArgument),
    // Too large.
    ("EntityTooLarge", Kind::TooLarge),
    ("MetadataTooLarge", Kind::TooLarge),
    ("BatchRequestTooLong", Kind::TooLarge),
    ("AWS.SimpleQueueService.BatchRequestTooLong", Kind::TooLarge),
    ("ItemCollectionSizeLimitExceededException", Kind::TooLarge),
    ("ItemCollectionSizeLimitExceeded", Kind::TooLarge),
    // Who asks.
    ("AccessDenied", Kind::PermissionDenied),
    ("AccessDeniedException", Kind::PermissionDenied),
    ("AllAccessDisabled", Kind::PermissionDenied),
    ("KmsAccessDenied", Kind::PermissionDenied),
    ("KMS.AccessDeniedException", Kind::PermissionDenied),
    ("AuthFailure", Kind::Unauthenticated),
    ("ExpiredToken", Kind::Unauthenticated),
    ("ExpiredTokenException", Kind::Unauthenticated),
    ("IncompleteSignature", Kind::Unauthenticated),
    ("InvalidAccessKeyId", Kind::Unauthenticated),
    ("InvalidClientTokenId", Kind::Unauthenticated),
    ("InvalidSignatureException", Kind::Unauthenticated),
    ("InvalidToken", Kind::Unauthenticated),
    ("MissingAuthenticationToken", Kind::Unauthenticated),
    ("MissingAuthenticationTokenException", Kind::Unauthenticated),
    ("RequestExpired", Kind::Unauthenticated),
    ("RequestTimeTooSkewed", Kind::Unauthenticated),
    ("SignatureDoesNotMatch", Kind::Unauthenticated),
    ("UnrecognizedClientException", Kind::Unauthenticated),
    // Pace.
    ("LimitExceededException", Kind::Throttled),
    ("OverLimit", Kind::Throttled),
    ("ProvisionedThroughputExceededException", Kind::Throttled),
    ("ProvisionedThroughputExceeded", Kind::Throttled),
    ("RequestLimitExceeded", Kind::Throttled),
    ("RequestThrottled", Kind::Throttled),
    ("RequestThrottledException", Kind::Throttled),
    ("SlowDown", Kind::Throttled),
    ("Throttling", Kind::Throttled),
    ("ThrottlingException", Kind::Throttled),
    ("ThrottlingError", Kind::Throttled),
    ("TooManyRequestsException", Kind::Throttled),
    ("KmsThrottled", Kind::Throttled),
    // A fault of ours, and ambiguous: an earlier attempt arrived.
    ("IdempotentParameterMismatchException", Kind::Internal),
    ("KMS.ThrottlingException", Kind::Throttled),
    // Bytes that broke on the way: sent again, they may arrive whole.
    ("BadDigest", Kind::Unavailable),
    ("IncompleteBody", Kind::Unavailable),
    ("XAmzContentSHA256Mismatch", Kind::Unavailable),
    // The service.
    ("InternalError", Kind::Unavailable),
    ("InternalFailure", Kind::Unavailable),
    ("InternalServerError", Kind::Unavailable),
    ("ServiceUnavailable", Kind::Unavailable),
    ("TemporaryRedirect", Kind::Unavailable),
    ("RequestTimeout", Kind::Timeout),
    ("RequestTimeoutException", Kind::Timeout),
];

/// The code of an object that lies in an archive.
const ARCHIVED: &str = "InvalidObjectState";

/// What a status means where the code is not known.
const STATUSES: &[(u16, ErrorKind)] = &[
    // The bucket is in another region.
    (301, Kind::InvalidArgument),
    (307, Kind::Unavailable),
    (400, Kind::InvalidArgument),
    (401, Kind::Unauthenticated),
    (403, Kind::PermissionDenied),
    (404, Kind::NotFound),
    (408, Kind::Timeout),
    (409, Kind::Conflict),
    (412, Kind::PreconditionFailed),
    (413, Kind::TooLarge),
    (416, Kind::InvalidArgument),
    (429, Kind::Throttled),
    (501, Kind::Unsupported),
    (503, Kind::Unavailable),
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

/// What an SDK's call failed with.
pub(crate) fn of<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let told = lack_of_credentials(&error).map_or_else(|| failed(&error), unsigned);
    // Without the raw answer, which may hold what was stored.
    let source = error.into_source().unwrap_or_else(|error| Box::new(error) as BoxError);
    told.with_source(source).with_provider(NAME)
}

fn failed<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let response = answer.raw();
            let status = response.status().as_u16();
            let after = response.headers().get("retry-after").and_then(|text| text.parse().ok());
            let error = answered(answer.err().code(), answer.err().message(), status);
            match after {
                Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
                None => error,
            }
        }
        SdkError::TimeoutError(_) => Error::new(Kind::Timeout, "AWS did not answer in time"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) => dispatch(connector),
            None => Error::new(Kind::Unavailable, "the request to AWS could not be sent"),
        },
        SdkError::ResponseError(answer) if is_too_long(error) => too_long(answer.raw().status().as_u16()),
        SdkError::ResponseError(_) => Error::new(Kind::Unavailable, "AWS's answer broke off or is no answer"),
        SdkError::ConstructionFailure(_) => {
            Error::new(Kind::InvalidArgument, "the request to AWS could not be made")
        }
        _ => Error::internal("an error of a kind that the AWS SDK had not when this was written"),
    }
}

/// An answer that is longer than is read. A refusal says by its status what it is.
fn too_long(status: u16) -> Error {
    if (200..300).contains(&status) {
        let text = "AWS answered with more than such an answer can have: is there a proxy between that changes answers, or another \
                    service at the endpoint?";
        return Error::new(Kind::Malformed, text).with_ambiguous(true);
    }
    Error::new(kind(None, status), format!("AWS answered {status}, and with more than is read of a refusal"))
}

/// There is nobody to sign a request.
pub(crate) fn no_credentials() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role",
    )
}

/// What it means that credentials could not be had. Then nothing was sent.
pub(crate) fn unsigned(error: &CredentialsError) -> Error {
    use CredentialsError::{ProviderError, ProviderTimedOut, Unhandled};
    match error {
        // There are some: STS, or what gives a role its credentials, fails for a moment.
        ProviderError(_) | ProviderTimedOut(_) | Unhandled(_) => {
            let text =
                "AWS credentials could not be fetched: what gives them failed, or did not answer in time";
            Error::new(Kind::Unavailable, text).with_ambiguous(false)
        }
        _ => no_credentials(),
    }
}

/// An error that AWS answered: of a whole call, or of one entry of a batch.
pub(crate) fn answered(code: Option<&str>, message: Option<&str>, status: u16) -> Error {
    // A success that the SDK could not read. It may be the answer to a write that was applied.
    if code.is_none() && (200..300).contains(&status) {
        return Error::new(Kind::Malformed, "AWS answered with something that cannot be read: is there a proxy between, or another service at the endpoint?")
            .with_ambiguous(true)
            .with_provider(NAME);
    }
    let kind = kind(code, status);
    // A message of AWS's own is one line for people; `Error::new` masks what looks like a credential in it.
    let text = match (code, message) {
        (Some(ARCHIVED), _) => {
            format!("{ARCHIVED}: the object is archived: restore it in S3, then call again")
        }
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => format!("AWS answered {status}"),
    };
    let error = Error::new(kind, text).with_provider(NAME);
    match (code, kind) {
        // A restoration takes hours.
        (Some(ARCHIVED), _) => error.with_retryable(false),
        // A request that is refused was not applied.
        (_, Kind::Unavailable) if (400..500).contains(&status) => error.with_ambiguous(false),
        _ => error,
    }
}

/// A request that the SDK would not make. No request of SQS has a part that may lack.
#[cfg(any(feature = "blob", feature = "kv"))]
pub(crate) fn unmade(error: BuildError) -> Error {
    Error::internal("the request to AWS lacks a part")
        .with_ambiguous(false)
        .with_source(error)
        .with_provider(NAME)
}

/// A request that did not get through, or got no answer.
fn dispatch(error: &ConnectorError) -> Error {
    if is_unconnected(error) {
        return unconnected(error).with_ambiguous(false);
    }
    if error.is_timeout() {
        return Error::new(Kind::Timeout, "the connection to AWS went silent");
    }
    if error.is_user() {
        return Error::new(Kind::InvalidArgument, "the request to AWS could not be sent as it is");
    }
    Error::new(Kind::Unavailable, "the connection to AWS broke")
}

fn unconnected(error: &ConnectorError) -> Error {
    if error.is_timeout() {
        return Error::new(Kind::Timeout, "no connection to AWS was made in time");
    }
    if is_refused(error) {
        let text = "nothing listens at the endpoint: is it right, and does the service run?";
        return Error::new(Kind::Unavailable, text);
    }
    let text =
        "no connection to AWS was made: is the endpoint right, and do its name and its certificate hold?";
    Error::new(Kind::Unavailable, text)
}

/// Whether no connection was made at all: then nothing can have been applied.
fn is_unconnected(error: &ConnectorError) -> bool {
    // The SDK's client says so of DNS, TCP, TLS, and the time that they may take.
    let mut of_client = causes(error).filter_map(|cause| cause.downcast_ref::<ClientError>());
    of_client.any(ClientError::is_connect) || is_refused(error)
}

fn is_refused(error: &ConnectorError) -> bool {
    let mut of_system = causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    of_system.any(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// Why nothing was sent, where it is because there is nobody to sign it.
fn lack_of_credentials<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e CredentialsError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source()).take(32)
}
