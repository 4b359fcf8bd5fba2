//! For the fuzz targets in `tests/fuzz`, and nobody else: names of documents, without a connection.

use skyport_core::Result;
use skyport_core::kv::port::Key;
use skyport_core::provider::ResourceUrl;

use crate::kv::place::{Names, Place};

/// The name of the document of an item in the table that a URL names.
///
/// # Errors
/// `InvalidArgument` where the URL names none.
pub fn document(url: &ResourceUrl, key: &Key) -> Result<String> {
    Ok(Names::new("project", &Place::of(url)?).item(key))
}
