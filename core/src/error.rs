//! The one error type of every port: [`Error`], and the kinds that a program can act on.

mod mask;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest message that is put together, in bytes: an application is told all its faults.
const LONGEST_MESSAGE: usize = 16 << 10;

/// The longest text of a cause that is none of ours, in bytes: a line for people.
const LONGEST_CAUSE: usize = 2 << 10;

/// So many bytes of a key, or of a resource's name, are quoted: no key that is sound is longer.
const LONGEST_NAME: usize = 1_200;

/// Any error, boxed: what an [`Error`] keeps as its source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of a port's operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms that a program can act on.
///
/// The same on every provider: a provider maps its native errors by status and code, never by the text of a message.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The bucket, queue, table, or the object in it does not exist.
    NotFound,
    /// A write that was to create found something there.
    AlreadyExists,
    /// A condition (an etag, a version, a lease) no longer holds.
    PreconditionFailed,
    /// A concurrent operation was in the way; the same call may succeed when repeated.
    Conflict,
    /// The call itself is wrong: a key, a name, an option.
    InvalidArgument,
    /// A body, a value or a batch is over a limit; the limit stands in the text.
    TooLarge,
    /// No credentials, or credentials that are not recognised.
    Unauthenticated,
    /// The credentials are known and do not permit this.
    PermissionDenied,
    /// The service asks for a slower pace.
    Throttled,
    /// The service, or the way to it, is down for now.
    Unavailable,
    /// The time limit of a call or of an attempt ran out.
    Timeout,
    /// The write may or may not have been applied, and the truth cannot be known.
    Indeterminate,
    /// This provider cannot do this; said before any input or output.
    Unsupported,
    /// Stored or received data could not be decoded.
    Malformed,
    /// A fault in the provider or in Skyport.
    Internal,
}

impl ErrorKind {
    /// The kind as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PreconditionFailed => "precondition_failed",
            Self::Conflict => "conflict",
            Self::InvalidArgument => "invalid_argument",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Indeterminate => "indeterminate",
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::Internal => "internal",
        }
    }

    const fn default_retryable(self) -> bool {
        matches!(self, Self::Conflict | Self::Throttled | Self::Unavailable | Self::Timeout)
    }

    const fn default_ambiguous(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::Indeterminate | Self::Internal)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What every port returns when an operation fails.
///
/// Display is one line without secrets; the native error is the [`source`](std::error::Error::source). One word wide,
/// so that a `Result` stays small.
///
/// ```
/// use skyport_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "no such object").with_operation("blob.get").with_key("cat.jpg");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(!error.is_retryable());
/// assert_eq!(error.to_string(), r#"blob.get "cat.jpg": not_found: no such object"#);
/// ```
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    retryable: Option<bool>,
    ambiguous: Option<bool>,
    retry_after: Option<Duration>,
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    resource: Option<Box<str>>,
    key: Option<Box<str>>,
    item: Option<usize>,
    /// Shared by the errors of all that one request was about.
    source: Option<Arc<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// An error of `kind`; `message` says what to do next where that is known, and holds no secret. One that is put together, perhaps of what a
    /// service wrote, is cut after 16 KiB, and what looks like a credential in it is masked.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = match message.into() {
            Cow::Owned(text) => mask::shown(text, LONGEST_MESSAGE),
            written => written,
        };
        Self(Box::new(Inner {
            kind,
            message,
            retryable: None,
            ambiguous: None,
            retry_after: None,
            provider: None,
            operation: None,
            resource: None,
            key: None,
            item: None,
            source: None,
        }))
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, in words, without the context that [`Display`](fmt::Display) adds.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed when it is repeated.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(self.0.kind.default_retryable())
    }

    /// Whether the operation may have been applied although it failed: a lost answer, not a refusal.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.ambiguous.unwrap_or(self.0.kind.default_ambiguous())
    }

    /// How long the service asks to wait before the next attempt, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The provider that failed: `"local"`, `"aws"`..
    #[must_use]
    pub fn provider(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// The operation that failed: `"blob.put"`, `"queue.receive"`..
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The bucket, queue or table.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The object's or item's key, where one was involved.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// In a transaction, the position of the write that failed it, where the provider names one.
    #[must_use]
    pub fn item(&self) -> Option<usize> {
        self.0.item
    }

    /// Says what the native error was; reached by [`source`](std::error::Error::source).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Overrides whether a repetition may succeed.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// Overrides whether the operation may have been applied: `false` for a refused connection, say.
    #[must_use]
    pub fn with_ambiguous(mut self, ambiguous: bool) -> Self {
        self.0.ambiguous = Some(ambiguous);
        self
    }

    /// Says how long the service asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Names the provider, unless one is named already.
    #[must_use]
    pub fn with_provider(mut self, provider: &'static str) -> Self {
        self.0.provider.get_or_insert(provider);
        self
    }

    /// Names the operation, unless one is named already.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Names the bucket, queue or table, unless one is named already.
    #[must_use]
    pub fn with_resource(mut self, resource: &str) -> Self {
        self.0.resource.get_or_insert_with(|| resource.into());
        self
    }

    /// Names the key, unless one is named already.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.0.key.get_or_insert_with(|| key.into());
        self
    }

    /// Names the write of a transaction that failed it.
    #[must_use]
    pub fn with_item(mut self, index: usize) -> Self {
        self.0.item = Some(index);
        self
    }

    /// The same error under another kind: what a layer knows that the provider could not.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self.0.retryable = None;
        self.0.ambiguous = None;
        self
    }

    /// One more error like this one: a request that fails may have been about several things.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// The error of a whole request as the result of each of the `count` things that it was about.
    #[must_use]
    pub fn of_each<T>(&self, count: usize) -> Vec<Result<T>> {
        std::iter::repeat_with(|| Err(self.again())).take(count).collect()
    }

    /// An error of kind [`InvalidArgument`](ErrorKind::InvalidArgument).
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// An error of kind [`Unsupported`](ErrorKind::Unsupported).
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// An error of kind [`Internal`](ErrorKind::Internal).
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The Skyport error inside any error, found through `source()` and through `std::io::Error`.
    #[must_use]
    pub fn find<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Error> {
        let mut next = Some(error);
        // A chain is short; the bound only guards against a `source` that returns itself.
        for _ in 0..32 {
            let error = next?;
            if let Some(found) = error.downcast_ref::<Error>() {
                return Some(found);
            }
            let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            next = match wrapped {
                Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
                None => error.source(),
            };
        }
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            f.write_str(operation)?;
            if let Some(resource) = &inner.resource {
                write!(f, " on {}", quoted(resource))?;
            }
            if let Some(key) = &inner.key {
                write!(f, " {}", quoted(key))?;
            }
            if let Some(provider) = inner.provider {
                write!(f, " ({provider})")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}: ", inner.kind)?;
        escaped(f, &inner.message)
    }
}

/// A name or a key in quotes, or its head and `..`.
fn quoted(name: &str) -> String {
    let (head, is_all) = mask::head(name, LONGEST_NAME);
    format!("{head:?}{}", if is_all { "" } else { ".." })
}

/// A message may quote what came from outside: it must not forge a line of a log.
fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for piece in text.split_inclusive(char::is_control) {
        match piece.char_indices().next_back() {
            Some((at, last)) if last.is_control() => {
                let (plain, control) = piece.split_at(at);
                write!(f, "{plain}{}", control.escape_debug())?;
            }
            _ => f.write_str(piece)?,
        }
    }
    Ok(())
}

/// One line with the causes, for this is what `main` and `expect` print; the fields with `{:#?}`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return one_line(self, f);
        }
        let inner = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &inner.kind).field("message", &inner.message);
        if let Some(provider) = inner.provider {
            debug.field("provider", &provider);
        }
        if let Some(operation) = inner.operation {
            debug.field("operation", &operation);
        }
        if let Some(resource) = &inner.resource {
            debug.field("resource", &format_args!("{}", quoted(resource)));
        }
        if let Some(key) = &inner.key {
            debug.field("key", &format_args!("{}", quoted(key)));
        }
        if let Some(item) = inner.item {
            debug.field("item", &item);
        }
        if let Some(source) = &inner.source {
            // Its own Debug may hold all that a service wrote.
            debug.field("source", &causes(&**source).collect::<Vec<_>>());
        }
        debug.finish()
    }
}

/// The error and what caused it. A cause that is told already, as that of an error that was given more words, is not told
/// again.
fn one_line(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut line = error.to_string();
    for text in std::error::Error::source(error).into_iter().flat_map(causes) {
        if !line.contains(&text) {
            line.push_str(", because ");
            line.push_str(&text);
        }
    }
    escaped(f, &line)
}

/// An error and its causes, each in one line that can be shown.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> impl Iterator<Item = String> {
    // A chain is short; the bound only guards against a `source` that returns itself.
    std::iter::successors(Some(error), |error| error.source()).take(32).map(|error| {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.message().to_owned();
        }
        // What it says beside the place quotes the data.
        if let Some(error) = error.downcast_ref::<serde_json::Error>() {
            let (line, column) = (error.line(), error.column());
            return format!("it is no such JSON ({:?}, line {line} column {column})", error.classify());
        }
        mask::shown(error.to_string().lines().collect::<Vec<_>>().join(" "), LONGEST_CAUSE).into_owned()
    })
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

/// So that a failure of a port travels through `AsyncRead` and `AsyncWrite` and is found again by [`Error::find`].
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => std::io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => std::io::ErrorKind::AlreadyExists,
            ErrorKind::InvalidArgument => std::io::ErrorKind::InvalidInput,
            ErrorKind::PermissionDenied => std::io::ErrorKind::PermissionDenied,
            ErrorKind::Timeout => std::io::ErrorKind::TimedOut,
            ErrorKind::Unsupported => std::io::ErrorKind::Unsupported,
            ErrorKind::Malformed => std::io::ErrorKind::InvalidData,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_behind_io_and_other_errors() {
        let io: std::io::Error = Error::new(ErrorKind::Throttled, "slow down").into();
        let outer = Error::internal("wrapped").with_source(io);
        let boxed: BoxError = Box::new(std::io::Error::other(outer));
        let found = Error::find(&*boxed).expect("a Skyport error");
        assert_eq!(found.kind(), ErrorKind::Internal);
        let inner = Error::find(std::error::Error::source(found).expect("a source")).expect("the inner one");
        assert_eq!(inner.kind(), ErrorKind::Throttled);
    }

    #[test]
    fn context_is_kept_from_the_innermost_place_that_named_it() {
        let error =
            Error::new(ErrorKind::Conflict, "busy").with_operation("blob.copy").with_operation("blob.put");
        assert_eq!(error.operation(), Some("blob.copy"));
        assert!(error.is_retryable() && !error.is_ambiguous());
        assert!(Error::new(ErrorKind::Timeout, "").is_ambiguous());
    }

    #[test]
    fn debug_is_one_line_with_each_cause_told_once() {
        let disk = std::io::Error::other("the disk\nis full");
        let inner = Error::new(ErrorKind::Unavailable, "it cannot be written").with_source(disk);
        let text = format!("resource `photos`: {}", inner.message());
        let outer = Error::new(inner.kind(), text).with_source(inner);
        let line = "unavailable: resource `photos`: it cannot be written, because the disk is full";
        assert_eq!(format!("{outer:?}"), line);
        assert!(format!("{outer:#?}").contains("kind: Unavailable"), "{outer:#?}");
    }

    #[test]
    fn display_is_one_line_whatever_is_in_it() {
        let error = Error::new(ErrorKind::Malformed, "no \u{85}such\r\nline\u{1b}[31m: grüße")
            .with_operation("blob.get")
            .with_resource("a\nb")
            .with_key("k\r\n\0");
        let text = error.to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.contains("no \\u{85}such\\r\\nline") && text.ends_with("[31m: grüße"), "{text}");
    }

    #[test]
    fn a_long_message_of_our_own_is_whole_and_of_a_long_key_or_cause_the_head_is_told() {
        let faults = "the function `x` has no route; ".repeat(200);
        let error = Error::invalid(faults.clone()).with_operation("blob.get").with_key(&"k".repeat(5_000));
        let text = error.to_string();
        assert!(text.ends_with(&faults), "{text}");
        assert!(text.starts_with(&format!("blob.get \"{}\"..: ", "k".repeat(LONGEST_NAME))), "{text}");
        assert_eq!(error.key().map(str::len), Some(5_000));
        let error = Error::internal("failed").with_source(std::io::Error::other("a cause ".repeat(1_000)));
        assert!(format!("{error:?}").len() < LONGEST_CAUSE + 100);
        assert!(Error::invalid("much ".repeat(10_000)).message().len() <= LONGEST_MESSAGE + 2);
    }

    #[test]
    fn a_source_is_not_in_the_display() {
        let source = std::io::Error::other("<xml>token=secret</xml>");
        let error = Error::new(ErrorKind::Internal, "the service failed").with_source(source);
        assert!(!error.to_string().contains("secret"));
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn the_error_of_a_request_is_that_of_each_thing_it_was_about() {
        let native = std::io::Error::other("the native one");
        let error = Error::new(ErrorKind::Conflict, "busy").with_retryable(false).with_source(native);
        let each = error.of_each::<()>(2);
        assert_eq!(each.len(), 2);
        for error in each.into_iter().filter_map(Result::err) {
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
            assert!(std::error::Error::source(&error).is_some());
        }
    }

    #[test]
    fn a_result_is_one_word_wide() {
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }
}
