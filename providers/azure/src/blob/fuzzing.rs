//! Pages of listings.

use skyport_core::Result;
use skyport_core::blob::port::ListEntry;

/// What stands on a page of at most so many entries, and what it says comes next.
///
/// # Errors
/// `Malformed` where it is something else.
pub fn read_page(xml: &[u8], most: usize) -> Result<(Vec<ListEntry>, Option<String>)> {
    super::page_xml::read(xml, most).map(|batch| (batch.entries, batch.marker))
}
