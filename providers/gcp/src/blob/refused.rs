//! Conditions as Cloud Storage takes them, and what its refusals mean in the terms of the port.

use http::StatusCode;
use skyport_core::blob::port::{Condition, Etag};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};

use super::call::Refused;
use crate::provision::NAME;

/// The largest generation there can be: a number of 63 bits.
const MOST: u64 = i64::MAX as u64;

/// The generation that an etag is; `None` where it is that of no object. No object has generation 0, which as a condition means
/// that there is no object.
pub(super) fn generation(etag: &Etag) -> Option<u64> {
    let number = etag.as_str().parse().ok().filter(|number| (1..=MOST).contains(number))?;
    (Etag::of_number(number) == *etag).then_some(number)
}

/// `ifGenerationMatch` of a write.
///
/// # Errors
/// `PreconditionFailed` for an etag that no object has.
pub(super) fn if_generation_match(condition: &Condition) -> Result<Option<String>> {
    match condition {
        Condition::None => Ok(None),
        Condition::IfAbsent => Ok(Some("0".to_owned())),
        Condition::IfMatch(etag) => only(etag).map(Some),
    }
}

/// The parameter that names one content.
///
/// # Errors
/// `PreconditionFailed` for an etag that no object has.
pub(super) fn only(etag: &Etag) -> Result<String> {
    let generation = generation(etag).ok_or_else(|| Error::from(Refusal::Changed).with_provider(NAME))?;
    Ok(generation.to_string())
}

/// What a write under `condition` failed with. A write meets no missing object: what is not found is the bucket.
pub(super) fn writing(refused: Refused, condition: &Condition) -> Error {
    let Refused { status, error } = refused;
    match (status, condition) {
        (Some(StatusCode::PRECONDITION_FAILED), Condition::IfAbsent) => as_refusal(Refusal::Exists, error),
        (Some(StatusCode::PRECONDITION_FAILED), Condition::IfMatch(_)) => as_refusal(Refusal::Changed, error),
        (Some(StatusCode::NOT_FOUND), _) => as_refusal(Refusal::NoBucket, error),
        _ => error,
    }
}

/// What a read under a condition failed with, but for what is not found.
pub(super) fn reading(refused: Refused) -> Error {
    match refused.status {
        Some(StatusCode::PRECONDITION_FAILED) => as_refusal(Refusal::Changed, refused.error),
        _ => refused.error,
    }
}

/// The refusal that Cloud Storage's answer means.
pub(super) fn as_refusal(refusal: Refusal, cause: Error) -> Error {
    Error::from(refusal).with_provider(NAME).with_source(cause)
}

/// Whether the credentials may not ask.
pub(super) fn is_denied(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_of_an_object_is_compared_and_never_that_of_none() {
        assert_eq!(generation(&Etag::new("17")), Some(17));
        assert_eq!(generation(&Etag::new("9223372036854775807")), Some(MOST));
        for odd in ["", "0", "07", "+7", "7 ", "-1", "x", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(generation(&Etag::new(odd)), None, "{odd}");
            let error = if_generation_match(&Condition::IfMatch(Etag::new(odd))).expect_err(odd);
            assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
        }
        assert_eq!(if_generation_match(&Condition::IfAbsent).expect("valid").as_deref(), Some("0"));
        assert_eq!(if_generation_match(&Condition::None).expect("valid"), None);
    }
}
