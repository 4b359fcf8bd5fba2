//! URLs of blobs.

use azure_core::http::Url;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::{Error, Result};

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
