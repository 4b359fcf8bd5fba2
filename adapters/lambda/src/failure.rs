//! What Lambda is told of an invocation that failed.

use lambda_runtime::Diagnostic;
use skyport_core::{Error, ErrorKind};

/// An invocation that failed: a short name for metrics and alarms, and what to do about it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    /// An event that no function is for, or that cannot be read.
    pub(crate) fn event(message: impl Into<String>) -> Self {
        Self { kind: "Skyport.UnexpectedEvent", message: message.into() }
    }

    /// An event that is not for this deployment, in the words of whoever found out.
    pub(crate) fn strange(error: &Error) -> Self {
        Self::event(error.message())
    }

    /// A function that failed, and whose event is to come again.
    pub(crate) fn function(message: impl Into<String>) -> Self {
        Self { kind: "Skyport.FunctionFailed", message: message.into() }
    }

    /// A fault of this adapter.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { kind: "Skyport.Internal", message: message.into() }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Malformed => "Skyport.UnexpectedEvent",
            ErrorKind::NotFound | ErrorKind::InvalidArgument | ErrorKind::Unsupported => {
                "Skyport.Configuration"
            }
            ErrorKind::Throttled => "Skyport.Throttled",
            ErrorKind::Unavailable => "Skyport.Unavailable",
            ErrorKind::Timeout => "Skyport.Timeout",
            ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => "Skyport.PermissionDenied",
            _ => "Skyport.Internal",
        };
        Self { kind, message: error.to_string() }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.message }
    }
}
