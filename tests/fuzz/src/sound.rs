//! What holds of everything that is said to somebody.

use skyport_core::{Error, ErrorKind};

/// The longest line that an error is, in bytes: a key or a URL that is refused is quoted, with each of its bytes escaped at worst.
const LONGEST: usize = 512 << 10;

/// An error is one line of bounded length.
pub(crate) fn error(error: &Error) {
    line(&error.to_string());
    line(&format!("{error:?}"));
}

/// A line is one line, and no novel.
pub(crate) fn line(text: &str) {
    assert!(!text.is_empty(), "an error says something");
    assert!(!text.contains(char::is_control), "an error is one line: {text:?}");
    assert!(text.len() <= LONGEST, "an error is short: {} bytes", text.len());
}

/// What is wrong with these bytes is said to be wrong with them, and to be nobody's fault here.
pub(crate) fn refusal(refused: &Error) {
    error(refused);
    let kind = refused.kind();
    let theirs = matches!(
        kind,
        ErrorKind::Malformed | ErrorKind::InvalidArgument | ErrorKind::TooLarge | ErrorKind::Unsupported
    );
    assert!(theirs, "{refused}");
}

/// The value, where there is one; else the refusal is a sound one.
pub(crate) fn value<T>(result: Result<T, Error>) -> Option<T> {
    result.inspect_err(refusal).ok()
}

/// A secret stands nowhere in a text, also not as it is shown by Debug.
pub(crate) fn hides(text: &str, secret: &str) {
    // Short ones stand in any text by chance.
    if secret.len() >= 12 {
        assert!(!text.contains(secret), "a secret is told: {text}");
    }
}
