//! What a handler returns when it fails: any error, and what is to be done about it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::error::causes;
use crate::{BoxError, Error};

/// What handlers return.
pub type HandlerResult<T = (), E = HandlerError> = std::result::Result<T, E>;

/// A handler's failure. Made by `?` from any error; by itself it means "again, within `max_attempts`".
///
/// It is no `std::error::Error` itself: only so can `?` take every one.
///
/// ```
/// use skyport_core::app::{HandlerError, HandlerResult, ResultExt};
///
/// fn parse(text: &str) -> HandlerResult<u32> {
///     let number: u32 = text.parse().or_fatal()?;      // no retry will mend it
///     if number > 100 {
///         return Err(HandlerError::status(http::StatusCode::UNPROCESSABLE_ENTITY, "at most 100"));
///     }
///     Ok(number)
/// }
/// assert!(parse("x").unwrap_err().is_fatal());
/// assert!(!HandlerError::from("try again").is_fatal());
/// ```
pub struct HandlerError(Box<Inner>);

struct Inner {
    source: BoxError,
    fatal: bool,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
}

impl HandlerError {
    fn new(source: BoxError) -> Self {
        Self(Box::new(Inner { source, fatal: false, status: None, retry_after: None }))
    }

    /// A failure that no repetition mends: a message goes to the dead letters with this as the reason.
    pub fn fatal(error: impl Into<BoxError>) -> Self {
        let mut this = Self::new(error.into());
        this.0.fatal = true;
        this
    }

    /// A failure of an HTTP request with exactly this status; `detail` is shown to the client. For an event it is fatal
    /// where the status blames the request (4xx).
    pub fn status(status: StatusCode, detail: impl Into<String>) -> Self {
        let mut this = Self::new(detail.into().into());
        this.0.status = Some(status);
        this.0.fatal = status.is_client_error();
        this
    }

    /// Asks for the next attempt no sooner than this; kept for messages, and said to HTTP clients (`Retry-After`).
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Whether repetitions are in vain.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.0.fatal
    }

    /// The status that was said outright.
    #[must_use]
    pub fn said_status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// How long to wait before the next attempt, where it was said here or by a service.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after.or_else(|| self.port_error().and_then(Error::retry_after))
    }

    /// The failure itself.
    #[must_use]
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0.source
    }

    /// The error of a port behind it, where there is one.
    #[must_use]
    pub fn port_error(&self) -> Option<&Error> {
        if let Some(carried) = self.0.source.downcast_ref::<Carried>() {
            return carried.0.port_error();
        }
        Error::find(&*self.0.source)
    }

    /// The failure as a std error, for APIs that demand one; [`from_carried`](Self::from_carried) unpacks it.
    #[must_use]
    pub fn carry(self) -> BoxError {
        Box::new(Carried(self))
    }

    /// A failure that was carried through foreign code as a std error, or any other error.
    pub fn from_carried(error: BoxError) -> Self {
        match error.downcast::<Carried>() {
            Ok(carried) => carried.0,
            Err(other) => Self::new(other),
        }
    }
}

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::from_carried(error.into())
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("error", &causes(&*self.0.source).collect::<Vec<_>>())
            .field("fatal", &self.0.fatal)
            .field("status", &self.0.status)
            .finish()
    }
}

/// In one line, without credentials, and without the data that a wrong JSON quotes: it goes into logs, and with a dead letter.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source.downcast_ref::<Error>() {
            Some(error) => fmt::Display::fmt(error, f),
            None => causes(&*self.0.source).take(1).try_for_each(|told| f.write_str(&told)),
        }
    }
}

/// A [`HandlerError`] in the clothes of a std error.
#[derive(Debug)]
struct Carried(HandlerError);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Carried {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0.0.source)
    }
}

/// Says what an error means for the handler.
pub trait ResultExt<T> {
    /// No repetition mends this: the message goes to the dead letters, a request gets the status it would get anyway.
    ///
    /// # Errors
    /// The same error, as fatal.
    fn or_fatal(self) -> HandlerResult<T>;

    /// An HTTP request that fails here gets this status, and `detail`.
    ///
    /// # Errors
    /// The same error, with this status.
    fn or_status(self, status: StatusCode, detail: &str) -> HandlerResult<T>;
}

impl<T, E: Into<BoxError>> ResultExt<T> for Result<T, E> {
    fn or_fatal(self) -> HandlerResult<T> {
        self.map_err(HandlerError::fatal)
    }

    fn or_status(self, status: StatusCode, detail: &str) -> HandlerResult<T> {
        self.map_err(|error| {
            // The client sees `detail`; what it was is for the log.
            let error: BoxError = error.into();
            tracing::debug!(%error, %status, "a request is refused");
            HandlerError::status(status, detail)
        })
    }
}

impl<T> ResultExt<T> for Option<T> {
    fn or_fatal(self) -> HandlerResult<T> {
        self.ok_or_else(|| HandlerError::fatal("what was looked for is not there"))
    }

    fn or_status(self, status: StatusCode, detail: &str) -> HandlerResult<T> {
        self.ok_or_else(|| HandlerError::status(status, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_is_logged_of_it_is_one_line_without_data_and_credentials() {
        let wrong = serde_json::from_str::<u32>("\"hunter2\"").expect_err("no number");
        assert!(wrong.to_string().contains("hunter2"), "else this tests nothing");
        let quoted = HandlerError::from(wrong);
        let echoed = HandlerError::from("refused:\nAuthorization: Bearer abcdefgh-12345678");
        for error in [quoted, echoed] {
            let told = format!("{error} {error:?}");
            assert!(
                !told.contains("hunter2") && !told.contains("12345678") && !told.contains('\n'),
                "{told}"
            );
        }
    }

    #[test]
    fn a_question_mark_takes_any_error_and_keeps_its_kind() {
        fn port() -> HandlerResult {
            Err(Error::new(ErrorKind::Throttled, "slow").with_retry_after(Duration::from_secs(3)))?
        }
        fn io() -> HandlerResult {
            Err(std::io::Error::from(Error::new(ErrorKind::NotFound, "gone")))?
        }
        let error = port().expect_err("fails");
        assert_eq!(error.port_error().map(Error::kind), Some(ErrorKind::Throttled));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert!(!error.is_fatal());
        assert_eq!(io().expect_err("fails").port_error().map(Error::kind), Some(ErrorKind::NotFound));
    }

    #[test]
    fn a_failure_survives_being_carried_as_a_std_error() {
        let carried = HandlerError::fatal("broken").carry();
        assert!(HandlerError::from(carried).is_fatal());
    }
}
