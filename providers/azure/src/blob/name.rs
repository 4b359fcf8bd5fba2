//! URLs of blobs.

use azure_core::http::Url;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::provision::NAME;

/// What a key holds as it is in a path. All else is escaped, slashes too: so no part of a key is taken for a way up, and whoever signs a path
/// reads it as Azure does.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The URL of a container, with the SAS where that is who calls.
pub(crate) fn of_container(connection: &Connection, container: &str) -> Result<Url> {
    connection.url(&[container])
}

/// The URL of a blob, likewise.
///
/// # Errors
/// `InvalidArgument` for the keys `.` and `..`, which no URL can name: they are ways.
pub(crate) fn of_blob(connection: &Connection, container: &str, key: &str) -> Result<Url> {
    if matches!(key, "." | "..") {
        let text = format!("the key `{key}` cannot be asked for: in a URL it is a way, not a name");
        return Err(Error::invalid(text).with_provider(NAME).with_key(key));
    }
    let mut url = of_container(connection, container)?;
    let path = format!("{}/{}", url.path(), utf8_percent_encode(key, UNRESERVED));
    url.set_path(&path);
    Ok(url)
}

/// The longest URL that Azure takes as that of a copy's source.
const LONGEST_SOURCE: usize = 2 << 10;

/// What such a URL may hold as it is where it would be too long.
const SPARSE: &AsciiSet = &UNRESERVED
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The URL of a copy's source.
///
/// # Errors
/// As [`of_blob`]; `TooLarge` where it is longer than Azure takes it.
pub(super) fn of_source(connection: &Connection, container: &str, key: &str) -> Result<Url> {
    let url = of_blob(connection, container, key)?;
    if url.as_str().len() <= LONGEST_SOURCE {
        return Ok(url);
    }
    let mut short = of_container(connection, container)?;
    let path = format!("{}/{}", short.path(), utf8_percent_encode(key, SPARSE));
    // No part of the key is to be taken for a way.
    let is_plain = key.split('/').all(|part| !matches!(part, "" | "." | ".."));
    short.set_path(&path);
    if is_plain && short.as_str().len() <= LONGEST_SOURCE {
        return Ok(short);
    }
    let text = format!(
        "the source's key is too long for a copy: Azure takes a source whose URL has at most {LONGEST_SOURCE} bytes, and in it each letter that \
         is not ASCII has three for each of its bytes. Get it and put it instead"
    );
    Err(Error::new(ErrorKind::TooLarge, text).with_provider(NAME).with_key(key))
}
