//! Keys of rows, and rows.

use skyport_core::Result;
use skyport_core::kv::port::{Key, RawItem};

use super::entity::{Stored, foreign};
use super::key;
use super::row::Row;

/// A partition as it is stored.
#[must_use]
pub fn partition(text: &str) -> String {
    key::partition(text)
}

/// The RowKey of an item.
#[must_use]
pub fn item(sort: &str) -> String {
    key::item(sort)
}

/// The RowKey of an item's mirror.
#[must_use]
pub fn mirror(sort: &str) -> String {
    key::mirror(sort)
}

/// The sort key that an item's RowKey names.
///
/// # Errors
/// `Malformed` where it is none of Skyport's.
pub fn sort_of_item(row: &str) -> Result<String> {
    key::sort_of_item(row)
}

/// The sort key that a mirror's RowKey names.
///
/// # Errors
/// `Malformed` where it is none of Skyport's.
pub fn sort_of_mirror(row: &str) -> Result<String> {
    key::sort_of_mirror(row)
}

/// The item of a row as Table Storage tells it, at a time in milliseconds; none where it has expired or holds a place.
///
/// # Errors
/// `Malformed` where Skyport did not write it.
pub fn read_row(json: &[u8], now: u64) -> Result<Option<RawItem>> {
    let row = Row::read(json).map_err(|error| foreign("it is no JSON").with_source(error))?;
    let stored = Stored::row(row, None)?;
    let sort = key::sort_of_item(stored.row.row()?)?;
    let partition = stored.row.partition()?.to_owned();
    stored.row.slots.text()?;
    stored.row.put_at.millis()?;
    stored.item(Key::new(partition, sort), now)
}

/// The name of a table as Azure takes it.
///
/// # Errors
/// `InvalidArgument` where it has none.
pub fn table_name(name: &str) -> Result<String> {
    super::name::of(name)
}
