//! Conditions as Azure takes them, and what its refusals mean in the terms of the port.

use azure_core::error::ErrorKind as Native;
use azure_core::http::headers::HeaderName;
use azure_core::http::{Etag as Header, Request};
use skyport_core::blob::port::{Condition, Etag};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};

use super::NAME;
use crate::error;

/// An etag as a header takes it.
///
/// # Errors
/// `PreconditionFailed` for one that no header holds: it is that of no blob.
pub(super) fn quoted(etag: &Etag) -> Result<Header> {
    let text = etag.as_str();
    // A weak one keeps its quotes.
    let (bare, weak) = match text.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    if !bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') {
        return Err(changed());
    }
    Ok(if weak { text.into() } else { format!("\"{text}\"").into() })
}

/// `If-Match` and `If-None-Match` of a write.
///
/// # Errors
/// As [`quoted`].
pub(super) fn of_write(condition: &Condition) -> Result<(Option<Header>, Option<Header>)> {
    Ok(match condition {
        Condition::None => (None, None),
        Condition::IfAbsent => (None, Some("*".into())),
        Condition::IfMatch(etag) => (Some(quoted(etag)?), None),
    })
}

/// Puts conditions on a request.
pub(super) fn insert(request: &mut Request, if_match: Option<Header>, if_none_match: Option<Header>) {
    for (name, etag) in [("if-match", if_match), ("if-none-match", if_none_match)] {
        if let Some(etag) = etag {
            request.insert_header(HeaderName::from_static(name), String::from(etag));
        }
    }
}

/// The status and the code of an answer; 0 where there was none.
pub(super) fn answer(error: &azure_core::Error) -> (u16, &str) {
    match error.kind() {
        Native::HttpResponse { status, error_code, .. } => {
            (u16::from(*status), error_code.as_deref().unwrap_or_default())
        }
        _ => (0, ""),
    }
}

/// What a read of a blob failed with: a `NotFound` names the key, unless it is the container that is missing.
pub(super) fn reading(native: azure_core::Error, key: &str) -> Error {
    let refusal = match answer(&native) {
        (404, code) if is_of_container(code) => Refusal::NoBucket,
        (404, _) => return as_refusal(Refusal::NoObject, native).with_key(key),
        (412, "LeaseIdMissing" | "LeaseIdMismatchWithBlobOperation") => return error::of_azure(native),
        (412, _) => Refusal::Changed,
        _ => return error::of_azure(native),
    };
    as_refusal(refusal, native)
}

/// What a write under `condition` failed with.
pub(super) fn writing(native: azure_core::Error, condition: &Condition) -> Error {
    let refusal = match (answer(&native), condition) {
        ((404, code), _) if is_of_container(code) => Refusal::NoBucket,
        ((_, "LeaseIdMissing" | "LeaseIdMismatchWithBlobOperation"), _) => return error::of_azure(native),
        ((_, "InvalidBlockList"), _) => Refusal::UploadEnded,
        ((_, "BlobAlreadyExists") | (412, _), Condition::IfAbsent) => Refusal::Exists,
        ((412 | 404, _), Condition::IfMatch(_)) => Refusal::Changed,
        _ => return error::of_azure(native),
    };
    as_refusal(refusal, native)
}

/// Whether it is the container that is not there.
fn is_of_container(code: &str) -> bool {
    matches!(code, "ContainerNotFound" | "ContainerDisabled")
}

/// The refusal that Azure's answer means.
pub(super) fn as_refusal(refusal: Refusal, native: azure_core::Error) -> Error {
    Error::from(refusal).with_provider(NAME).with_source(error::of_azure(native))
}

/// The blob is another one.
pub(super) fn changed() -> Error {
    Error::from(Refusal::Changed).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind;

    use super::*;

    fn native(status: u16, code: &str) -> azure_core::Error {
        Native::HttpResponse { status: status.into(), error_code: Some(code.to_owned()), raw_response: None }
            .into_error()
    }

    #[test]
    fn a_refusal_says_what_it_means_of_the_condition() {
        let (absent, same) = (Condition::IfAbsent, Condition::IfMatch(Etag::new("e")));
        for (status, code, condition, kind) in [
            (409, "BlobAlreadyExists", &absent, ErrorKind::AlreadyExists),
            (412, "ConditionNotMet", &absent, ErrorKind::AlreadyExists),
            (412, "TargetConditionNotMet", &same, ErrorKind::PreconditionFailed),
            (404, "BlobNotFound", &same, ErrorKind::PreconditionFailed),
            (404, "ContainerNotFound", &same, ErrorKind::NotFound),
            (400, "InvalidBlockList", &same, ErrorKind::Conflict),
            (412, "LeaseIdMissing", &same, ErrorKind::Conflict),
            (409, "PendingCopyOperation", &Condition::None, ErrorKind::Conflict),
        ] {
            let error = writing(native(status, code), condition);
            assert_eq!(error.kind(), kind, "{status} {code} {condition:?}");
        }
    }

    #[test]
    fn a_missing_blob_is_told_by_its_key_and_a_missing_container_is_not() {
        let blob = reading(native(404, "BlobNotFound"), "k");
        assert_eq!((blob.kind(), blob.key()), (ErrorKind::NotFound, Some("k")));
        let container = reading(native(404, "ContainerNotFound"), "k");
        assert_eq!((container.kind(), container.key()), (ErrorKind::NotFound, None));
    }

    #[test]
    fn an_etag_that_no_header_holds_is_that_of_no_blob() {
        assert_eq!(quoted(&Etag::new("0x8D")).expect("valid").as_ref(), "\"0x8D\"");
        assert_eq!(quoted(&Etag::new("W/\"0x8D\"")).expect("valid").as_ref(), "W/\"0x8D\"");
        for odd in ["a\"b", "a b", "\n", "é", "W/\"a\nb\"", "W/\"a\", \"b\"", "W/ a", "W/\""] {
            assert_eq!(quoted(&Etag::new(odd)).expect_err(odd).kind(), ErrorKind::PreconditionFailed);
        }
    }
}
