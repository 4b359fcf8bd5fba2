//! Why there is no token. What Azure's library says of it holds whole answers: only codes and statuses are told.

use azure_core::error::ErrorKind as Native;
use skyport_core::{Error, ErrorKind};

use crate::provision::NAME;

/// What a credential said instead of a token.
pub(super) fn of(error: azure_core::Error) -> Error {
    let told = match answered(&error) {
        Some((status, code)) if status == 429 || status >= 500 => {
            Error::new(ErrorKind::Unavailable, format!("it answered {}", answer(status, code.as_deref())))
        }
        Some((status, code)) => {
            Error::new(ErrorKind::Unauthenticated, format!("it answered {}", answer(status, code.as_deref())))
        }
        None if is_of_network(&error) => {
            return Error::new(ErrorKind::Unavailable, "it was not reached")
                .with_ambiguous(false)
                .with_source(error)
                .with_provider(NAME);
        }
        None => Error::new(ErrorKind::Unauthenticated, "it gave none"),
    };
    told.with_ambiguous(false).with_provider(NAME)
}

/// What the service of a machine said instead of a token, which is not there (404) or moves (410) for a moment while it is changed.
pub(super) fn of_machine(error: azure_core::Error) -> Error {
    match answered(&error) {
        Some((status @ (404 | 410), code)) => {
            let text = format!("it answered {}", answer(status, code.as_deref()));
            Error::new(ErrorKind::Unavailable, text).with_ambiguous(false).with_provider(NAME)
        }
        _ => of(error),
    }
}

/// A token that took too long. Nothing was sent then.
pub(super) fn not_in_time() -> Error {
    Error::new(ErrorKind::Unavailable, "it gave none in time").with_ambiguous(false).with_provider(NAME)
}

/// Status and code of an answer, wherever in the error they stand. Entra ID's codes are numbers.
fn answered(error: &azure_core::Error) -> Option<(u16, Option<String>)> {
    natives(error).find_map(|error| match error.kind() {
        Native::HttpResponse { status, error_code, .. } => {
            let is_code = |code: &&String| {
                code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b",_-.".contains(&b))
            };
            Some((u16::from(*status), error_code.as_ref().filter(is_code).cloned()))
        }
        _ => None,
    })
}

fn answer(status: u16, code: Option<&str>) -> String {
    match code {
        Some(code) if code.bytes().all(|b| b.is_ascii_digit() || b == b',') => {
            format!("{status} (AADSTS{code})")
        }
        Some(code) => format!("{status} ({code})"),
        None => status.to_string(),
    }
}

fn is_of_network(error: &azure_core::Error) -> bool {
    natives(error).any(|error| matches!(error.kind(), Native::Connection))
        || causes(error).any(|cause| cause.is::<reqwest::Error>())
}

fn natives(error: &azure_core::Error) -> impl Iterator<Item = &azure_core::Error> {
    causes(error).filter_map(|cause| cause.downcast_ref::<azure_core::Error>())
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source()).take(32)
}
