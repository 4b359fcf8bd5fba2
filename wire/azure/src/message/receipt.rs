//! What settles a message that the platform handed over.

use skyport_core::queue::port::Receipt;
use skyport_core::{Error, ErrorKind, Result};

/// The longest id of a message. Queue Storage's are UUIDs.
const ID_BYTES: usize = 64;

/// The longest pop receipt that is taken.
const POP_RECEIPT_BYTES: usize = 1_024;

/// The receipt of a delivery, of the message's id and its pop receipt: what `MessageQueue::settle` takes, where the platform has handed
/// both over. A new pop receipt makes a new receipt.
///
/// # Errors
/// `Malformed` where they are not such as Queue Storage gives.
pub fn receipt(id: &str, pop_receipt: &str) -> Result<Receipt> {
    let receipt = Receipt::new(format!("{id}:{pop_receipt}"));
    match split(receipt.as_str()) {
        Some(parts) if parts == (id, pop_receipt) => Ok(receipt),
        _ => Err(Error::new(
            ErrorKind::Malformed,
            "the id or the pop receipt of a message is not Queue Storage's",
        )),
    }
}

/// The message's id and its pop receipt in the text of a [`receipt`]; `None` where it is none.
#[must_use]
pub fn split(receipt: &str) -> Option<(&str, &str)> {
    let (id, pop_receipt) = receipt.split_once(':')?;
    // Both go into a URL, the id as a segment of its path. Ids are UUIDs.
    let is_id = (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_pop = (1..=POP_RECEIPT_BYTES).contains(&pop_receipt.len())
        && pop_receipt.bytes().all(|byte| byte.is_ascii_graphic());
    (is_id && is_pop).then_some((id, pop_receipt))
}
