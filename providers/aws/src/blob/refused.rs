//! Conditions as S3 takes them, and what its refusals mean in the terms of the port.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use skyport_core::blob::port::{Condition, Etag};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind};

use crate::error;
use crate::provision::NAME;

/// A call of S3 that failed.
pub(super) type Failed<E> = SdkError<E, HttpResponse>;

/// An etag as a header takes it.
pub(super) fn quoted(etag: &Etag) -> String {
    let text = etag.as_str();
    if text.starts_with("W/") { text.to_owned() } else { format!("\"{text}\"") }
}

/// `If-Match` of a write.
pub(super) fn if_match(condition: &Condition) -> Option<String> {
    match condition {
        Condition::IfMatch(etag) => Some(quoted(etag)),
        Condition::None | Condition::IfAbsent => None,
    }
}

/// `If-None-Match` of a write.
pub(super) fn if_none_match(condition: &Condition) -> Option<String> {
    (*condition == Condition::IfAbsent).then(|| "*".to_owned())
}

/// The status of S3's answer, where there was one.
pub(super) fn status<E>(error: &Failed<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// What a call on an object failed with: a `NotFound` names the key, unless it is the bucket that is missing.
pub(super) fn reading<E>(error: Failed<E>, key: &str) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let of_bucket = is_no_bucket(&error);
    let told = error::of(error);
    if told.kind() == ErrorKind::NotFound && !of_bucket { told.with_key(key) } else { told }
}

/// What a write under `condition` failed with.
pub(super) fn writing<E>(error: Failed<E>, condition: &Condition) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let of_bucket = is_no_bucket(&error);
    let ended = error.code() == Some("NoSuchUpload");
    let told = error::of(error);
    match (condition, told.kind()) {
        _ if ended => as_refusal(Refusal::UploadEnded, told),
        (Condition::IfAbsent, ErrorKind::PreconditionFailed) => as_refusal(Refusal::Exists, told),
        (Condition::IfMatch(_), ErrorKind::PreconditionFailed) => as_refusal(Refusal::Changed, told),
        // S3 compares nothing where there is nothing.
        (Condition::IfMatch(_), ErrorKind::NotFound) if !of_bucket => as_refusal(Refusal::Changed, told),
        _ => told,
    }
}

/// The refusal that S3's answer means.
pub(super) fn as_refusal(refusal: Refusal, cause: Error) -> Error {
    Error::from(refusal).with_provider(NAME).with_source(cause)
}

fn is_no_bucket<E: ProvideErrorMetadata>(error: &Failed<E>) -> bool {
    error.code() == Some("NoSuchBucket")
}
