//! What can go wrong on this machine, and its kind.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind};

/// The provider's name in errors and URLs.
pub(crate) const NAME: &str = "local";

/// What only this provider refuses; the rest is [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    BadPart,
    ContentGone,
    Closed,
}

impl From<Native> for Error {
    fn from(native: Native) -> Self {
        use ErrorKind as Kind;
        let (kind, message) = match native {
            Native::BadPart => (
                Kind::InvalidArgument,
                "all parts of an upload but the last have the size that the limits tell",
            ),
            Native::ContentGone => (
                Kind::Malformed,
                "the file with the object's content is missing or cut short: restore the data folder, or write the \
                 object again",
            ),
            Native::Closed => {
                (Kind::Internal, "the database's writer has ended; the cause stands in the log")
            }
        };
        Error::new(kind, Cow::Borrowed(message)).with_provider(NAME)
    }
}

/// A failure inside a job or a read: ours, SQLite's, or of a file.
#[derive(Debug)]
pub(crate) enum Fault {
    Ours(Error),
    Sqlite(rusqlite::Error),
    Io(io::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Ours(Error::from(refusal).with_provider(NAME))
    }
}

impl From<Native> for Fault {
    fn from(native: Native) -> Self {
        Self::Ours(native.into())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    /// Whether what it found in a row is not what Skyport writes there.
    pub(crate) fn is_of_a_row(&self) -> bool {
        match self {
            Self::Ours(error) => error.kind() == ErrorKind::Malformed,
            Self::Sqlite(error) => is_of_a_row(error),
            Self::Io(_) => false,
        }
    }

    /// Whether a value is larger than the connection reads.
    pub(crate) fn is_of_size(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::TooBig))
    }

    /// Whether it is nothing but that another process keeps the database from it for the moment, or that it took too many steps.
    pub(crate) fn is_of_time(&self) -> bool {
        let interrupted =
            |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted);
        matches!(self, Self::Sqlite(error) if is_busy(error) || interrupted(error))
    }

    /// The fault as users see it; `file` is the one that is named where it matters.
    pub(crate) fn at(self, file: &Path) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Sqlite(error) => from_sqlite(error, file),
            Self::Io(error) => from_io(error, file),
        }
    }
}

/// The one table from SQLite's codes to kinds. A statement that failed was rolled back: it was not applied.
fn from_sqlite(error: rusqlite::Error, file: &Path) -> Error {
    let file = file.display();
    let (kind, message, retryable): (_, Cow<'static, str>, _) = match error.sqlite_error_code() {
        _ if is_busy(&error) => (
            ErrorKind::Unavailable,
            format!("another process keeps `{file}` locked: try again").into(),
            true,
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::Unavailable,
            format!("no room left for `{file}`: free space on its disk, or raise the limit; nothing was changed")
                .into(),
            false,
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            ErrorKind::Malformed,
            format!(
                "`{file}` is damaged or no database of Skyport's; nothing was overwritten. Restore it from a backup, \
                 or move the folder away to begin anew"
            )
            .into(),
            false,
        ),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied) => (
            ErrorKind::PermissionDenied,
            format!("`{file}` cannot be written: check the permissions of the data folder").into(),
            false,
        ),
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::Unavailable,
            format!("`{file}` cannot be opened: check that its folder is there and may be written").into(),
            false,
        ),
        // The statement was carried out, and what it found in a row is not what Skyport writes there.
        None if is_of_a_row(&error) => (
            ErrorKind::Malformed,
            format!("a row of `{file}` is damaged, or was not written by Skyport: restore it from a backup; only what is in that row is lost to reads").into(),
            false,
        ),
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Unavailable,
            format!("reading or writing `{file}` failed: check the disk").into(),
            true,
        ),
        _ => (ErrorKind::Internal, "the database refused a statement".into(), false),
    };
    Error::new(kind, message)
        .with_provider(NAME)
        .with_retryable(retryable)
        .with_ambiguous(false)
        .with_source(error)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether it is about the value of a column: its type, its range, its letters.
fn is_of_a_row(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

/// The one table from a file's errors to kinds.
fn from_io(error: io::Error, file: &Path) -> Error {
    let file = file.display();
    let (kind, message) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => (
            ErrorKind::Unavailable,
            format!("no room left at `{file}`: free space on its disk; nothing was changed"),
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::PermissionDenied,
            format!("`{file}` cannot be used: check the permissions of the data folder"),
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => (
            ErrorKind::InvalidArgument,
            format!(
                "`{file}` cannot be made: a file stands where a folder must be; name another data folder"
            ),
        ),
        _ => (
            ErrorKind::Unavailable,
            format!("reading or writing at `{file}` failed: check the disk and the folder"),
        ),
    };
    let retryable = matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::TimedOut);
    Error::new(kind, message)
        .with_provider(NAME)
        .with_retryable(retryable)
        .with_ambiguous(false)
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn each_code_of_sqlite_has_its_kind() {
        let file = Path::new("skyport.db");
        let cases = [
            (rusqlite::ffi::SQLITE_BUSY, ErrorKind::Unavailable, true),
            (rusqlite::ffi::SQLITE_FULL, ErrorKind::Unavailable, false),
            (rusqlite::ffi::SQLITE_CORRUPT, ErrorKind::Malformed, false),
            (rusqlite::ffi::SQLITE_NOTADB, ErrorKind::Malformed, false),
            (rusqlite::ffi::SQLITE_READONLY, ErrorKind::PermissionDenied, false),
            (rusqlite::ffi::SQLITE_IOERR, ErrorKind::Unavailable, true),
            (rusqlite::ffi::SQLITE_MISUSE, ErrorKind::Internal, false),
        ];
        for (code, kind, retryable) in cases {
            let error = Fault::from(sqlite(code)).at(file);
            assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{code}");
            assert!(!error.is_ambiguous());
        }
    }

    #[test]
    fn a_full_disk_is_told_as_such_and_not_retried() {
        let error = Fault::from(io::Error::from(io::ErrorKind::StorageFull)).at(Path::new("tmp"));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!error.is_retryable() && error.message().contains("no room left at `tmp`"));
    }
}
