//! What may be written: keys, metadata and header values.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::port::{BlobLimits, Properties};
use crate::{Error, ErrorKind, Result};

/// Keys that others wrote are read as they are, up to this many bytes: more than any cloud takes.
const READ_BYTES: usize = 4096;
/// The longest content type, cache control, disposition or encoding.
const HEADER_BYTES: usize = 1024;

const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// A value of user metadata as it travels where a cloud takes ASCII only: all but visible ASCII, and `%`, as `%XX`.
/// What it takes of the limit is counted in this form.
#[must_use]
pub fn encode_metadata(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, NOT_PLAIN).into()
}

/// A key that is to be written.
pub(super) fn check_written(key: &str, limits: &BlobLimits) -> Result<()> {
    if key.is_empty() || key.len() > limits.key_bytes {
        return Err(invalid(format!(
            "a key has 1 to {} bytes, this one has {}",
            limits.key_bytes,
            key.len()
        )));
    }
    // Without a branch for each byte: most keys are plain, and then this is all.
    let plain = key.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'[' | b']'..=b'~'));
    if !plain && key.chars().any(|c| c.is_control() || c == '\\') {
        return Err(Error::invalid("a key has no control character and no backslash"));
    }
    let mut segments = 0;
    for segment in key.as_bytes().split(|byte| *byte == b'/') {
        segments += 1;
        match segment.last() {
            None => return Err(Error::invalid("a key does not begin or end with `/` and has no `//` in it")),
            Some(b'.') => return Err(Error::invalid("no segment of a key is `.`, `..` or ends in `.`")),
            Some(_) => {}
        }
    }
    if segments > limits.key_segments {
        return Err(invalid(format!(
            "a key has at most {} segments, this one has {segments}",
            limits.key_segments
        )));
    }
    Ok(())
}

/// A key that is only read or deleted.
pub(super) fn check_read(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > READ_BYTES {
        return Err(invalid(format!("a key has 1 to {READ_BYTES} bytes, this one has {}", key.len())));
    }
    Ok(())
}

/// The prefix or the start of a listing, which may be empty.
pub(super) fn check_listed(text: &str) -> Result<()> {
    if text.len() > READ_BYTES {
        return Err(invalid(format!(
            "a prefix, delimiter or start has at most {READ_BYTES} bytes, this one has {}",
            text.len()
        )));
    }
    Ok(())
}

/// Properties that are to be written.
pub(super) fn check_properties(properties: &Properties, limits: &BlobLimits) -> Result<()> {
    check_header("content type", properties.content_type.as_deref())?;
    check_header("cache control", properties.cache_control.as_deref())?;
    check_header("content disposition", properties.content_disposition.as_deref())?;
    check_header("content encoding", properties.content_encoding.as_deref())?;
    let mut bytes = 0;
    for (name, value) in &properties.metadata {
        check_metadata_name(name)?;
        bytes += name.len() + encode_metadata(value).len();
    }
    if bytes > limits.metadata_bytes {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the user metadata has {bytes} bytes (values counted as percent-encoded), the limit is {}",
                limits.metadata_bytes
            ),
        ));
    }
    Ok(())
}

/// A value that becomes an HTTP header.
pub(super) fn check_header(what: &str, value: Option<&str>) -> Result<()> {
    match value {
        None => Ok(()),
        Some(value) if value.len() > HEADER_BYTES => {
            Err(invalid(format!("the {what} has {} bytes, the limit is {HEADER_BYTES}", value.len())))
        }
        Some(value)
            if value.is_empty()
                || value.trim() != value
                || value.bytes().any(|b| !(b' '..=b'~').contains(&b)) =>
        {
            Err(invalid(format!("the {what} is printable ASCII, neither empty nor with spaces around it")))
        }
        Some(_) => Ok(()),
    }
}

fn check_metadata_name(name: &str) -> Result<()> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    if !first || !bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(Error::invalid("a name of user metadata has the form `[a-z][a-z0-9_]*`"));
    }
    if name.starts_with("skyport") {
        return Err(Error::invalid(
            "names of user metadata that begin with `skyport` are Skyport's own; choose another",
        ));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::invalid(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: &str) -> bool {
        check_written(key, &BlobLimits::default()).is_ok()
    }

    #[test]
    fn keys_to_be_written_follow_the_contract() {
        for key in ["a", "a/b/c", ".hidden", "a.b/c d", "☺", "quote'\"", "...x"] {
            assert!(written(key), "{key}");
        }
        for key in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a./b", "a.", "a\\b", "a\nb", "a\u{85}b"] {
            assert!(!written(key), "{key:?}");
        }
        assert!(written(&"k".repeat(1024)) && !written(&"k".repeat(1025)));
        assert!(written(&["s"; 254].join("/")) && !written(&["s"; 255].join("/")));
    }

    #[test]
    fn a_value_of_metadata_counts_as_it_is_encoded() {
        let limits = BlobLimits::default();
        let with = |value: String| {
            let mut properties = Properties::default();
            properties.metadata.insert("n".to_owned(), value);
            check_properties(&properties, &limits)
        };
        assert!(with("x".repeat(1899)).is_ok());
        let error = with("x".repeat(1900)).expect_err("over the limit");
        assert!(error.kind() == ErrorKind::TooLarge && error.message().contains("1900"));
        // Two bytes of UTF-8, six as encoded.
        assert!(with("ü".repeat(316)).is_ok() && with("ü".repeat(317)).is_err());
        assert_eq!(encode_metadata("50 % ü"), "50%20%25%20%C3%BC");
    }
}
